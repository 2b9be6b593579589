// SPDX-License-Identifier: GPL-2.0-or-later
/* The data of commands: where it is in guest memory, and a position in it */
#include <stdlib.h>
#include <string.h>
#include "vgpu_engine.h"

/* Read many at a time, because each access looks up the memory map */
#define SEGMENTS_AT_ONCE 64

size_t vgpu_data_contiguous(const struct vgpu_data *data, size_t len)
{
	uint64_t there = data->left;

	if (!data->bytes && data->segment->len - data->offset < there)
		there = data->segment->len - data->offset;
	return len < there ? len : there;
}

void vgpu_data_advance(struct vgpu_data *data, size_t len)
{
	data->left -= len;
	if (data->bytes) {
		data->bytes += len;
		return;
	}
	data->offset += len;
	if (data->offset == data->segment->len && data->left) {
		data->segment++;
		data->offset = 0;
	}
}

bool vgpu_data_read(const struct vgpu_host *host, struct vgpu_data *data, void *to, size_t len)
{
	while (len) {
		size_t n = vgpu_data_contiguous(data, len);

		if (data->bytes)
			memcpy(to, data->bytes, n);
		else if (!host->read(host->opaque, data->segment->addr + data->offset, to, n))
			return false;
		vgpu_data_advance(data, n);
		to = (uint8_t *)to + n;
		len -= n;
	}
	return true;
}

unsigned int vgpu_data_read_segments(const struct vgpu_host *host, struct vgpu_data *data,
				     uint32_t count, struct vgpu_segment *to, uint64_t *len)
{
	struct vgpu_stub_segment raw[SEGMENTS_AT_ONCE];
	bool valid = true;

	*len = 0;
	while (count) {
		uint32_t n = count < SEGMENTS_AT_ONCE ? count : SEGMENTS_AT_ONCE;

		if (!vgpu_data_read(host, data, raw, n * sizeof(raw[0])))
			return VGPU_STUB_ERR_DMA;
		valid = vgpu_segments_decode(raw, n, to, len) && valid;
		to += n;
		count -= n;
	}
	return valid ? VGPU_STUB_OK : VGPU_STUB_ERR_LIST;
}

/* Opening */

static void open_direct(struct vgpu_data *data, uint64_t addr, uint32_t len)
{
	memset(data, 0, sizeof(*data));
	data->direct = (struct vgpu_segment){ .addr = addr, .len = len };
	data->segment = &data->direct;
	data->left = len;
}

/* A list is small: if there is no memory for it, there is none for anything */
static struct vgpu_segment *allocate_list(uint32_t count)
{
	struct vgpu_segment *list = calloc(count, sizeof(*list));

	if (!list)
		abort();
	return list;
}

static unsigned int open_list(const struct vgpu_host *host, const struct vgpu_stub_desc *desc,
			      struct vgpu_data *data)
{
	struct vgpu_data array;
	unsigned int status;
	uint64_t len;

	open_direct(&array, desc->addr, desc->number * sizeof(struct vgpu_stub_segment));
	data->list = allocate_list(desc->number);
	data->list_count = desc->number;
	data->segment = data->list;
	data->left = desc->len;
	status = vgpu_data_read_segments(host, &array, desc->number, data->list, &len);
	return !status && len != desc->len ? VGPU_STUB_ERR_LIST : status;
}

/* The segment with the byte at @offset */
static const struct vgpu_segment *find_segment(const struct vgpu_buffer *buffer,
					       uint64_t offset)
{
	uint32_t low = 0, high = buffer->count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (buffer->segments[middle].start <= offset)
			low = middle;
		else
			high = middle;
	}
	return &buffer->segments[low];
}

static void open_buffer(const struct vgpu_host *host, const struct vgpu_stub_desc *desc,
			struct vgpu_data *data)
{
	data->buffer = vgpu_buffers_find(host->buffers, desc->number);
	data->buffer->users++;
	data->segment = find_segment(data->buffer, desc->addr);
	data->offset = desc->addr - data->segment->start;
	data->left = desc->len;
}

unsigned int vgpu_data_open(const struct vgpu_host *host, const struct vgpu_stub_sqe *entry,
			    const struct vgpu_stub_desc *desc, struct vgpu_data *data)
{
	switch (desc->type) {
	case VGPU_STUB_DESC_DIRECT:
		open_direct(data, desc->addr, desc->len);
		break;
	case VGPU_STUB_DESC_LIST:
		return open_list(host, desc, data);
	case VGPU_STUB_DESC_BUFFER:
		open_buffer(host, desc, data);
		break;
	case VGPU_STUB_DESC_INLINE:
		data->bytes = entry->data;
		data->left = desc->len;
		break;
	}
	return VGPU_STUB_OK;
}

bool vgpu_data_close(struct vgpu_data *data)
{
	struct vgpu_buffer *buffer = data->buffer;

	free(data->list);
	memset(data, 0, sizeof(*data));
	return buffer && !--buffer->users && buffer->closing;
}

static bool ranges_share(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b ? b - a < a_len : a - b < b_len;
}

static bool segment_shares(const struct vgpu_segment *segment, const struct vgpu_data *data)
{
	uint32_t count = data->list ? data->list_count : 1;

	for (uint32_t i = 0; i < count; i++) {
		const struct vgpu_segment *other = &data->segment[i];

		if (ranges_share(segment->addr, segment->len, other->addr, other->len))
			return true;
	}
	return false;
}

static bool lists_share(const struct vgpu_data *a, const struct vgpu_data *b)
{
	uint32_t count = a->list ? a->list_count : 1;

	for (uint32_t i = 0; i < count; i++) {
		if (segment_shares(&a->segment[i], b))
			return true;
	}
	return false;
}

bool vgpu_data_overlap(const struct vgpu_data *a, const struct vgpu_data *b)
{
	if (a->bytes || b->bytes)
		return false;
	if (!a->buffer && !b->buffer)
		return lists_share(a, b);
	return a->buffer == b->buffer &&
	       ranges_share(a->segment->start + a->offset, a->left,
			    b->segment->start + b->offset, b->left);
}
