// SPDX-License-Identifier: GPL-2.0-or-later
/* Which error of an entry is reported: the first one of the specification's table */
#include "host.h"

static unsigned int copy(struct vgpu_stub_desc out, struct vgpu_stub_desc in)
{
	const struct vgpu_stub_sqe entry = { .opcode = VGPU_STUB_OP_COPY, .out = out, .in = in };

	return open_status(&entry);
}

/* All faults of a COPY, which are mended one by one */
static void test_copy(void)
{
	const struct vgpu_stub_segment segments[] = { { 100, 10 }, { 120, 10 } };
	struct vgpu_stub_sqe entry = { .opcode = 0x00ff, .flags = 4, .arg = 1 };

	host_add_buffer(1, 1, 0, 50, 0, 0);
	entry.out = (struct vgpu_stub_desc){ BASE + 4, VGPU_STUB_TRANSFER_MAX + 1, 0, 9, 1 };
	entry.in = (struct vgpu_stub_desc){ .addr = 31, .len = 20, .number = 2,
					    .type = VGPU_STUB_DESC_BUFFER };
	ok(open_status(&entry) == VGPU_STUB_ERR_OPCODE, "COPY: opcode");
	entry.opcode = VGPU_STUB_OP_COPY;
	ok(open_status(&entry) == VGPU_STUB_ERR_FLAGS, "... flags");
	entry.flags = VGPU_STUB_SQE_FLAGS;
	ok(open_status(&entry) == VGPU_STUB_ERR_RESERVED, "... reserved field");
	entry.out.reserved = 0;
	ok(open_status(&entry) == VGPU_STUB_ERR_ARG, "... ARG");
	entry.arg = 0;
	ok(open_status(&entry) == VGPU_STUB_ERR_DESC, "... type");
	entry.out.type = VGPU_STUB_DESC_LIST;
	ok(open_status(&entry) == VGPU_STUB_ERR_LENGTH, "... length");
	entry.out.len = 20;
	ok(open_status(&entry) == VGPU_STUB_ERR_LIST, "... number of segments");
	entry.out.number = 2;
	ok(open_status(&entry) == VGPU_STUB_ERR_LIST, "... alignment of the list");
	entry.out.addr = BASE + SIZE;
	ok(open_status(&entry) == VGPU_STUB_ERR_HANDLE, "... handle");
	entry.in.number = 1;
	ok(open_status(&entry) == VGPU_STUB_ERR_BOUNDS, "... bounds");
	entry.in.addr = 0;
	ok(open_status(&entry) == VGPU_STUB_ERR_ACCESS, "... access");
	test.buffers.by_handle[1]->access = 3;
	ok(open_status(&entry) == VGPU_STUB_ERR_DMA, "... DMA fault in the list");
	entry.out = list(400, segments, 2);
	entry.out.len = entry.in.len = 21;
	ok(open_status(&entry) == VGPU_STUB_ERR_LIST, "... lengths of the list");
	entry.out.len = entry.in.len = 20;
	ok(open_status(&entry) == VGPU_STUB_OK, "... nothing");
	test.read = 0;
	open_status(&entry);
	ok(test.read == sizeof(segments), "the list is read once");
	host_remove_buffers();
}

/* Each row is checked for OUT, then for IN, before the next one */
static void test_rows(void)
{
	struct vgpu_stub_desc long_desc = direct(0, VGPU_STUB_TRANSFER_MAX + 1);

	ok(copy(direct(0, 0), inline_desc(1)) == VGPU_STUB_ERR_DESC, "IN's type, then OUT's length");
	ok(copy(buffer_desc(1, 0, 8), long_desc) == VGPU_STUB_ERR_LENGTH,
	   "IN's length, then OUT's handle");
	ok(copy(direct(0, 1), (struct vgpu_stub_desc){ .reserved = 1 }) == VGPU_STUB_ERR_RESERVED,
	   "IN's reserved field");
	ok(copy(direct(UINT64_MAX - BASE, 2), direct(0, 2)) == VGPU_STUB_ERR_LENGTH, "a range that wraps");
	ok(copy(direct(UINT64_MAX - BASE, 1), direct(0, 1)) == VGPU_STUB_OK, "the last byte of the bus");
	ok(copy(inline_desc(17), direct(0, 17)) == VGPU_STUB_ERR_LENGTH, "17 inline bytes");
	ok(copy(inline_desc(16), direct(0, 16)) == VGPU_STUB_OK, "16 inline bytes");
}

