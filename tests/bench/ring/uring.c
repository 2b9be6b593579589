// SPDX-License-Identifier: GPL-2.0-or-later
/* NOP through io_uring's passthrough instead of the driver's own calls */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <libvgpu-stub.h>

#include "iouring.h"
#include "target.h"

static struct vgpu_stub *vgpu;
static struct vgpu_stub_command commands[MAX_DEPTH];
static struct vgpu_stub_completion completions[MAX_DEPTH];

static void open_uring(const char *path, unsigned int depth, size_t size)
{
	errno = -vgpu_stub_open(path, &vgpu);
	if (errno || size)
		die(path);
	open_ring(depth);
	for (unsigned int i = 0; i < depth; i++)
		vgpu_stub_nop(&commands[i], i);
}

static void submit(const unsigned int *slots, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = next_entry();
		struct vgpu_stub_uring args = {
			.command = (uintptr_t)&commands[slots[i]],
			.completion = (uintptr_t)&completions[slots[i]],
		};

		io_uring_prep_rw(IORING_OP_URING_CMD, sqe, vgpu_stub_fd(vgpu), NULL, 0, 0);
		sqe->cmd_op = VGPU_STUB_URING_SUBMIT;
		memcpy(sqe->cmd, &args, sizeof(args));
		io_uring_sqe_set_data64(sqe, slots[i]);
	}
	submit_entries(count);
}

static unsigned int reap(unsigned int *slots)
{
	unsigned int count = reap_entries(slots, 0);

	errno = EIO;
	for (unsigned int i = 0; i < count; i++)
		if (completions[slots[i]].status)
			die("command");
	return count;
}

const struct target target_uring = {
	.name = "uring", .max_depth = MAX_DEPTH,
	.open = open_uring, .submit = submit, .reap = reap,
};
