// SPDX-License-Identifier: GPL-2.0-or-later
/* The entries of a hostile guest */
#include <string.h>
#include <unistd.h>
#include "guest.h"
#include "memory-map.h"

struct vgpu_stub_index *index_of(unsigned int queue)
{
	return (void *)(guest.memory + WRITABLE_AT + QUEUE_AT(queue) + INDEX_AT);
}

void submit(unsigned int queue, const struct vgpu_stub_sqe *entry)
{
	struct vgpu_stub_sqe *entries = (void *)(guest.memory + WRITABLE_AT + QUEUE_AT(queue));
	uint64_t one = 1;

	guest_entries++;
	entries[guest.tails[queue] % ENTRIES] = *entry;
	__atomic_store_n(&index_of(queue)->sq_tail, ++guest.tails[queue], __ATOMIC_SEQ_CST);
	check(write(guest.kicks[queue], &one, sizeof(one)) == sizeof(one));
}

/* Mostly data; but a queue may be data, too */
static uint64_t pick_address(struct input *in)
{
	switch (take(in, 1) % 16) {
	case 0:
		return take(in, 8);
	case 1:
		return BASE - 32 + take(in, 1);
	case 2:
		return BASE + take(in, 3) % (WRITABLE_SIZE + READ_ONLY_SIZE);
	case 3:
		return BASE + HALF - take(in, 1);
	case 4:
		return BASE + WRITABLE_SIZE - take(in, 1);
	default:
		return BASE + DATA_AT + take(in, 2);
	}
}

static uint32_t pick_length(struct input *in)
{
	switch (take(in, 1) % 8) {
	case 0:
		return take(in, 4);
	case 1:
		return take(in, 2);
	case 2:
		return 0x8000;
	default:
		return 1 + take(in, 1);
	}
}

static uint32_t put_list(struct input *in, uint64_t at, unsigned int count)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct vgpu_stub_segment segment = { .addr = pick_address(in),
						     .len = pick_length(in) };

		sum += segment.len;
		memcpy(guest.memory + WRITABLE_AT + at + i * sizeof(segment), &segment,
		       sizeof(segment));
	}
	return sum;
}

static struct vgpu_stub_desc pick_desc(struct input *in)
{
	struct vgpu_stub_desc desc = { .type = take(in, 1) % 6 };
	uint64_t at = LISTS_AT + take(in, 1) * 64;

	if (desc.type == VGPU_STUB_DESC_NONE)
		return desc;
	desc.len = pick_length(in);
	if (desc.type == VGPU_STUB_DESC_LIST) {
		/* more than a mebibyte is executed in several slices */
		desc.number = 1 + take(in, 1) % 48;
		desc.addr = BASE + at;
		desc.len = put_list(in, at, desc.number);
	} else if (desc.type == VGPU_STUB_DESC_BUFFER) {
		desc.number = take(in, 1) % 5;
		desc.addr = take(in, 2);
	} else if (desc.type == VGPU_STUB_DESC_INLINE) {
		desc.len %= VGPU_STUB_INLINE_MAX + 2;
	} else {
		desc.addr = pick_address(in);
	}
	return desc;
}

static struct vgpu_stub_sqe pick_entry(struct input *in)
{
	static const uint16_t opcodes[] = { VGPU_STUB_OP_NOP, VGPU_STUB_OP_COPY, VGPU_STUB_OP_COPY,
					    VGPU_STUB_OP_FILL, VGPU_STUB_OP_CRC32C,
					    VGPU_STUB_OP_REGISTER, VGPU_STUB_OP_UNREGISTER };
	struct vgpu_stub_sqe entry = { .opcode = opcodes[take(in, 1) % 7], .flags = take(in, 1) % 4 };

	if (entry.opcode == VGPU_STUB_OP_COPY || entry.opcode == VGPU_STUB_OP_CRC32C)
		entry.out = pick_desc(in);
	if (entry.opcode == VGPU_STUB_OP_COPY || entry.opcode == VGPU_STUB_OP_FILL)
		entry.in = pick_desc(in);
	if (entry.opcode == VGPU_STUB_OP_COPY && take(in, 1) % 8)
		entry.in.len = entry.out.len;
	return entry;
}

/* A few bytes are wrong, so that all checks are reached */
static struct vgpu_stub_sqe bad_entry(struct input *in)
{
	struct vgpu_stub_sqe entry = pick_entry(in);

	for (unsigned int i = take(in, 1) % 4; i < 4; i++)
		((unsigned char *)&entry)[take(in, 1) % sizeof(entry)] = take(in, 1);
	return entry;
}

/* A guest that consumes completions gets further */
void submit_any(struct input *in, unsigned int queue, bool bad)
{
	struct vgpu_stub_sqe entry = bad ? bad_entry(in) : pick_entry(in);

	index_of(queue)->cq_head = index_of(queue)->cq_tail;
	submit(queue, &entry);
}
