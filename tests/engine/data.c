// SPDX-License-Identifier: GPL-2.0-or-later
/* Data in pieces: whatever they are, the result is the same */
#include <endian.h>
#include <string.h>
#include "host.h"

#define LEN 3000
#define IN_AT 4000

static unsigned char expected[SIZE];

static void scramble(void)
{
	for (unsigned int i = 0; i < SIZE; i++)
		expected[i] = test.bytes[i] = random_number(256);
}

static bool as_expected(void)
{
	return !memcmp(test.bytes, expected, SIZE);
}

/* The checksum, one bit at a time */
static uint32_t slow_crc(uint32_t crc, const unsigned char *bytes, size_t len)
{
	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* OUT and IN of @len bytes: a list or a buffer of three segments, or a range */
static struct vgpu_stub_desc any(uint64_t at, uint32_t len, uint16_t handle, unsigned int kind)
{
	const uint32_t first = len / 3, second = len / 2 - first;
	const struct vgpu_stub_segment segments[] = {
		{ at, first }, { at + first, second }, { at + first + second, len - first - second },
	};

	if (kind == 0)
		return direct(at, len);
	if (kind == 1)
		return list(SIZE - 48 * handle, segments, 3);
	host_add_buffer(handle, 3, 0, 5, (unsigned int)at, first, (unsigned int)(at + first), second,
			(unsigned int)(at + first + second), len - first - second, 0, 0);
	return buffer_desc(handle, 5, len);
}

static bool works(struct vgpu_stub_sqe *entry, size_t max, uint64_t expected_result)
{
	uint64_t result;

	memcpy(expected + READ_ONLY_AT, test.bytes + READ_ONLY_AT, SIZE - READ_ONLY_AT);
	return run(&vgpu_software, entry, max, &result) == VGPU_STUB_OK &&
	       result == expected_result && as_expected();
}

static bool try_all(uint32_t len, size_t max, unsigned int out_kind, unsigned int in_kind)
{
	struct vgpu_stub_sqe copy = { .opcode = VGPU_STUB_OP_COPY };
	struct vgpu_stub_sqe fill = { .opcode = VGPU_STUB_OP_FILL, .arg = 0x0807060504030201 };
	struct vgpu_stub_sqe crc = { .opcode = VGPU_STUB_OP_CRC32C, .arg = 77 };
	bool good;

	scramble();
	copy.out = crc.out = any(0, len, 1, out_kind);
	copy.in = fill.in = any(IN_AT, len, 2, in_kind);
	memcpy(expected + IN_AT, expected, len);
	good = works(&copy, max, len) && works(&crc, max, slow_crc(77, expected, len));
	for (unsigned int i = 0; i < len; i++)
		expected[IN_AT + i] = 1 + i % 8;
	good = works(&fill, max, len) && good;
	host_remove_buffers();
	return good;
}

static void test_pieces(void)
{
	static const size_t sizes[] = { 1, 3, 7, 8, 64, 4096 };
	bool good = true;

	for (unsigned int i = 0; i < 6 * 6 * 9; i++) {
		test.piece = sizes[i / 9 % 6];
		good = try_all(6 + random_number(LEN - 6), sizes[i / 54], i % 3, i / 3 % 3) && good;
	}
	ok(good, "COPY, FILL and CRC32C in pieces of any size");
	ok(!test.faults, "all is unmapped, and no limit exceeded");
}

static void test_limits(void)
{
	const struct vgpu_stub_sqe entry = { .opcode = VGPU_STUB_OP_CRC32C, .out = direct(0, LEN) };
	static struct vgpu_pieces pieces;
	struct vgpu_data out, in;

	test.piece = 3;
	vgpu_command_open(&test.host, &vgpu_software, &entry, &out, &in);
	ok(vgpu_pieces_map(&test.host, &pieces, &out, &in, LEN) && pieces.count == VGPU_PIECES_MAX &&
	   out.left == LEN - 3 * VGPU_PIECES_MAX, "as many pieces as there is room for");
	vgpu_pieces_unmap(&test.host, &pieces, &out, &in);
	ok(vgpu_pieces_map(&test.host, &pieces, &out, &in, 100) && pieces.count == 34 &&
	   out.left == LEN - 3 * VGPU_PIECES_MAX - 100, "as many bytes as were asked for");
	vgpu_pieces_unmap(&test.host, &pieces, &out, &in);
	ok(!test.mapped, "... and all are unmapped");
}

static void test_faults(void)
{
	struct vgpu_stub_sqe copy = { .opcode = VGPU_STUB_OP_COPY, .out = direct(0, 300) };
	uint64_t result;

	test.piece = 50;
	scramble();
	copy.in = direct(READ_ONLY_AT - 100, 300);
	ok(run(&vgpu_software, &copy, SIZE, &result) == VGPU_STUB_ERR_DMA && !result, "IN becomes read-only");
	ok(as_expected() && !test.mapped, "... and what was mapped is unmapped");
	copy.out = direct(SIZE - 100, 300);
	copy.in = direct(0, 300);
	ok(run(&vgpu_software, &copy, 50, &result) == VGPU_STUB_ERR_DMA, "OUT ends");
	memcpy(expected, expected + SIZE - 100, 100);
	ok(as_expected() && !test.mapped, "... after two pieces, which are written");
}

static void test_inline(void)
{
	struct vgpu_stub_sqe copy = { .opcode = VGPU_STUB_OP_COPY, .out = inline_desc(16),
				      .in = direct(5, 16), .data = "0123456789abcdef" };
	struct vgpu_stub_sqe crc = { .opcode = VGPU_STUB_OP_CRC32C, .out = inline_desc(9),
				     .data = "123456789" };
	struct vgpu_stub_sqe nop = { .opcode = VGPU_STUB_OP_NOP };
	uint64_t result;

	test.piece = 3;
	ok(!run(&vgpu_software, &copy, 4, &result) && result == 16 &&
	   !memcmp(test.bytes + 5, "0123456789abcdef", 16), "inline data in pieces");
	ok(!run(&vgpu_software, &crc, 4, &result) && result == 0xe3069283, "the specification's checksum");
	ok(!run(&vgpu_software, &nop, 4, &result) && !result, "NOP");
	ok(!test.faults, "inline data is not unmapped");
}

/* A second back end: the sum of the bytes, which it also stores, of set 2 */

static const struct vgpu_operation *sum_operation(unsigned int opcode)
{
	static const struct vgpu_operation sum = { 0x0200, .out = true, .in = true,
						   .arg_mask = 0xff };

	return opcode == 0x0200 ? &sum : NULL;
}

static void sum_execute(struct vgpu_job *job, const void *from, void *to, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		job->state += ((const unsigned char *)from)[i];
		((unsigned char *)to)[i] = job->state;
	}
}

static uint64_t sum_result(const struct vgpu_job *job)
{
	return job->state;
}

static void test_backend(void)
{
	const struct vgpu_backend sum = { sum_operation, sum_execute, sum_result };
	struct vgpu_stub_sqe entry = { .opcode = 0x0200, .arg = 5, .out = direct(0, 1000),
				       .in = direct(IN_AT, 1000) };
	uint64_t result, wanted = 5;

	scramble();
	for (unsigned int i = 0; i < 1000; i++)
		expected[IN_AT + i] = wanted += expected[i];
	test.piece = 7;
	ok(!run(&sum, &entry, 100, &result) && result == wanted && as_expected(), "another back end");
	entry.arg = 0x100;
	ok(run(&sum, &entry, 100, &result) == VGPU_STUB_ERR_ARG, "... has its own ARG");
	entry.opcode = VGPU_STUB_OP_COPY;
	ok(run(&sum, &entry, 100, &result) == VGPU_STUB_ERR_OPCODE, "... and its own commands");
	ok(!test.faults, "all is unmapped");
}

void test_data(void)
{
	host_init();
	test_pieces();
	test_limits();
	test_faults();
	test_inline();
	test_backend();
}
