// SPDX-License-Identifier: GPL-2.0-or-later
#include <sys/stat.h>
#include <unistd.h>
#include "buffers.h"

/* Segments that are read at a time */
#define CHUNK 256

_Static_assert(VGPU_MEDIATOR_BUFFER_READ == VGPU_STUB_BUFFER_READ >> 32 &&
	       VGPU_MEDIATOR_BUFFER_WRITE == VGPU_STUB_BUFFER_WRITE >> 32,
	       "the access of BUFFER_ADD is that of REGISTER");

/* A STATUS; *valid: whether the segments are such as REGISTER allows */
static unsigned int read_segments(int fd, struct vgpu_buffer *buffer, bool *valid)
{
	struct vgpu_stub_segment raw[CHUNK];
	uint32_t n;

	*valid = true;
	for (uint32_t i = 0; i < buffer->count; i += n) {
		n = buffer->count - i < CHUNK ? buffer->count - i : CHUNK;
		if (pread(fd, raw, n * sizeof(*raw), i * sizeof(*raw)) !=
		    (ssize_t)(n * sizeof(*raw)))
			return VGPU_MEDIATOR_FAIL_HOST;
		*valid = vgpu_segments_decode(raw, n, &buffer->segments[i], &buffer->len) &&
			 *valid;
	}
	return VGPU_MEDIATOR_OK;
}

/* What is wrong with the message, or 0 */
static unsigned int find_fault(const struct vgpu_buffers *buffers,
			       const struct vgpu_mediator_buffer_add *add, int fd)
{
	struct stat file;

	if (fstat(fd, &file) || !S_ISREG(file.st_mode))
		return VGPU_MEDIATOR_BAD_DESCRIPTORS;
	if (buffers->by_handle[add->handle])
		return VGPU_MEDIATOR_BAD_STATE;
	if ((uint64_t)file.st_size != add->count * sizeof(struct vgpu_stub_segment) ||
	    add->count > VGPU_STUB_SEGMENTS_MAX - buffers->segments)
		return VGPU_MEDIATOR_BAD_VALUE;
	return 0;
}

unsigned int buffers_add(struct vgpu_buffers *buffers,
			 const struct vgpu_mediator_buffer_add *add, int fd,
			 unsigned int *fault)
{
	struct vgpu_buffer *buffer;
	unsigned int status;
	bool valid;

	*fault = find_fault(buffers, add, fd);
	if (*fault)
		return VGPU_MEDIATOR_OK;
	buffer = vgpu_buffer_new(add->count, add->access);
	if (!buffer)
		return VGPU_MEDIATOR_FAIL_HOST;
	status = read_segments(fd, buffer, &valid);
	if (!status && (!valid || buffer->len != add->bytes))
		*fault = VGPU_MEDIATOR_BAD_VALUE;
	if (status || *fault)
		vgpu_buffer_free(buffer);
	else
		vgpu_buffers_insert(buffers, add->handle, buffer);
	return status;
}

void buffers_clear(struct vgpu_buffers *buffers)
{
	for (unsigned int i = 0; i < VGPU_STUB_BUFFERS_MAX; i++) {
		if (buffers->by_handle[i])
			vgpu_buffers_remove(buffers, i);
	}
}
