// SPDX-License-Identifier: GPL-2.0-or-later
#include <endian.h>
#include <string.h>
#include "crc32c.h"
#include "engine.h"

/* What is done at a time, so that others wait for a millisecond at most */
#define SLICE 0x100000

struct operation {
	uint64_t arg_mask; /* allowed bits of ARG */
	bool out, in; /* has data */
};

static const struct operation operations[] = {
	[VGPU_STUB_OP_NOP] = { 0 },
	[VGPU_STUB_OP_COPY] = { .out = true, .in = true },
	[VGPU_STUB_OP_FILL] = { .arg_mask = UINT64_MAX, .in = true },
	[VGPU_STUB_OP_CRC32C] = { .arg_mask = UINT32_MAX, .out = true },
};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

bool engine_can_replay(unsigned int opcode)
{
	/* executing one of set 0 in part, then as a whole, is like executing it once */
	return opcode < OPERATIONS || opcode >> 8 == VGPU_STUB_SET_BUFFER;
}

unsigned int engine_check_command(unsigned int opcode, uint64_t arg, uint32_t out_bytes,
				  uint32_t in_bytes)
{
	const struct operation *operation = &operations[opcode < OPERATIONS ? opcode : 0];

	if (opcode >= OPERATIONS)
		return VGPU_STUB_ERR_OPCODE;
	if (arg & ~operation->arg_mask)
		return VGPU_STUB_ERR_ARG;
	if (operation->out != !!out_bytes || operation->in != !!in_bytes)
		return VGPU_STUB_ERR_DESC;
	if (operation->out && operation->in && out_bytes != in_bytes)
		return VGPU_STUB_ERR_LENGTH;
	return VGPU_STUB_OK;
}

/* Checks of the entry, in the order of the specification's table of statuses */

typedef unsigned int check(const struct engine *engine, const struct vgpu_stub_sqe *entry,
			   const struct vgpu_stub_desc *desc);

static bool wraps(uint64_t address, uint64_t len)
{
	return address + (len - 1) < address;
}

static bool is_out(const struct vgpu_stub_sqe *entry, const struct vgpu_stub_desc *desc)
{
	return desc == &entry->out;
}

static unsigned int check_reserved(const struct engine *engine,
				   const struct vgpu_stub_sqe *entry,
				   const struct vgpu_stub_desc *desc)
{
	bool none = desc->type == VGPU_STUB_DESC_NONE;
	bool no_address = none || desc->type == VGPU_STUB_DESC_INLINE;
	bool no_number = no_address || desc->type == VGPU_STUB_DESC_DIRECT;

	(void)engine;
	(void)entry;
	if (desc->reserved || (no_address && desc->addr) || (no_number && desc->number) ||
	    (none && desc->len))
		return VGPU_STUB_ERR_RESERVED;
	return VGPU_STUB_OK;
}

static unsigned int check_type(const struct engine *engine, const struct vgpu_stub_sqe *entry,
			       const struct vgpu_stub_desc *desc)
{
	const struct operation *operation = &operations[entry->opcode];
	bool has_data = is_out(entry, desc) ? operation->out : operation->in;

	(void)engine;
	if (has_data == (desc->type == VGPU_STUB_DESC_NONE) ||
	    desc->type > VGPU_STUB_DESC_INLINE ||
	    (desc->type == VGPU_STUB_DESC_INLINE && !is_out(entry, desc)))
		return VGPU_STUB_ERR_DESC;
	return VGPU_STUB_OK;
}

static unsigned int check_length(const struct engine *engine,
				 const struct vgpu_stub_sqe *entry,
				 const struct vgpu_stub_desc *desc)
{
	(void)engine;
	if (desc->type == VGPU_STUB_DESC_NONE)
		return VGPU_STUB_OK;
	if (!desc->len || desc->len > VGPU_STUB_TRANSFER_MAX ||
	    (desc->type == VGPU_STUB_DESC_INLINE && desc->len > VGPU_STUB_INLINE_MAX) ||
	    (desc->type == VGPU_STUB_DESC_DIRECT && wraps(desc->addr, desc->len)) ||
	    (entry->opcode == VGPU_STUB_OP_COPY && entry->out.len != entry->in.len))
		return VGPU_STUB_ERR_LENGTH;
	return VGPU_STUB_OK;
}

static unsigned int check_list(const struct engine *engine, const struct vgpu_stub_sqe *entry,
			       const struct vgpu_stub_desc *desc)
{
	uint64_t size = desc->number * sizeof(struct vgpu_stub_segment);

	(void)engine;
	(void)entry;
	if (desc->type != VGPU_STUB_DESC_LIST)
		return VGPU_STUB_OK;
	if (!desc->number || desc->number > VGPU_STUB_LIST_MAX ||
	    desc->addr % sizeof(uint64_t) || wraps(desc->addr, size))
		return VGPU_STUB_ERR_LIST;
	return VGPU_STUB_OK;
}

