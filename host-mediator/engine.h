/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software back end: it checks and executes command set 0 in the guest's memory, as
 * the device specification says. The guest can change its memory at any time; whatever it
 * does, only memory of its regions is accessed.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "memory.h"

/* A registered buffer, of BUFFER_ADD */
struct buffer {
	struct vgpu_stub_segment *segments; /* in the byte order of the host; NULL: none */
	uint32_t count;
	uint32_t access; /* BUFFER_READ, BUFFER_WRITE of BUFFER_ADD */
	uint64_t bytes;
};

struct engine {
	const struct memory *memory;
	const struct buffer *buffers; /* BUFFERS_MAX of them, by handle */
};

bool engine_can_replay(unsigned int opcode);
/* As execute() of struct backend; @opaque is a struct engine */
unsigned int engine_execute(void *opaque, const struct vgpu_stub_sqe *entry, uint64_t *result);

#endif
