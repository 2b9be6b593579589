// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A back end that works for longer than it takes to move the data, for a test: linked into
 * vgpu-mediator with --wrap=vgpu_job_execute, which the framed path calls.
 */
#include "engine.h"
#include "turn.h"

#define NS_FOR_A_BYTE 16

void __real_vgpu_job_execute(const struct vgpu_backend *backend, struct vgpu_job *job,
			     const void *from, void *to, size_t len);
void __wrap_vgpu_job_execute(const struct vgpu_backend *backend, struct vgpu_job *job,
			     const void *from, void *to, size_t len);

void __wrap_vgpu_job_execute(const struct vgpu_backend *backend, struct vgpu_job *job,
			     const void *from, void *to, size_t len)
{
	int64_t end = turn_now() + NS_FOR_A_BYTE * (int64_t)len;

	__real_vgpu_job_execute(backend, job, from, to, len);
	while (turn_now() < end)
		;
}
