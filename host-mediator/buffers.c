// SPDX-License-Identifier: GPL-2.0-or-later
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "buffers.h"

static bool read_segments(int fd, struct vgpu_stub_segment *segments, uint32_t count)
{
	size_t size = count * sizeof(*segments);

	if (pread(fd, segments, size, 0) != (ssize_t)size)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		segments[i].addr = le64toh(segments[i].addr);
		segments[i].len = le32toh(segments[i].len);
	}
	return true;
}

/* As REGISTER checks them */
static bool are_good(const struct vgpu_stub_segment *segments, uint32_t count, uint64_t bytes)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct vgpu_stub_segment *segment = &segments[i];

		if (!segment->len || segment->reserved ||
		    segment->addr + (segment->len - 1) < segment->addr)
			return false;
		sum += segment->len;
	}
	return sum == bytes;
}

/* What is wrong with the message, or 0 */
static unsigned int find_fault(const struct buffers *buffers,
			       const struct vgpu_mediator_buffer_add *add, int fd)
{
	struct stat file;

	if (fstat(fd, &file) || !S_ISREG(file.st_mode))
		return VGPU_MEDIATOR_BAD_DESCRIPTORS;
	if (buffers->buffers[add->handle].segments)
		return VGPU_MEDIATOR_BAD_STATE;
	if ((uint64_t)file.st_size != add->count * sizeof(struct vgpu_stub_segment) ||
	    add->count > VGPU_STUB_SEGMENTS_MAX - buffers->segments)
		return VGPU_MEDIATOR_BAD_VALUE;
	return 0;
}

unsigned int buffers_add(struct buffers *buffers, const struct vgpu_mediator_buffer_add *add,
			 int fd, unsigned int *fault)
{
	struct vgpu_stub_segment *segments;

	*fault = find_fault(buffers, add, fd);
	if (*fault)
		return VGPU_MEDIATOR_OK;
	segments = malloc(add->count * sizeof(*segments));
	if (!segments || !read_segments(fd, segments, add->count)) {
		free(segments);
		return VGPU_MEDIATOR_FAIL_HOST;
	}
	if (!are_good(segments, add->count, add->bytes)) {
		free(segments);
		*fault = VGPU_MEDIATOR_BAD_VALUE;
		return VGPU_MEDIATOR_OK;
	}
	buffers->buffers[add->handle] = (struct buffer){
		.segments = segments, .count = add->count,
		.access = add->access, .bytes = add->bytes };
	buffers->segments += add->count;
	return VGPU_MEDIATOR_OK;
}

void buffers_remove(struct buffers *buffers, unsigned int handle)
{
	struct buffer *buffer = &buffers->buffers[handle];

	buffers->segments -= buffer->count;
	free(buffer->segments);
	memset(buffer, 0, sizeof(*buffer));
}

void buffers_clear(struct buffers *buffers)
{
	for (unsigned int i = 0; i < VGPU_STUB_BUFFERS_MAX; i++)
		buffers_remove(buffers, i);
}
