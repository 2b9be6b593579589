/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine of a queue: it gives the code in ../engine access to the guest's memory, which
 * is mapped all the time, and executes commands in slices. The guest can change its memory
 * at any time; whatever it does, only memory of its regions is accessed.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "executor.h"
#include "memory.h"
#include "vgpu_engine.h"

struct engine {
	struct vgpu_host host;
	bool busy; /* a command was executed in part */
	struct vgpu_data out, in;
	struct vgpu_job job;
	struct vgpu_pieces pieces;
};

/* The back end of this worker */
extern const struct vgpu_backend *const engine_backend;

void engine_init(struct engine *engine, const struct memory *memory,
		 struct vgpu_buffers *buffers);
bool engine_can_replay(unsigned int opcode);
/*
 * As execute() of struct executor; @opaque is a struct engine. While it is busy, buffers
 * that the command uses stay.
 */
unsigned int engine_execute(void *opaque, const struct vgpu_stub_sqe *entry, uint64_t *result);
/* Forget the command that is executed, if there is one */
void engine_abandon(struct engine *engine);

#endif
