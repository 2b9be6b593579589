// SPDX-License-Identifier: GPL-2.0-or-later
/* Registered buffers and lists of segments */
#include <endian.h>
#include <stdlib.h>
#include "vgpu_engine.h"

struct vgpu_buffer *vgpu_buffer_new(uint32_t count, uint32_t access)
{
	struct vgpu_buffer *buffer = calloc(1, sizeof(*buffer));
	struct vgpu_segment *segments = calloc(count, sizeof(*segments));

	if (!buffer || !segments) {
		free(segments);
		free(buffer);
		return NULL;
	}
	buffer->segments = segments;
	buffer->count = count;
	buffer->access = access;
	return buffer;
}

void vgpu_buffer_free(struct vgpu_buffer *buffer)
{
	free(buffer->segments);
	free(buffer);
}

void vgpu_buffers_insert(struct vgpu_buffers *buffers, unsigned int handle,
			 struct vgpu_buffer *buffer)
{
	buffers->by_handle[handle] = buffer;
	buffers->segments += buffer->count;
}

void vgpu_buffers_remove(struct vgpu_buffers *buffers, unsigned int handle)
{
	struct vgpu_buffer *buffer = buffers->by_handle[handle];

	buffers->by_handle[handle] = NULL;
	buffers->segments -= buffer->count;
	vgpu_buffer_free(buffer);
}

struct vgpu_buffer *vgpu_buffers_find(const struct vgpu_buffers *buffers, unsigned int handle)
{
	struct vgpu_buffer *buffer = NULL;

	if (handle < VGPU_STUB_BUFFERS_MAX)
		buffer = buffers->by_handle[handle];
	return buffer && !buffer->closing ? buffer : NULL;
}

bool vgpu_segments_decode(const struct vgpu_stub_segment *from, uint32_t count,
			  struct vgpu_segment *to, uint64_t *len)
{
	bool valid = true;

	for (uint32_t i = 0; i < count; i++) {
		to[i] = (struct vgpu_segment){ .addr = le64toh(from[i].addr),
					       .len = le32toh(from[i].len),
					       .start = *len };
		valid = valid && to[i].len && !from[i].reserved &&
			to[i].addr + (to[i].len - 1) >= to[i].addr;
		*len += to[i].len;
	}
	return valid;
}
