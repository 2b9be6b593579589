/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software back end: it checks and executes command set 0 in the guest's memory, as
 * the device specification says. The guest can change its memory at any time; whatever it
 * does, only memory of its regions is accessed.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "backend.h"
#include "memory.h"

/* A registered buffer, of BUFFER_ADD */
struct buffer {
	struct vgpu_stub_segment *segments; /* in the byte order of the host; NULL: none */
	uint32_t count;
	uint32_t access; /* BUFFER_READ, BUFFER_WRITE of BUFFER_ADD */
	uint64_t bytes;
	bool removed; /* commands that start now do not find it */
};

/* The data of a command: segments, or bytes of the entry, and a position in them */
struct data {
	struct vgpu_stub_segment list[VGPU_STUB_LIST_MAX];
	const struct vgpu_stub_segment *segment; /* NULL: the bytes */
	uint32_t count;
	uint64_t offset; /* in the segment */
	uint64_t left;
	const unsigned char *bytes;
};

/* Each queue has its own. While it is busy, buffers that the command uses stay. */
struct engine {
	const struct memory *memory;
	const struct buffer *buffers; /* BUFFERS_MAX of them, by handle */

	bool busy; /* a command was executed in part; clear this to abandon it */
	struct data out, in;
	uint64_t done;
	uint32_t crc;
};

/* What can be checked of a command without its descriptors: its status */
unsigned int engine_check_command(unsigned int opcode, uint64_t arg, uint32_t out_bytes,
				  uint32_t in_bytes);
/* FILL of @len bytes that follow @done others */
void engine_fill(unsigned char *to, size_t len, uint64_t pattern, uint64_t done);
bool engine_can_replay(unsigned int opcode);
/* As execute() of struct backend; @opaque is a struct engine */
unsigned int engine_execute(void *opaque, const struct vgpu_stub_sqe *entry, uint64_t *result);

#endif
