// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands, and how a program learns of their end
 */
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "calls.h"

void test_info(void)
{
	struct vgpu_stub_info info = { .size = sizeof(info) };
	int fd = open_device();

	check_errno(ioctl(fd, VGPU_STUB_IOC_INFO, &info), 0, "info");
	check(info.version == VGPU_STUB_VERSION_QUEUES ||
	      info.version == VGPU_STUB_VERSION_MEDIATOR, "version 0x%x", info.version);
	check(info.command_sets == 3, "command sets 0x%x", info.command_sets);
	check(info.depth == 256, "depth %u", info.depth);
	check(info.max_buffers == VGPU_STUB_BUFFERS_MAX, "buffers %u", info.max_buffers);
	check(info.max_length == VGPU_STUB_TRANSFER_MAX, "length %llu", info.max_length);
	close(fd);
}

static __u64 checksum(int fd, struct buffer buffer, __u64 length)
{
	struct vgpu_stub_command command = {
		.opcode = VGPU_STUB_OP_CRC32C, .out = part(buffer, 0, length),
	};
	__u64 result = 0;

	check(run(fd, command, &result) == VGPU_STUB_OK, "CRC32C of %llu bytes", length);
	return result;
}

static void copies(int fd, __u64 length)
{
	struct buffer from = make_buffer(fd, length), to = make_buffer(fd, length);
	struct vgpu_stub_command command = {
		.opcode = VGPU_STUB_OP_COPY, .out = part(from, 0, length), .in = part(to, 0, length),
	};
	__u64 i, result = 0;

	for (i = 0; i < length; i++)
		from.data[i] = i * 7 + i / 251;
	check(run(fd, command, &result) == VGPU_STUB_OK && result == length,
	      "COPY of %llu bytes", length);
	check(!memcmp(from.data, to.data, length), "COPY of %llu bytes: the data", length);
	check(!destroy(fd, from.handle), "destroy");
	from.data[0] = 1;	/* the mapping stays */
	check(checksum(fd, to, length) != 0, "the checksum is not 0");
	munmap(from.data, length);
	munmap(to.data, length);
	check(!destroy(fd, to.handle), "destroy an unmapped buffer");
}

static void fills(int fd)
{
	struct buffer buffer = make_buffer(fd, 4096);
	struct vgpu_stub_command command = {
		.opcode = VGPU_STUB_OP_FILL, .arg = 0x0807060504030201, .in = part(buffer, 1, 13),
	};

	check(run(fd, command, NULL) == VGPU_STUB_OK, "FILL");
	check(!memcmp(buffer.data, "\0\1\2\3\4\5\6\7\10\1\2\3\4\5\0", 15), "FILL: the data");
	memcpy(buffer.data, "123456789", 9);
	check(checksum(fd, buffer, 9) == 0xe3069283, "CRC32C of the nine digits");
	destroy(fd, buffer.handle);
}

/* Pages of the program: not touched when they are pinned, and written afterwards */
static void user_pages(int fd)
{
	unsigned char *data = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vgpu_stub_buffer args = {
		.flags = VGPU_STUB_BUFFER_USER | VGPU_STUB_BUFFER_DEVICE_READ,
		.addr = (uintptr_t)data, .length = 8192,
	};
	struct buffer buffer;

	check_errno(create(fd, &args), 0, "a buffer of the program's pages");
	buffer = (struct buffer) { .handle = args.handle, .length = 8192, .data = data };
	memcpy(data, "123456789", 9);
	check(checksum(fd, buffer, 9) == 0xe3069283, "the device reads what was written later");
	check(!destroy(fd, args.handle), "destroy");
}

static void flags(int fd)
{
	struct vgpu_stub_completion done[3];
	struct vgpu_stub_command commands[3] = {
		{ .opcode = VGPU_STUB_OP_NOP, .user_data = 1, .flags = VGPU_STUB_COMMAND_QUIET },
		{ .opcode = 0x7f, .user_data = 2, .flags = VGPU_STUB_COMMAND_QUIET },
		{ .opcode = VGPU_STUB_OP_NOP, .user_data = 3, .flags = VGPU_STUB_COMMAND_BARRIER },
	};
	int count;

	must(!submit(fd, commands, 3, NULL), "submit three");
	count = wait_for(fd, done, 1, 3, SECOND);
	while (count == 1 && done[0].user_data == 2)
		count += wait_for(fd, done + 1, 1, 2, SECOND);
	check(count == 2, "a quiet success has no completion");
	check(done[0].user_data == 2 && done[0].status == VGPU_STUB_ERR_OPCODE,
	      "a quiet failure has one");
	check(done[1].user_data == 3, "the barrier came last");
}

