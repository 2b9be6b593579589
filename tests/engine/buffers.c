// SPDX-License-Identifier: GPL-2.0-or-later
/* Registered buffers, and the commands of set 1 */
#include <string.h>
#include "host.h"

static const uint64_t both = VGPU_STUB_BUFFER_READ | VGPU_STUB_BUFFER_WRITE;

static unsigned int do_register(uint64_t arg, struct vgpu_stub_desc out)
{
	const struct vgpu_stub_sqe entry = { .opcode = VGPU_STUB_OP_REGISTER, .arg = arg, .out = out };

	return open_status(&entry);
}

static unsigned int do_unregister(uint64_t arg)
{
	const struct vgpu_stub_sqe entry = { .opcode = VGPU_STUB_OP_UNREGISTER, .arg = arg };

	return open_status(&entry);
}

static void test_set(void)
{
	ok(!do_register(both | 7, direct(0, 32)), "REGISTER");
	ok(do_register(7, direct(0, 32)) == VGPU_STUB_ERR_ARG, "... without access");
	ok(do_register(both | VGPU_STUB_BUFFERS_MAX, direct(0, 32)) == VGPU_STUB_ERR_ARG,
	   "... of a handle that is too large");
	ok(do_register(both << 1, direct(0, 32)) == VGPU_STUB_ERR_ARG, "... with an unknown bit");
	ok(do_register(both, direct(0, 24)) == VGPU_STUB_ERR_LENGTH, "... of half a segment");
	ok(do_register(both, buffer_desc(1, 0, 16)) == VGPU_STUB_ERR_DESC, "... from a buffer");
	ok(do_register(both, direct(0, 16 * (VGPU_STUB_BUFFER_SEGMENTS_MAX + 1))) ==
	   VGPU_STUB_ERR_SPACE, "... of too many segments");
	test.buffers.segments = VGPU_STUB_SEGMENTS_MAX - 2;
	ok(!do_register(both, direct(0, 32)), "... of the last segments");
	ok(do_register(both, direct(0, 48)) == VGPU_STUB_ERR_SPACE, "... and of one more");
	test.buffers.segments = 0;
	ok(do_unregister(1) == VGPU_STUB_ERR_HANDLE, "UNREGISTER of nothing");
	ok(do_unregister(UINT16_MAX) == VGPU_STUB_ERR_HANDLE, "... of a handle that is too large");
	ok(do_unregister(1 << 16) == VGPU_STUB_ERR_ARG, "... with an unknown bit");
	test.host.has_set_buffer = false;
	ok(do_register(both, direct(0, 32)) == VGPU_STUB_ERR_OPCODE &&
	   do_unregister(0) == VGPU_STUB_ERR_OPCODE, "set 1 belongs to the device");
	test.host.has_set_buffer = true;
}

static void test_users(void)
{
	const struct vgpu_stub_sqe entry = { .opcode = VGPU_STUB_OP_COPY,
					     .out = buffer_desc(1, 0, 8), .in = buffer_desc(1, 8, 8) };
	struct vgpu_buffer *buffer = host_add_buffer(1, 3, 0, 100, 0, 0);
	struct vgpu_data out, in;

	ok(!vgpu_command_open(&test.host, &vgpu_software, &entry, &out, &in) && buffer->users == 2,
	   "OUT and IN use a buffer");
	buffer->closing = true;
	ok(open_status(&entry) == VGPU_STUB_ERR_HANDLE, "a command does not find it while it closes");
	ok(do_register(both | 1, direct(0, 32)) == VGPU_STUB_ERR_HANDLE, "... REGISTER does");
	ok(do_unregister(1) == VGPU_STUB_ERR_HANDLE, "... UNREGISTER does not");
	ok(!vgpu_data_close(&out) && vgpu_data_close(&in) && !buffer->users, "the last user is known");
	ok(!vgpu_data_close(&in), "closing twice is harmless");
	buffer->closing = false;
	ok(!vgpu_command_open(&test.host, &vgpu_software, &entry, &out, &in) &&
	   !vgpu_data_close(&out) && !vgpu_data_close(&in), "a buffer that stays has no last user");
	host_remove_buffers();
	ok(!test.buffers.segments, "the segments are counted");
}

/* As REGISTER reads them: more than are read at a time, and inline */
static void test_read(void)
{
	struct vgpu_stub_segment segments[100], one = { 5, 7 };
	struct vgpu_segment read[100];
	struct vgpu_stub_sqe entry = { .opcode = VGPU_STUB_OP_REGISTER, .arg = both };
	struct vgpu_data out, in;
	uint64_t len;
	bool good = true;

	for (unsigned int i = 0; i < 100; i++)
		segments[i] = (struct vgpu_stub_segment){ 3 * i, i + 1 };
	list(1000, segments, 100);
	entry.out = direct(1000, sizeof(segments));
	vgpu_command_open(&test.host, &vgpu_software, &entry, &out, &in);
	ok(!vgpu_data_read_segments(&test.host, &out, 100, read, &len) && len == 5050 && !out.left,
	   "100 segments are read");
	for (unsigned int i = 0; i < 100; i++)
		good = good && read[i].addr == BASE + 3 * i && read[i].len == i + 1 &&
		       read[i].start == i * (i + 1) / 2;
	ok(good, "... each as it is");
	for (unsigned int i = 0; i < 100; i += 99) {
		list(1000, segments, 100);
		test.bytes[1000 + i * sizeof(one) + 12] = 1;
		vgpu_command_open(&test.host, &vgpu_software, &entry, &out, &in);
		ok(vgpu_data_read_segments(&test.host, &out, 100, read, &len) ==
		   VGPU_STUB_ERR_LIST, "segment %u is not allowed", i);
	}
	list(1000, &one, 1);
	entry.out = inline_desc(sizeof(one));
	memcpy(entry.data, test.bytes + 1000, sizeof(one));
	vgpu_command_open(&test.host, &vgpu_software, &entry, &out, &in);
	ok(!vgpu_data_read_segments(&test.host, &out, 1, read, &len) && len == 7 &&
	   read[0].addr == BASE + 5, "an inline segment");
}

void test_buffers(void)
{
	host_init();
	test_set();
	test_users();
	test_read();
	ok(!test.maps && !test.faults, "no data was mapped");
}
