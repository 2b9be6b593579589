// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include "engine.h"

/* What is done at a time, so that others wait for a millisecond at most */
#define SLICE 0x100000

const struct vgpu_backend *const engine_backend = &vgpu_software;

/* The guest's memory */

/* In pieces, as the bytes may extend over several regions */
static bool read_bytes(void *opaque, uint64_t addr, void *to, size_t len)
{
	while (len) {
		size_t there;
		const void *from = memory_at(opaque, addr, len, false, &there);

		if (!from)
			return false;
		memcpy(to, from, there);
		to = (unsigned char *)to + there;
		addr += there;
		len -= there;
	}
	return true;
}

static void *map(void *opaque, uint64_t addr, size_t *len, bool is_write)
{
	return memory_at(opaque, addr, *len, is_write, len);
}

static void unmap(void *opaque, void *at, size_t len, bool is_write)
{
	(void)opaque;
	(void)at;
	(void)len;
	(void)is_write;
}

void engine_init(struct engine *engine, const struct memory *memory,
		 struct vgpu_buffers *buffers)
{
	engine->host = (struct vgpu_host){ .buffers = buffers, .read = read_bytes, .map = map,
					   .unmap = unmap, .opaque = (void *)memory };
}

/* Commands */

bool engine_can_replay(unsigned int opcode)
{
	const struct vgpu_operation *operation = engine_backend->operation(opcode);

	/* the device remembers what it has executed of set 1 */
	return opcode >> 8 == VGPU_STUB_SET_BUFFER || (operation && operation->can_replay);
}

void engine_abandon(struct engine *engine)
{
	vgpu_data_close(&engine->out);
	vgpu_data_close(&engine->in);
	engine->busy = false;
}

static unsigned int open_command(struct engine *engine, const struct vgpu_stub_sqe *entry)
{
	vgpu_job_begin(&engine->job, entry->opcode, entry->arg);
	return vgpu_command_open(&engine->host, engine_backend, entry, &engine->out,
				 &engine->in);
}

static unsigned int execute_slice(struct engine *engine)
{
	bool mapped = vgpu_pieces_map(&engine->host, &engine->pieces, &engine->out, &engine->in,
				      SLICE);

	if (mapped)
		vgpu_pieces_execute(&engine->pieces, engine_backend, &engine->job);
	vgpu_pieces_unmap(&engine->host, &engine->pieces, &engine->out, &engine->in);
	if (!mapped)
		return VGPU_STUB_ERR_DMA;
	return engine->out.left || engine->in.left ? EXECUTOR_BUSY : VGPU_STUB_OK;
}

unsigned int engine_execute(void *opaque, const struct vgpu_stub_sqe *entry, uint64_t *result)
{
	struct engine *engine = opaque;
	unsigned int status = engine->busy ? VGPU_STUB_OK : open_command(engine, entry);

	if (!status)
		status = execute_slice(engine);
	*result = status ? 0 : engine_backend->result(&engine->job);
	engine->busy = status == EXECUTOR_BUSY;
	if (!engine->busy)
		engine_abandon(engine);
	return status;
}