void test_work(void)
{
	int fd = open_device();

	copies(fd, 4096);
	copies(fd, 8 << 20);
	fills(fd);
	user_pages(fd);
	flags(fd);
	close(fd);
}

static void polls(int fd)
{
	struct pollfd file = { .fd = fd, .events = POLLIN | POLLOUT };
	struct vgpu_stub_completion done[256];
	struct vgpu_stub_command nops[256] = { 0 };
	int i;

	check(poll(&file, 1, 0) == 1 && file.revents == POLLOUT, "poll: idle");
	must(!submit_one(fd, nops[0]), "submit");
	file.events = POLLIN;
	check(poll(&file, 1, 5000) == 1 && file.revents == POLLIN, "poll: a completion");
	must(wait_for(fd, done, 1, 1, 0) == 1, "read it");
	check(poll(&file, 1, 0) == 0, "poll: it was read");
	for (i = 0; i < 200; i++) {
		must(!submit_one(fd, nops[0]), "submit");
		if (poll(&file, 1, 5000) != 1 || wait_for(fd, done, 1, 1, 0) != 1)
			break;
	}
	check(i == 200, "poll: %d of 200 completions woke it", i);
	must(!submit(fd, nops, 256, NULL), "submit 256");
	file.events = POLLOUT;
	check(poll(&file, 1, 0) == 0, "poll: depth is reached");
	must(wait_for(fd, done, 256, 256, 10 * SECOND) == 256, "read 256");
	check(poll(&file, 1, 0) == 1, "poll: there is room again");
}

static void events(int fd)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct pollfd file = { .fd = event, .events = POLLIN };
	struct vgpu_stub_command nop = { 0 };
	struct vgpu_stub_completion done;
	__u64 count;

	must(!set_eventfd(fd, event), "set an eventfd");
	check(poll(&file, 1, 0) == 0, "eventfd: idle");
	must(!submit_one(fd, nop), "submit");
	check(poll(&file, 1, 5000) == 1, "eventfd: a completion");
	check(read(event, &count, 8) == 8 && count == 1, "eventfd: one");
	must(wait_for(fd, &done, 1, 1, 0) == 1, "read it");
	nop.flags = VGPU_STUB_COMMAND_QUIET;
	must(!submit_one(fd, nop), "submit a quiet one");
	check(poll(&file, 1, 200) == 0, "eventfd: nothing to read, no signal");
	must(!set_eventfd(fd, -1), "set no eventfd");
	nop.flags = 0;
	must(!submit_one(fd, nop), "submit");
	check(wait_for(fd, &done, 1, 1, SECOND) == 1, "a completion without eventfd");
	check(poll(&file, 1, 0) == 0, "eventfd: no signal any more");
	close(event);
}

static void interrupted(int number)
{
	(void)number;
}

/* Every @ms milliseconds, in case the first signal comes before the call; 0: no more */
static void alarm_every_ms(int ms)
{
	struct itimerval timer = {
		.it_value.tv_usec = ms * 1000, .it_interval.tv_usec = ms * 1000,
	};
	struct sigaction action = { .sa_handler = interrupted };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static long ms_since(struct timespec *before)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - before->tv_sec) * 1000 +
	       (now.tv_nsec - before->tv_nsec) / 1000000;
}

/* Stops this program after as many milliseconds, and lets it go on a little later */
static pid_t stop_in_ms(int ms)
{
	pid_t child = fork();

	if (child)
		return child;
	usleep(ms * 1000);
	kill(getppid(), SIGSTOP);
	usleep(ms * 1000);
	kill(getppid(), SIGCONT);
	_exit(0);
}

/*
 * Two GiB to fill, and one completion at the end of it. A mediator fills at the speed of the
 * host, whatever else slows down the guest.
 */
static void submit_slowly(int fd, struct buffer buffer)
{
	struct vgpu_stub_command fill = {
		.opcode = VGPU_STUB_OP_FILL, .flags = VGPU_STUB_COMMAND_QUIET,
		.in = part(buffer, 0, buffer.length),
	};
	struct vgpu_stub_command last = { .flags = VGPU_STUB_COMMAND_BARRIER };
	int i;

	for (i = 0; i < 250; i++)
		must(!submit_one(fd, fill), "submit a fill");
	must(!submit_one(fd, last), "submit a barrier");
}

static void interrupted_wait(int fd)
{
	struct vgpu_stub_completion done;
	struct vgpu_stub_wait args = {
		.size = sizeof(args), .completions = (uintptr_t)&done,
		.min = 1, .max = 1, .timeout_ns = 60 * SECOND,
	};
	int ret;

	alarm_every_ms(5);
	ret = ioctl(fd, VGPU_STUB_IOC_WAIT, &args);
	alarm_every_ms(0);
	check_errno(ret, EINTR, "wait a minute: a signal");
	check(args.timeout_ns > 0 && args.timeout_ns < 60 * SECOND,
	      "less than the minute is left (%lld ns)", args.timeout_ns);
}

