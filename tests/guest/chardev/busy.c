// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Work that goes on while the device is reset, unbound, pulled out, or the machine
 * sleeps; a program that only waits meanwhile; and how long a command takes
 */
#include <signal.h>
#include <sys/eventfd.h>

#include "calls.h"

#define DEPTH 16
#define SIZE (1 << 20)

static volatile sig_atomic_t stop;
static __u64 finished, cut_off, failed;

static void end(int number)
{
	(void)number;
	stop = 1;
}

/* A wait that nobody ends: with a timeout, to tell a program that hangs */
static int some_completions(int fd)
{
	struct vgpu_stub_completion done[DEPTH];
	int count = wait_for(fd, done, 1, DEPTH, 60 * SECOND), i;

	for (i = 0; i < count; i++) {
		if (!done[i].status)
			finished++;
		else if (done[i].status == VGPU_STUB_STATUS_RESET)
			cut_off++;
		else
			failed++;
	}
	return count;
}

/* The buffers are as good as before all that happened */
static void copy_once_more(int fd, struct vgpu_stub_command copy, struct buffer from,
			   struct buffer to)
{
	memset(from.data, 0x5a, SIZE);
	memset(to.data, 0, SIZE);
	if (run(fd, copy, NULL) || memcmp(from.data, to.data, SIZE))
		failed++;
}

/* Until a signal, or until a call fails; says how it ended */
void keep_busy(void)
{
	struct sigaction action = { .sa_handler = end };
	int fd = open_device(), count = 0, in_flight = 0;
	struct buffer from = make_buffer(fd, SIZE), to = make_buffer(fd, SIZE);
	struct vgpu_stub_command copy = {
		.opcode = VGPU_STUB_OP_COPY, .out = part(from, 0, SIZE), .in = part(to, 0, SIZE),
	};

	sigaction(SIGTERM, &action, NULL);
	while (!stop) {
		errno = 0;
		while (in_flight < DEPTH && !submit_one(fd, copy))
			in_flight++;
		if (errno || (count = some_completions(fd)) < 0)
			break;
		in_flight -= count;
	}
	while (stop && in_flight && (count = some_completions(fd)) > 0)
		in_flight -= count;
	if (stop)
		copy_once_more(fd, copy, from, to);
	printf("ended: %s, finished %s, cut off %s, failed %llu\n",
	       stop ? "told" : strerror(errno), finished ? "some" : "none",
	       cut_off ? "some" : "none", failed);
}

/*
 * Without a command in flight, only the end of the device ends this wait. After its timeout
 * poll() would see it, too: so it has to be earlier.
 */
void wait_idle(void)
{
	int fd = open_device(), event = eventfd(0, EFD_CLOEXEC);
	struct pollfd file = { .fd = fd, .events = POLLIN };
	struct pollfd signal = { .fd = event, .events = POLLIN };
	__u64 start = now();

	must(!set_eventfd(fd, event), "set an eventfd");
	check(poll(&file, 1, 60000) == 1 && file.revents & POLLHUP, "poll: the device is gone");
	check(now() - start < 50 * SECOND, "poll: it is told, %llu ms after it began to wait",
	      (now() - start) / 1000000);
	check(poll(&signal, 1, 0) == 1, "eventfd: it is told, too");
	close(fd);
}

/* Nanoseconds for one NOP at a time, and NOPs a second in batches of 16 */
void measure(void)
{
	static __u64 took[20000];
	struct vgpu_stub_command nops[DEPTH] = { 0 };
	struct vgpu_stub_completion done[DEPTH];
	int fd = open_device(), i;
	__u64 start;

	for (i = 0; i < 20000; i++) {
		start = now();
		must(!submit_one(fd, nops[0]) && wait_for(fd, done, 1, 1, SECOND) == 1, "NOP");
		took[i] = now() - start;
	}
	sort_times(took, 20000);
	start = now();
	for (i = 0; i < 2000; i++)
		must(!submit(fd, nops, DEPTH, NULL) &&
		     wait_for(fd, done, DEPTH, DEPTH, SECOND) == DEPTH, "NOPs");
	printf("depth 1: p50 %llu us, p99 %llu us; depth 16: %llu a second\n",
	       took[10000] / 1000, took[19800] / 1000,
	       2000ULL * DEPTH * SECOND / (now() - start));
}
