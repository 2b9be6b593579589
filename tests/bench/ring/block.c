// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include <fcntl.h>

#include "iouring.h"
#include "target.h"

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
	open_ring(depth);
}

static void submit(const unsigned int *slots, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = next_entry();

		io_uring_prep_read(sqe, fd, memory + slots[i] * size, size, 0);
		io_uring_sqe_set_data64(sqe, slots[i]);
	}
	submit_entries(count);
}

/* A large request of the driver's is several of the device's, and may end short */
static unsigned int reap(unsigned int *slots)
{
	return reap_entries(slots, size);
}

const struct target target_block = {
	.name = "block", .max_depth = MAX_DEPTH,
	.open = open_block, .submit = submit, .reap = reap,
};
