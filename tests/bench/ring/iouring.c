// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "iouring.h"
#include "target.h"

static struct io_uring ring;

void open_ring(unsigned int depth)
{
	errno = -io_uring_queue_init(depth, &ring, 0);
	if (errno)
		die("io_uring");
}

struct io_uring_sqe *next_entry(void)
{
	return io_uring_get_sqe(&ring);
}

void submit_entries(unsigned int count)
{
	if (io_uring_submit(&ring) != (int)count)
		die("io_uring_submit");
}

unsigned int reap_entries(unsigned int *slots, int result)
{
	struct io_uring_cqe *cqes[MAX_DEPTH], *first;
	unsigned int count;

	errno = -io_uring_wait_cqe(&ring, &first);
	if (errno)
		die("io_uring_wait_cqe");
	count = io_uring_peek_batch_cqe(&ring, cqes, MAX_DEPTH);
	for (unsigned int i = 0; i < count; i++) {
		errno = cqes[i]->res < 0 ? -cqes[i]->res : EIO;
		if (cqes[i]->res != result)
			die("completion");
		slots[i] = io_uring_cqe_get_data64(cqes[i]);
	}
	io_uring_cq_advance(&ring, count);
	return count;
}
