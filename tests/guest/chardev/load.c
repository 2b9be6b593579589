// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that works as much as it can, and one that does a little beside it: both until
 * SIGTERM
 */
#include <signal.h>

#include "calls.h"

#define DEPTH	16
#define SIZE	(4 << 20)
#define TIMES	100000

static volatile sig_atomic_t stop;

static void end(int number)
{
	(void)number;
	stop = 1;
}

static void end_at_signal(void)
{
	struct sigaction action = { .sa_handler = end };

	sigaction(SIGTERM, &action, NULL);
}

static __u64 count_good(int fd, __u32 min)
{
	struct vgpu_stub_completion done[DEPTH];
	int count;

	do
		count = wait_for(fd, done, min, DEPTH, 60 * SECOND);
	while (count < 0 && errno == EINTR);
	must(count >= (int)min, "completions");
	for (int i = 0; i < count; i++)
		must(!done[i].status, "a command");
	return count;
}

/* Keep the queue full of long commands */
void keep_full(void)
{
	int fd = open_device();
	struct buffer buffer = make_buffer(fd, SIZE);
	struct vgpu_stub_command sum = {
		.opcode = VGPU_STUB_OP_CRC32C, .out = part(buffer, 0, SIZE),
	};
	__u32 in_flight = 0;
	__u64 completed = 0;

	end_at_signal();
	memset(buffer.data, 0x5a, SIZE);
	while (!stop) {
		__u64 count;

		for (; in_flight < DEPTH; in_flight++)
			must(!submit_one(fd, sum), "submit");
		count = count_good(fd, 1);
		in_flight -= count;
		completed += count;
	}
	completed += count_good(fd, in_flight);
	printf("completed %llu\n", completed);
}

/* One null command now and then: how long they take */
void now_and_then(void)
{
	static __u64 took[TIMES];
	struct vgpu_stub_command nop = { 0 };
	int fd = open_device(), count = 0;

	end_at_signal();
	while (!stop && count < TIMES) {
		__u64 start = now();

		must(!submit_one(fd, nop), "submit");
		count_good(fd, 1);
		took[count++] = now() - start;
		usleep(20000);
	}
	sort_times(took, count);
	printf("count %d, p50 %llu us, p99 %llu us, max %llu us\n", count,
	       took[count / 2] / 1000, took[count * 99 / 100] / 1000, took[count - 1] / 1000);
}
