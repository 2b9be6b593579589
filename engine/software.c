// SPDX-License-Identifier: GPL-2.0-or-later
/* The software back end: command set 0 */
#include <endian.h>
#include <string.h>
#include "vgpu_engine.h"

static const struct vgpu_operation operations[] = {
	{ VGPU_STUB_OP_NOP, .can_replay = true },
	{ VGPU_STUB_OP_COPY, .out = true, .in = true, .can_replay = true },
	{ VGPU_STUB_OP_FILL, .in = true, .can_replay = true, .arg_mask = UINT64_MAX },
	{ VGPU_STUB_OP_CRC32C, .out = true, .can_replay = true, .arg_mask = UINT32_MAX },
};

static const struct vgpu_operation *find_operation(unsigned int opcode)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (operations[i].opcode == opcode)
			return &operations[i];
	}
	return NULL;
}

/* FILL of @len bytes that follow @done others */
static void fill(unsigned char *to, size_t len, uint64_t pattern, uint64_t done)
{
	unsigned char bytes[sizeof(pattern)];
	size_t n;

	pattern = htole64(pattern);
	memcpy(bytes, &pattern, sizeof(bytes));
	for (n = 0; n < len && n < sizeof(bytes); n++)
		to[n] = bytes[(done + n) % sizeof(bytes)];
	/* double the part that is filled */
	for (; n < len; n *= 2)
		memcpy(to + n, to, n < len - n ? n : len - n);
}

static void execute(struct vgpu_job *job, const void *from, void *to, size_t len)
{
	switch (job->opcode) {
	case VGPU_STUB_OP_COPY:
		/* two bus addresses may be the same memory */
		memmove(to, from, len);
		break;
	case VGPU_STUB_OP_FILL:
		fill(to, len, job->arg, job->done);
		break;
	case VGPU_STUB_OP_CRC32C:
		job->state = vgpu_crc32c(job->state, from, len);
		break;
	}
}

static uint64_t result_of(const struct vgpu_job *job)
{
	return job->opcode == VGPU_STUB_OP_CRC32C ? job->state : job->done;
}

const struct vgpu_backend vgpu_software = { find_operation, execute, result_of };
