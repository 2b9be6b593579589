/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What executes commands for a queue. The first one is the software engine, engine.c.
 *
 * QEMU's own engine (qemu-device/hw/misc/vgpu-stub-engine.c) is not behind this interface:
 * it maps data through QEMU's DMA functions in the main loop and moves it in a thread, in
 * jobs of a megabyte, while this one runs in one thread on memory that is mapped all the
 * time. What both could share, the loops of FILL and CRC32C, is some 30 lines, and QEMU
 * has its own CRC32C. The same tests run on both: tests/guest/queues-mediator.t.
 */
#ifndef BACKEND_H
#define BACKEND_H

#include <stdbool.h>
#include "vgpu_stub_queue.h"

/* What execute() returns instead of a status; call it again with the same entry, ... */
#define BACKEND_BUSY 0x10000 /* ... as there is more to do */
#define BACKEND_WAIT 0x10001 /* ... when something happened that it waits for */

struct backend {
	/* Whether executing a command again, after a part of it was executed, is harmless */
	bool (*can_replay)(unsigned int opcode);
	/* Check and execute a command, or a part of it that takes a millisecond at most; the
	 * entry is in the byte order of the host. Returns its status. *result is 0 before. */
	unsigned int (*execute)(void *opaque, const struct vgpu_stub_sqe *entry,
				uint64_t *result);
	void *opaque;
};

#endif
