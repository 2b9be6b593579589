/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who executes the commands of a queue. In a worker that is service.c, which gives them to
 * the engine or to the device.
 */
#ifndef EXECUTOR_H
#define EXECUTOR_H

#include <stdbool.h>
#include "vgpu_stub_queue.h"

/* What execute() returns instead of a status; call it again with the same entry, ... */
#define EXECUTOR_BUSY 0x10000 /* ... as there is more to do */
#define EXECUTOR_WAIT 0x10001 /* ... when something happened that it waits for */

struct executor {
	/* Whether executing a command again, after a part of it was executed, is harmless */
	bool (*can_replay)(unsigned int opcode);
	/* Check and execute a command, or a part of it that takes a millisecond at most; the
	 * entry is in the byte order of the host. Returns its status. *result is 0 before. */
	unsigned int (*execute)(void *opaque, const struct vgpu_stub_sqe *entry,
				uint64_t *result);
	void *opaque;
};

#endif