static void test_segments(void)
{
	const struct vgpu_stub_segment good[] = { { 0, 8 }, { 100, 8 } };
	const struct vgpu_stub_segment empty[] = { { 0, 16 }, { 100, 0 } };
	const struct vgpu_stub_segment reserved[] = { { 0, 8 }, { 100, 8, 1 } };
	const struct vgpu_stub_segment wraps[] = { { 0, 8 }, { UINT64_MAX - BASE, 8 } };
	struct vgpu_stub_desc in = direct(200, 16);

	ok(copy(list(1000, good, 2), in) == VGPU_STUB_OK, "a good list");
	ok(copy(list(1000, empty, 2), in) == VGPU_STUB_ERR_LIST, "an empty segment");
	ok(copy(list(1000, reserved, 2), in) == VGPU_STUB_ERR_LIST, "a reserved field");
	ok(copy(list(1000, wraps, 2), in) == VGPU_STUB_ERR_LIST, "a segment that wraps");
}

static void test_overlap(void)
{
	const struct vgpu_stub_segment segments[] = { { 0, 8 }, { 100, 8 } };
	struct vgpu_stub_desc out = list(1000, segments, 2);

	host_add_buffer(1, 3, 0, 100, 0, 0);
	host_add_buffer(2, 3, 0, 100, 0, 0);
	ok(copy(direct(0, 10), direct(9, 10)) == VGPU_STUB_ERR_OVERLAP, "the last byte overlaps");
	ok(copy(direct(9, 10), direct(0, 10)) == VGPU_STUB_ERR_OVERLAP, "... the other way round");
	ok(copy(direct(0, 10), direct(10, 10)) == VGPU_STUB_OK, "neighbours");
	ok(copy(out, direct(107, 16)) == VGPU_STUB_ERR_OVERLAP, "the second segment overlaps");
	ok(copy(out, direct(108, 16)) == VGPU_STUB_OK, "... and ends before");
	ok(copy(buffer_desc(1, 0, 10), buffer_desc(1, 9, 10)) == VGPU_STUB_ERR_OVERLAP,
	   "ranges of a buffer");
	ok(copy(buffer_desc(1, 0, 10), buffer_desc(2, 0, 10)) == VGPU_STUB_OK, "two buffers");
	ok(copy(buffer_desc(1, 0, 10), direct(0, 10)) == VGPU_STUB_OK, "a buffer and its address");
	ok(copy(inline_desc(10), direct(0, 10)) == VGPU_STUB_OK, "inline data");
	host_remove_buffers();
}

static unsigned int check(unsigned int opcode, uint64_t arg, uint32_t out, uint32_t in)
{
	return vgpu_operation_check(&vgpu_software, opcode, arg, out, in);
}

static void test_operations(void)
{
	ok(check(4, 1, 1, 1) == VGPU_STUB_ERR_OPCODE, "without descriptors: opcode");
	ok(check(VGPU_STUB_OP_REGISTER, 1, 16, 0) == VGPU_STUB_ERR_OPCODE, "... of set 1");
	ok(check(VGPU_STUB_OP_COPY, 1, 1, 0) == VGPU_STUB_ERR_ARG, "... ARG");
	ok(check(VGPU_STUB_OP_COPY, 0, 1, 0) == VGPU_STUB_ERR_DESC, "... no IN");
	ok(check(VGPU_STUB_OP_FILL, 1, 1, 2) == VGPU_STUB_ERR_DESC, "... an OUT");
	ok(check(VGPU_STUB_OP_COPY, 0, 1, 2) == VGPU_STUB_ERR_LENGTH, "... two lengths");
	ok(!check(VGPU_STUB_OP_NOP, 0, 0, 0) && !check(VGPU_STUB_OP_COPY, 0, 2, 2) &&
	   !check(VGPU_STUB_OP_FILL, UINT64_MAX, 0, 2) &&
	   !check(VGPU_STUB_OP_CRC32C, UINT32_MAX, 2, 0), "... good commands");
}

void test_statuses(void)
{
	host_init();
	test_copy();
	test_rows();
	test_segments();
	test_overlap();
	test_operations();
	ok(!test.maps && !test.faults, "no data was mapped");
}
