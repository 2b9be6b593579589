// SPDX-License-Identifier: GPL-2.0-or-later
/* The limits of a VM; a mediator with the back end of hang.c is needed */
#include <unistd.h>
#include "daemon.h"
#include "hang.h"
#include "peer.h"
#include "ring.h"

/* The lifeline reports that the worker is gone, and the next one gets another command */
static void test_hang(uint64_t arg, const char *name)
{
	connect_all();
	submit((struct vgpu_stub_sqe){ .opcode = VGPU_STUB_OP_FILL, .arg = arg,
				       .in = direct(DATA, 8) });
	ok(lifeline_ends(LATE_MS), name);
	close(peer.fd);
}

void test_limits(void)
{
	test_hang(HANG_IN_SLICE, "a worker that is stuck is killed");
	/* two more attempts at the same command, then it is given up */
	connect_all();
	ok(lifeline_ends(LATE_MS), "... and the next one, which replays the command");
	close(peer.fd);
	connect_all();
	ok(lifeline_ends(LATE_MS), "... and the third one");
	close(peer.fd);
	connect_all();
	ok(complete()->status == VGPU_STUB_ERR_BACKEND, "... then the command ends with ERR_BACKEND");
	ok(run((struct vgpu_stub_sqe){ 0 }, 0, 0), "... and the queue works");
	disconnect();
	test_hang(HANG_IN_SLICES, "a worker ends whose command has no end");
	peer.features = 1;
	if (hello())
		stop("HELLO");
	ok(!add_memory(), "memory within the limit");
}

void test_memory_limit(void)
{
	if (hello())
		stop("HELLO");
	ok(add_memory() == VGPU_MEDIATOR_FAIL_LIMIT, "memory beyond the limit");
	ok(!simple(VGPU_MEDIATOR_PING), "... and the connection goes on");
}