static void slow_waits(int fd)
{
	struct buffer buffer = make_buffer(fd, 8 << 20);
	struct vgpu_stub_completion done;
	struct timespec before;
	int ret;

	submit_slowly(fd, buffer);
	clock_gettime(CLOCK_MONOTONIC, &before);
	check_errno(wait_for(fd, &done, 1, 1, SECOND / 500), ETIMEDOUT, "wait for 2 ms");
	check(ms_since(&before) >= 2, "it waits for as long (%ld ms)", ms_since(&before));
	check_errno(wait_for(fd, &done, 1, 1, 0), ETIMEDOUT, "wait, and not at all");
	alarm_every_ms(5);
	ret = wait_for(fd, &done, 1, 1, -1);
	alarm_every_ms(0);
	check_errno(ret, EINTR, "wait: a signal");
	interrupted_wait(fd);
	check(wait_for(fd, &done, 1, 1, -1) == 1, "the wait goes on");

	submit_slowly(fd, buffer);
	alarm_every_ms(5);
	ret = destroy(fd, buffer.handle);
	alarm_every_ms(0);
	check_errno(ret, EINTR, "destroy: a signal while in use");
	check_errno(destroy(fd, buffer.handle), 0, "destroy waits");
	check(wait_for(fd, &done, 1, 1, -1) == 1, "the commands have ended");
}

/* A program that is stopped notices nothing of it */
static void stopped_calls(int fd)
{
	struct buffer buffer = make_buffer(fd, 8 << 20);
	struct vgpu_stub_completion done;
	pid_t child;

	submit_slowly(fd, buffer);
	child = stop_in_ms(5);
	check(wait_for(fd, &done, 1, 1, -1) == 1, "wait, and be stopped meanwhile");
	waitpid(child, NULL, 0);
	submit_slowly(fd, buffer);
	child = stop_in_ms(5);
	check_errno(destroy(fd, buffer.handle), 0, "destroy, and be stopped meanwhile");
	waitpid(child, NULL, 0);
	check(wait_for(fd, &done, 1, 1, -1) == 1, "the commands have ended");
}

/* Reads a completion that another thread submitted */
static void *read_first(void *data)
{
	struct vgpu_stub_completion done;

	return wait_for(*(int *)data, &done, 1, 1, SECOND) == 1 ? data : NULL;
}

static void waits(int fd)
{
	struct vgpu_stub_completion done[2];
	struct vgpu_stub_command nop = { 0 };
	struct timespec before;
	pthread_t thread;
	void *good;

	must(!submit_one(fd, nop), "submit");
	pthread_create(&thread, NULL, read_first, &fd);
	pthread_join(thread, &good);
	check(good, "the other thread has read one");
	must(!submit_one(fd, nop), "submit");
	clock_gettime(CLOCK_MONOTONIC, &before);
	check_errno(wait_for(fd, done, 2, 2, -1), ENODATA, "wait for two when one was read");
	check(ms_since(&before) < 1000, "it ends at once (%ld ms)", ms_since(&before));
	check(wait_for(fd, done, 1, 2, SECOND) == 1, "and one is left");
}

void test_events(void)
{
	int fd = open_device();

	polls(fd);
	events(fd);
	waits(fd);
	slow_waits(fd);
	stopped_calls(fd);
	close(fd);
}

/* Two processes on the device at once; each sees its own data only */
static int pair_member(unsigned char pattern)
{
	int fd = open_device(), i;
	struct buffer from = make_buffer(fd, 65536), to = make_buffer(fd, 65536);
	struct vgpu_stub_command command = {
		.opcode = VGPU_STUB_OP_COPY, .out = part(from, 0, 65536), .in = part(to, 0, 65536),
	};

	for (i = 0; i < 500; i++) {
		memset(from.data, pattern + i, 65536);
		if (run(fd, command, NULL) != VGPU_STUB_OK || memcmp(from.data, to.data, 65536))
			return 1;
	}
	return 0;
}

void test_pair(void)
{
	int status[2];
	pid_t child[2];
	int i;

	fflush(stdout);
	for (i = 0; i < 2; i++) {
		child[i] = fork();
		if (!child[i])
			_exit(pair_member(i * 100));
	}
	for (i = 0; i < 2; i++) {
		waitpid(child[i], &status[i], 0);
		check(!status[i], "process %d: 500 copies", i);
	}
}