static bool has_buffer(const struct engine *engine, unsigned int handle)
{
	return handle < VGPU_STUB_BUFFERS_MAX && engine->buffers[handle].segments &&
	       !engine->buffers[handle].removed;
}

static unsigned int check_handle(const struct engine *engine,
				 const struct vgpu_stub_sqe *entry,
				 const struct vgpu_stub_desc *desc)
{
	(void)entry;
	if (desc->type == VGPU_STUB_DESC_BUFFER && !has_buffer(engine, desc->number))
		return VGPU_STUB_ERR_HANDLE;
	return VGPU_STUB_OK;
}

static unsigned int check_bounds(const struct engine *engine,
				 const struct vgpu_stub_sqe *entry,
				 const struct vgpu_stub_desc *desc)
{
	uint64_t bytes;

	(void)entry;
	if (desc->type != VGPU_STUB_DESC_BUFFER)
		return VGPU_STUB_OK;
	bytes = engine->buffers[desc->number].bytes;
	if (desc->addr > bytes || desc->len > bytes - desc->addr)
		return VGPU_STUB_ERR_BOUNDS;
	return VGPU_STUB_OK;
}

static unsigned int check_access(const struct engine *engine,
				 const struct vgpu_stub_sqe *entry,
				 const struct vgpu_stub_desc *desc)
{
	unsigned int wanted = is_out(entry, desc) ? VGPU_MEDIATOR_BUFFER_READ
						  : VGPU_MEDIATOR_BUFFER_WRITE;

	if (desc->type == VGPU_STUB_DESC_BUFFER &&
	    !(engine->buffers[desc->number].access & wanted))
		return VGPU_STUB_ERR_ACCESS;
	return VGPU_STUB_OK;
}

static unsigned int check_entry(const struct engine *engine, const struct vgpu_stub_sqe *entry)
{
	/* ARG is checked after the reserved fields */
	static check *const checks[] = { check_type, check_length, check_list,
					 check_handle, check_bounds, check_access };
	unsigned int status;

	if (entry->opcode >= OPERATIONS)
		return VGPU_STUB_ERR_OPCODE;
	if (entry->flags & ~VGPU_STUB_SQE_FLAGS)
		return VGPU_STUB_ERR_FLAGS;
	if (check_reserved(engine, entry, &entry->out) ||
	    check_reserved(engine, entry, &entry->in))
		return VGPU_STUB_ERR_RESERVED;
	if (entry->arg & ~operations[entry->opcode].arg_mask)
		return VGPU_STUB_ERR_ARG;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		status = checks[i](engine, entry, &entry->out);
		if (!status)
			status = checks[i](engine, entry, &entry->in);
		if (status)
			return status;
	}
	return VGPU_STUB_OK;
}

/* Data */

/* Copy the array once, in pieces, as it may extend over several regions */
static bool read_array(const struct engine *engine, uint64_t address, void *to, size_t len)
{
	while (len) {
		size_t there;
		const void *from = memory_at(engine->memory, address, len, false, &there);

		if (!from)
			return false;
		memcpy(to, from, there);
		to = (unsigned char *)to + there;
		address += there;
		len -= there;
	}
	return true;
}

static unsigned int open_list(const struct engine *engine, const struct vgpu_stub_desc *desc,
			      struct data *data)
{
	uint64_t sum = 0;
	bool valid = true;

	if (!read_array(engine, desc->addr, data->list, desc->number * sizeof(data->list[0])))
		return VGPU_STUB_ERR_DMA;
	for (uint32_t i = 0; i < desc->number; i++) {
		struct vgpu_stub_segment *segment = &data->list[i];

		segment->addr = le64toh(segment->addr);
		segment->len = le32toh(segment->len);
		valid = valid && segment->len && !segment->reserved &&
			!wraps(segment->addr, segment->len);
		sum += segment->len;
	}
	data->count = desc->number;
	return valid && sum == desc->len ? VGPU_STUB_OK : VGPU_STUB_ERR_LIST;
}

static void open_buffer(const struct buffer *buffer, uint64_t offset, struct data *data)
{
	data->segment = buffer->segments;
	while (offset >= data->segment->len)
		offset -= data->segment++->len;
	data->offset = offset;
}

