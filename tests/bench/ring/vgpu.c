// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include <libvgpu-stub.h>

#include "target.h"

static struct vgpu_stub *vgpu;
static struct vgpu_stub_memory from, to;
static size_t size;

static void check(int error, const char *what)
{
	errno = -error;
	if (error < 0)
		die(what);
}

static void open_vgpu(const char *path, unsigned int depth, size_t bytes)
{
	size = bytes;
	check(vgpu_stub_open(path, &vgpu), path);
	if (!size)
		return;
	check(vgpu_stub_alloc(vgpu, depth * size, VGPU_STUB_READ, &from), "memory");
	check(vgpu_stub_alloc(vgpu, depth * size, VGPU_STUB_WRITE, &to), "memory");
}

static void submit(const unsigned int *slots, unsigned int count)
{
	struct vgpu_stub_command commands[MAX_DEPTH];
	unsigned int done = 0;
	int ret;

	for (unsigned int i = 0; i < count; i++) {
		if (size)
			vgpu_stub_copy(&commands[i], slots[i], &to, slots[i] * size,
				       &from, slots[i] * size, size);
		else
			vgpu_stub_nop(&commands[i], slots[i]);
	}
	while (done < count) {
		ret = vgpu_stub_submit(vgpu, commands + done, count - done);
		check(ret, "submit");
		done += ret;
	}
}

static unsigned int reap(unsigned int *slots)
{
	struct vgpu_stub_completion completions[MAX_DEPTH];
	int count = vgpu_stub_wait(vgpu, completions, 1, MAX_DEPTH, -1);

	check(count, "wait");
	for (int i = 0; i < count; i++) {
		check(completions[i].status ? -EIO : 0, "completion");
		slots[i] = completions[i].user_data;
	}
	return count;
}

const struct target target_vgpu = {
	.name = "vgpu", .max_depth = MAX_DEPTH,
	.open = open_vgpu, .submit = submit, .reap = reap,
};
