// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * io_uring without its library: one ring, whose entries are filled in by hand
 */
#include <linux/io_uring.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "calls.h"

#ifndef IORING_OP_URING_CMD	/* headers before 5.19 */
#define IORING_OP_URING_CMD 46
#endif
#define ENTRIES 64
/* offsets in struct io_uring_sqe, which older headers do not have by these names */
#define SQE_CMD_OP 8
#define SQE_CMD 48

struct ring {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_cqe *cqes;
	struct io_uring_sqe *sqes;
};

static struct ring make_ring(void)
{
	struct io_uring_params params = { 0 };
	struct ring ring = { .fd = syscall(__NR_io_uring_setup, ENTRIES, &params) };
	size_t length = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
	char *base;

	must(ring.fd >= 0, "io_uring_setup");
	if (length < params.sq_off.array + params.sq_entries * 4)
		length = params.sq_off.array + params.sq_entries * 4;
	base = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
	ring.sqes = mmap(NULL, ENTRIES * sizeof(*ring.sqes), PROT_READ | PROT_WRITE, MAP_SHARED,
			 ring.fd, IORING_OFF_SQES);
	must(base != MAP_FAILED && ring.sqes != MAP_FAILED, "map the ring");
	ring.sq_tail = (unsigned int *)(base + params.sq_off.tail);
	ring.sq_mask = (unsigned int *)(base + params.sq_off.ring_mask);
	ring.sq_array = (unsigned int *)(base + params.sq_off.array);
	ring.cq_head = (unsigned int *)(base + params.cq_off.head);
	ring.cq_tail = (unsigned int *)(base + params.cq_off.tail);
	ring.cq_mask = (unsigned int *)(base + params.cq_off.ring_mask);
	ring.cqes = (struct io_uring_cqe *)(base + params.cq_off.cqes);
	return ring;
}

static void add(struct ring *ring, int fd, __u32 op, struct vgpu_stub_command *command,
		struct vgpu_stub_completion *done)
{
	struct vgpu_stub_uring args = {
		.command = (uintptr_t)command, .completion = (uintptr_t)done,
	};
	unsigned int tail = *ring->sq_tail, slot = tail & *ring->sq_mask;
	char *sqe = (char *)&ring->sqes[slot];

	memset(sqe, 0, sizeof(ring->sqes[slot]));
	ring->sqes[slot].opcode = IORING_OP_URING_CMD;
	ring->sqes[slot].fd = fd;
	memcpy(sqe + SQE_CMD_OP, &op, sizeof(op));
	memcpy(sqe + SQE_CMD, &args, sizeof(args));
	ring->sq_array[slot] = slot;
	__atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
}

static int enter(struct ring *ring, unsigned int submit, unsigned int wait)
{
	return syscall(__NR_io_uring_enter, ring->fd, submit, wait,
		       wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
}

/* The results of count commands: how many were res */
static int results(struct ring *ring, int count, int res)
{
	int good = 0;

	while (count--) {
		unsigned int head = *ring->cq_head;

		if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE))
			break;
		good += ring->cqes[head & *ring->cq_mask].res == res;
		__atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
	}
	return good;
}

static void fails(struct ring *ring, int fd, __u32 op, struct vgpu_stub_command *command,
		  int expected, const char *what)
{
	struct vgpu_stub_completion done = { 0 };

	add(ring, fd, op, command, &done);
	check(enter(ring, 1, 1) == 1 && results(ring, 1, -expected) == 1, "uring: %s", what);
}

static void batch(struct ring *ring, int fd)
{
	struct buffer from = make_buffer(fd, 65536), to = make_buffer(fd, ENTRIES * 65536);
	struct vgpu_stub_completion done[ENTRIES] = { 0 };
	struct vgpu_stub_command commands[ENTRIES];
	int i, bad = 0;

	memset(from.data, 0x5a, 65536);
	for (i = 0; i < ENTRIES; i++) {
		commands[i] = (struct vgpu_stub_command) {
			.opcode = VGPU_STUB_OP_COPY, .user_data = i + 1,
			.out = part(from, 0, 65536), .in = part(to, i * 65536, 65536),
		};
		add(ring, fd, VGPU_STUB_URING_SUBMIT, &commands[i], &done[i]);
	}
	check(enter(ring, ENTRIES, ENTRIES) == ENTRIES, "uring: %d submitted", ENTRIES);
	check(results(ring, ENTRIES, 0) == ENTRIES, "uring: all completed");
	for (i = 0; i < ENTRIES; i++)
		bad += done[i].user_data != (__u64)i + 1 || done[i].result != 65536 ||
		       memcmp(from.data, to.data + i * 65536, 65536);
	check(!bad, "uring: the data and the completions");
}

/* Killed with commands in flight, whose completions have nowhere to go */
static void killed(void)
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (!child) {
		static struct vgpu_stub_completion done[ENTRIES];
		int fd = open_device(), i;
		struct ring ring = make_ring();
		struct buffer buffer = make_buffer(fd, 8 << 20);
		struct vgpu_stub_command fill = {
			.opcode = VGPU_STUB_OP_FILL, .in = part(buffer, 0, 8 << 20),
		};

		for (i = 0; i < ENTRIES; i++)
			add(&ring, fd, VGPU_STUB_URING_SUBMIT, &fill, &done[i]);
		enter(&ring, ENTRIES, 0);
		kill(getpid(), 9);
	}
	waitpid(child, &status, 0);
	check(WIFSIGNALED(status), "uring: killed with commands in flight");
}

void test_uring(void)
{
	struct vgpu_stub_command command = { .opcode = VGPU_STUB_OP_NOP };
	int fd = open_device();
	struct ring ring = make_ring();

	batch(&ring, fd);
	fails(&ring, fd, VGPU_STUB_URING_SUBMIT + 1, &command, ENOTTY, "an unknown operation");
	fails(&ring, fd, VGPU_STUB_URING_SUBMIT, NULL, EFAULT, "no command");
	command.flags = VGPU_STUB_COMMAND_QUIET;
	fails(&ring, fd, VGPU_STUB_URING_SUBMIT, &command, EINVAL, "a quiet command");
	command = (struct vgpu_stub_command) { .out = { .handle = 999, .length = 1 } };
	fails(&ring, fd, VGPU_STUB_URING_SUBMIT, &command, ENOENT, "no such buffer");
	close(fd);
	killed();
}
