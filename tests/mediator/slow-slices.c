// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An engine that takes two milliseconds for each slice but that of NOP, so that a turn is over
 * after one slice on any host: linked into vgpu-mediator with --wrap=engine_execute.
 */
#include "engine.h"
#include "turn.h"

#define SLICE_NS 2000000

unsigned int __real_engine_execute(void *opaque, const struct vgpu_stub_sqe *entry,
				   uint64_t *result);
unsigned int __wrap_engine_execute(void *opaque, const struct vgpu_stub_sqe *entry,
				   uint64_t *result);

unsigned int __wrap_engine_execute(void *opaque, const struct vgpu_stub_sqe *entry,
				   uint64_t *result)
{
	int64_t end = turn_now() + SLICE_NS;

	while (entry->opcode != VGPU_STUB_OP_NOP && turn_now() < end)
		;
	return __real_engine_execute(opaque, entry, result);
}
