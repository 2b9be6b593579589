// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An engine with two commands that do not end, for tests: linked into vgpu-mediator with
 * --wrap=engine_execute.
 */
#include "engine.h"
#include "hang.h"
#include "turn.h"

unsigned int __real_engine_execute(void *opaque, const struct vgpu_stub_sqe *entry,
				   uint64_t *result);
unsigned int __wrap_engine_execute(void *opaque, const struct vgpu_stub_sqe *entry,
				   uint64_t *result);

static void spin(int64_t ns)
{
	for (int64_t end = turn_now() + ns; turn_now() < end;)
		;
}

unsigned int __wrap_engine_execute(void *opaque, const struct vgpu_stub_sqe *entry,
				   uint64_t *result)
{
	struct engine *engine = opaque;

	if (entry->arg == HANG_IN_SLICE)
		spin(60000000000);
	if (entry->arg != HANG_IN_SLICES)
		return __real_engine_execute(opaque, entry, result);
	spin(1000000);
	engine->busy = true;
	return EXECUTOR_BUSY;
}
