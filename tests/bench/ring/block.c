// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>

#include "target.h"

static struct io_uring ring;
static char *memory;
static size_t size;
static int fd;

static void open_block(const char *path, unsigned int depth, size_t bytes)
{
	size = bytes ? bytes : 512;
	memory = zeroed_memory(depth * size);
	fd = open(path, O_RDONLY | O_DIRECT);
	if (fd < 0)
		die(path);
	errno = -io_uring_queue_init(depth, &ring, 0);
	if (errno)
		die("io_uring");
}

static void submit(const unsigned int *slots, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

		io_uring_prep_read(sqe, fd, memory + slots[i] * size, size, 0);
		io_uring_sqe_set_data64(sqe, slots[i]);
	}
	if (io_uring_submit(&ring) != (int)count)
		die("io_uring_submit");
}

/* A large request of the driver's is several of the device's, and may end short */
static unsigned int reap(unsigned int *slots)
{
	struct io_uring_cqe *cqes[MAX_DEPTH], *first;
	unsigned int count;

	errno = -io_uring_wait_cqe(&ring, &first);
	if (errno)
		die("io_uring_wait_cqe");
	count = io_uring_peek_batch_cqe(&ring, cqes, MAX_DEPTH);
	for (unsigned int i = 0; i < count; i++) {
		errno = cqes[i]->res < 0 ? -cqes[i]->res : EIO;
		if (cqes[i]->res != (int)size)
			die("read");
		slots[i] = io_uring_cqe_get_data64(cqes[i]);
	}
	io_uring_cq_advance(&ring, count);
	return count;
}

const struct target target_block = {
	.name = "block", .max_depth = MAX_DEPTH,
	.open = open_block, .submit = submit, .reap = reap,
};