static unsigned int open_data(const struct engine *engine, const struct vgpu_stub_sqe *entry,
			      const struct vgpu_stub_desc *desc, struct data *data)
{
	data->segment = data->list;
	data->offset = 0;
	data->left = desc->len;
	switch (desc->type) {
	case VGPU_STUB_DESC_DIRECT:
		data->list[0] = (struct vgpu_stub_segment){ .addr = desc->addr,
							    .len = desc->len };
		data->count = 1;
		break;
	case VGPU_STUB_DESC_LIST:
		return open_list(engine, desc, data);
	case VGPU_STUB_DESC_BUFFER:
		open_buffer(&engine->buffers[desc->number], desc->addr, data);
		break;
	case VGPU_STUB_DESC_INLINE:
		data->segment = NULL;
		data->bytes = entry->data;
		break;
	}
	return VGPU_STUB_OK;
}

static bool ranges_share(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b ? b - a < a_len : a - b < b_len;
}

static bool lists_share(const struct data *a, const struct data *b)
{
	for (uint32_t i = 0; i < a->count; i++)
		for (uint32_t j = 0; j < b->count; j++)
			if (ranges_share(a->list[i].addr, a->list[i].len, b->list[j].addr,
					 b->list[j].len))
				return true;
	return false;
}

static bool operands_overlap(const struct vgpu_stub_sqe *entry, const struct data *out,
			     const struct data *in)
{
	const struct vgpu_stub_desc *from = &entry->out, *to = &entry->in;

	if (entry->opcode != VGPU_STUB_OP_COPY || from->type == VGPU_STUB_DESC_INLINE)
		return false;
	if (from->type == VGPU_STUB_DESC_BUFFER || to->type == VGPU_STUB_DESC_BUFFER)
		return from->type == to->type && from->number == to->number &&
		       ranges_share(from->addr, from->len, to->addr, to->len);
	return lists_share(out, in);
}

/* The next bytes of @data, at most *len, which becomes their number; NULL: DMA fault */
static void *piece_of(const struct engine *engine, const struct data *data, bool write,
		      size_t *len)
{
	uint64_t there;

	if (!data->segment)
		return (void *)data->bytes;
	there = data->segment->len - data->offset;
	if (there < *len)
		*len = there;
	return memory_at(engine->memory, data->segment->addr + data->offset, *len, write, len);
}

static void advance(struct data *data, size_t len)
{
	data->left -= len;
	if (!data->segment) {
		data->bytes += len;
		return;
	}
	data->offset += len;
	if (data->left && data->offset == data->segment->len) {
		data->segment++;
		data->offset = 0;
	}
}

/* Executing */

void engine_fill(unsigned char *to, size_t len, uint64_t pattern, uint64_t done)
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

/* The two positions are in step, as COPY has operands of the same length */
static unsigned int move(struct engine *engine, const struct vgpu_stub_sqe *entry)
{
	struct data *out = &engine->out, *in = &engine->in;
	uint64_t end = engine->done + SLICE;

	while ((out->left || in->left) && engine->done < end) {
		size_t len = out->left ? out->left : in->left;
		void *from = NULL, *to = NULL;

		if (len > end - engine->done)
			len = end - engine->done;
		if (out->left && !(from = piece_of(engine, out, false, &len)))
			return VGPU_STUB_ERR_DMA;
		if (in->left && !(to = piece_of(engine, in, true, &len)))
			return VGPU_STUB_ERR_DMA;
		if (!from)
			engine_fill(to, len, entry->arg, engine->done);
		else if (to)
			/* two bus addresses may be the same memory */
			memmove(to, from, len);
		else
			engine->crc = crc32c(engine->crc, from, len);
		if (from)
			advance(out, len);
		if (to)
			advance(in, len);
		engine->done += len;
	}
	return out->left || in->left ? BACKEND_BUSY : VGPU_STUB_OK;
}

static unsigned int open_command(struct engine *engine, const struct vgpu_stub_sqe *entry)
{
	unsigned int status = check_entry(engine, entry);

	engine->done = 0;
	engine->crc = entry->arg;
	if (!status)
		status = open_data(engine, entry, &entry->out, &engine->out);
	if (!status)
		status = open_data(engine, entry, &entry->in, &engine->in);
	if (!status && operands_overlap(entry, &engine->out, &engine->in))
		status = VGPU_STUB_ERR_OVERLAP;
	return status;
}

unsigned int engine_execute(void *opaque, const struct vgpu_stub_sqe *entry, uint64_t *result)
{
	struct engine *engine = opaque;
	unsigned int status = engine->busy ? VGPU_STUB_OK : open_command(engine, entry);

	if (!status)
		status = move(engine, entry);
	engine->busy = status == BACKEND_BUSY;
	*result = 0;
	if (!status)
		*result = entry->opcode == VGPU_STUB_OP_CRC32C ? engine->crc : engine->done;
	return status;
}
