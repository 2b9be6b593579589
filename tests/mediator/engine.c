// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mediator's software engine on memory of its own: prints TAP.
 *
 * The bus has five pages at BASE: two of a file, two of the same file in another order, so
 * that a command that runs through all of them meets three regions, and a read-only page.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "engine.h"

#define PAGE 4096
#define BASE 0x100000000ULL
#define WRITABLE (4 * PAGE)
#define ALL (5 * PAGE)

static struct memory memory;
static struct vgpu_buffers buffers;
static struct engine engine;
static unsigned char *file;
static int fd;
static int tests;

static void ok(int passed, const char *name)
{
	printf("%s %d - %s\n", passed ? "ok" : "not ok", ++tests, name);
}

/* Page of the file at each page of the bus */
static const int page_of[] = { 0, 1, 3, 2, 4 };

static unsigned char *byte_at(uint64_t offset)
{
	return file + page_of[offset / PAGE] * PAGE + offset % PAGE;
}

static unsigned int add(uint64_t address, uint64_t size, uint64_t offset, int flags)
{
	struct vgpu_mediator_memory_add message = {
		.address = address, .size = size, .offset = offset, .flags = flags,
	};
	unsigned int fault, status = memory_add(&memory, &message, fd, &fault);

	return fault ? 100 + fault : status;
}

static void make_memory(void)
{
	fd = memfd_create("memory", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, ALL))
		exit(1);
	file = mmap(NULL, ALL, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok(!add(BASE, 2 * PAGE, 0, 1) && !add(BASE + 2 * PAGE, PAGE, 3 * PAGE, 1) &&
	   !add(BASE + 3 * PAGE, PAGE, 2 * PAGE, 1) && !add(BASE + 4 * PAGE, PAGE, 4 * PAGE, 0),
	   "regions are added");
	ok(add(BASE + PAGE, 2 * PAGE, 0, 1) == 100 + VGPU_MEDIATOR_BAD_VALUE, "an overlap");
	ok(add(0, PAGE, ALL, 1) == 100 + VGPU_MEDIATOR_BAD_VALUE, "beyond the file");
	ok(!memory_whole(&memory, BASE + PAGE, 2 * PAGE), "a ring in two regions");
	ok(!memory_whole(&memory, BASE + 4 * PAGE, PAGE), "a ring in read-only memory");
	ok(memory_whole(&memory, BASE, 2 * PAGE) != NULL, "a ring in one region");
}

static unsigned int run(struct vgpu_stub_sqe entry, uint64_t *result)
{
	unsigned int status;

	do
		status = engine_execute(&engine, &entry, result);
	while (status == EXECUTOR_BUSY);
	return status;
}

static struct vgpu_stub_desc direct(uint64_t offset, uint32_t len)
{
	return (struct vgpu_stub_desc){ .addr = BASE + offset, .len = len,
					.type = VGPU_STUB_DESC_DIRECT };
}

static struct vgpu_stub_desc buffer(uint16_t handle, uint64_t offset, uint32_t len)
{
	return (struct vgpu_stub_desc){ .addr = offset, .len = len, .number = handle,
					.type = VGPU_STUB_DESC_BUFFER };
}

static struct vgpu_stub_desc list(uint64_t offset, uint16_t number, uint32_t len)
{
	return (struct vgpu_stub_desc){ .addr = BASE + offset, .len = len, .number = number,
					.type = VGPU_STUB_DESC_LIST };
}

/* A buffer of the writable pages, backwards; the guest may only read buffer 2 */
static const struct vgpu_segment backwards[] = {
	{ .addr = BASE + 3 * PAGE, .len = PAGE },
	{ .addr = BASE + 2 * PAGE, .start = PAGE, .len = PAGE },
	{ .addr = BASE, .start = 2 * PAGE, .len = 2 * PAGE },
};

static void make_buffer(unsigned int handle, uint32_t access)
{
	struct vgpu_buffer *new = vgpu_buffer_new(3, access);

	memcpy(new->segments, backwards, sizeof(backwards));
	new->len = 4 * PAGE;
	vgpu_buffers_insert(&buffers, handle, new);
}

static void make_buffers(void)
{
	make_buffer(1, VGPU_MEDIATOR_BUFFER_READ | VGPU_MEDIATOR_BUFFER_WRITE);
	make_buffer(2, VGPU_MEDIATOR_BUFFER_READ);
}

struct bad {
	const char *name;
	struct vgpu_stub_sqe entry;
	unsigned int status;
};

#define COPY(from, to) .opcode = VGPU_STUB_OP_COPY, .out = from, .in = to
#define DATA(...) (struct vgpu_stub_desc){ __VA_ARGS__ }

static void test_bad(void)
{
	const struct bad bad[] = {
		{ "an unknown opcode", { .opcode = 4 }, VGPU_STUB_ERR_OPCODE },
		{ "set 1", { .opcode = VGPU_STUB_OP_REGISTER }, VGPU_STUB_ERR_OPCODE },
		{ "a flag", { .flags = 4 }, VGPU_STUB_ERR_FLAGS },
		{ "NOP with ARG", { .arg = 1 }, VGPU_STUB_ERR_ARG },
		{ "NOP with data", { .out = direct(0, 1) }, VGPU_STUB_ERR_DESC },
		{ "DESC_NONE with a length", { .in = DATA(.len = 1) }, VGPU_STUB_ERR_RESERVED },
		{ "COPY of nothing", { COPY(direct(0, 0), direct(PAGE, 0)) },
		  VGPU_STUB_ERR_LENGTH },
		{ "COPY of two lengths", { COPY(direct(0, 1), direct(PAGE, 2)) },
		  VGPU_STUB_ERR_LENGTH },
		{ "COPY without IN", { COPY(direct(0, 1), DATA(0)) }, VGPU_STUB_ERR_DESC },
		{ "COPY to inline data",
		  { COPY(direct(0, 1), DATA(.type = VGPU_STUB_DESC_INLINE, .len = 1)) },
		  VGPU_STUB_ERR_DESC },
		{ "an address that wraps around",
		  { COPY(DATA(.addr = -1ULL, .len = 2, .type = 1), direct(0, 2)) },
		  VGPU_STUB_ERR_LENGTH },
		{ "COPY that overlaps", { COPY(direct(0, 100), direct(99, 100)) },
		  VGPU_STUB_ERR_OVERLAP },
		{ "COPY that overlaps in a buffer", { COPY(buffer(1, 0, 9), buffer(1, 8, 9)) },
		  VGPU_STUB_ERR_OVERLAP },
		{ "OUT beyond memory", { COPY(direct(ALL - 1, 2), direct(0, 2)) },
		  VGPU_STUB_ERR_DMA },
		{ "IN in read-only memory", { COPY(direct(0, 2), direct(WRITABLE, 2)) },
		  VGPU_STUB_ERR_DMA },
		{ "a buffer that does not exist", { COPY(buffer(3, 0, 2), direct(0, 2)) },
		  VGPU_STUB_ERR_HANDLE },
		{ "a handle beyond the limit", { COPY(buffer(1024, 0, 2), direct(0, 2)) },
		  VGPU_STUB_ERR_HANDLE },
		{ "beyond a buffer", { COPY(buffer(1, 4 * PAGE - 1, 2), direct(0, 2)) },
		  VGPU_STUB_ERR_BOUNDS },
		{ "an offset that wraps around", { COPY(buffer(1, -1ULL, 2), direct(0, 2)) },
		  VGPU_STUB_ERR_BOUNDS },
		{ "a buffer that may not be written", { COPY(direct(0, 2), buffer(2, 0, 2)) },
		  VGPU_STUB_ERR_ACCESS },
		{ "a list without segments", { COPY(list(0, 0, 2), direct(0, 2)) },
		  VGPU_STUB_ERR_LIST },
		{ "a list that is too long", { COPY(list(0, 513, 2), direct(0, 2)) },
		  VGPU_STUB_ERR_LIST },
		{ "a misaligned list", { COPY(list(4, 1, 2), direct(0, 2)) },
		  VGPU_STUB_ERR_LIST },
		{ "a list beyond memory", { COPY(list(ALL, 1, 2), direct(0, 2)) },
		  VGPU_STUB_ERR_DMA },
		{ "an empty segment", { COPY(list(0, 1, 2), direct(PAGE, 2)) },
		  VGPU_STUB_ERR_LIST },
		{ "CRC32C with a long ARG",
		  { .opcode = VGPU_STUB_OP_CRC32C, .arg = 1ULL << 32, .out = direct(0, 1) },
		  VGPU_STUB_ERR_ARG },
	};

	memset(file, 0, ALL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t result = 7;

		ok(run(bad[i].entry, &result) == bad[i].status && !result, bad[i].name);
	}
}

static uint64_t random_number(uint64_t below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % below;
}

/* The checksum, one bit at a time */
static uint32_t slow_crc(uint32_t crc, uint64_t offset, uint64_t len)
{
	crc = ~crc;
	for (uint64_t i = 0; i < len; i++) {
		crc ^= *byte_at(offset + i);
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* Offset on the bus of a byte of the buffer */
static uint64_t in_buffer(uint64_t offset)
{
	static const int order[] = { 3, 2, 0, 1 };

	return order[offset / PAGE] * PAGE + offset % PAGE;
}

static unsigned char expected[ALL];

static int as_expected(void)
{
	for (uint64_t i = 0; i < ALL; i++)
		if (*byte_at(i) != expected[i])
			return 0;
	return 1;
}

static void scramble(void)
{
	for (uint64_t i = 0; i < ALL; i++)
		expected[i] = *byte_at(i) = random_number(256);
}

static int fill_works(uint64_t offset, uint64_t len, int buffered)
{
	uint64_t pattern = 0x0807060504030201ULL, result;
	struct vgpu_stub_sqe entry = { .opcode = VGPU_STUB_OP_FILL, .arg = pattern };

	entry.in = buffered ? buffer(1, offset, len) : direct(offset, len);
	for (uint64_t i = 0; i < len; i++)
		expected[buffered ? in_buffer(offset + i) : offset + i] = 1 + i % 8;
	return run(entry, &result) == 0 && result == len && as_expected();
}

static int copy_works(uint64_t from, uint64_t to, uint64_t len)
{
	struct vgpu_stub_sqe entry = { COPY(direct(from, len), direct(to, len)) };
	uint64_t result;

	memmove(expected + to, expected + from, len);
	return run(entry, &result) == 0 && result == len && as_expected();
}

static int crc_works(uint64_t offset, uint64_t len)
{
	uint32_t start = random_number(1ULL << 31);
	struct vgpu_stub_sqe entry = { .opcode = VGPU_STUB_OP_CRC32C, .arg = start };
	uint64_t result;

	entry.out = direct(offset, len);
	return run(entry, &result) == 0 && result == slow_crc(start, offset, len);
}

static void test_random(void)
{
	int fills = 0, copies = 0, sums = 0;

	for (int i = 0; i < 300; i++) {
		uint64_t len = 1 + random_number(WRITABLE / 2);
		uint64_t low = random_number(WRITABLE / 2 - len + 1);
		uint64_t high = WRITABLE / 2 + random_number(WRITABLE / 2 - len + 1);
		int up = random_number(2);

		scramble();
		fills += fill_works(random_number(WRITABLE - len + 1), len, i % 2);
		copies += copy_works(up ? low : high, up ? high : low, len);
		sums += crc_works(random_number(ALL - len + 1), len);
	}
	ok(fills == 300, "300 random FILL");
	ok(copies == 300, "300 random COPY");
	ok(sums == 300, "300 random CRC32C");
}

/* Segments of 1 to 16 bytes in the first page, to two pages at the end */
static void test_list(void)
{
	struct vgpu_stub_segment *segments = (void *)file;
	struct vgpu_stub_sqe entry;
	uint64_t result, len = 0;

	scramble();
	memcpy(expected, file, PAGE);
	for (int i = 0; i < 100; i++) {
		segments[i] = (struct vgpu_stub_segment){ .addr = BASE + PAGE + 40 * i,
							  .len = 1 + i % 16 };
		memcpy(expected + 3 * PAGE - 20 + len, expected + PAGE + 40 * i, 1 + i % 16);
		len += 1 + i % 16;
	}
	memcpy(expected, file, PAGE);
	entry = (struct vgpu_stub_sqe){ COPY(list(0, 100, len), direct(3 * PAGE - 20, len)) };
	ok(run(entry, &result) == 0 && result == len && as_expected(), "COPY from a list");
	entry.out.len = entry.in.len = len + 1;
	ok(run(entry, &result) == VGPU_STUB_ERR_LIST, "a list of another length");
}

/* Whatever the entry is, the engine stays in its memory; sanitizers watch */
static void test_garbage(void)
{
	for (int i = 0; i < 200000; i++) {
		struct vgpu_stub_sqe entry;
		unsigned char *bytes = (void *)&entry;
		uint64_t result;

		for (size_t n = 0; n < sizeof(entry); n++)
			bytes[n] = random_number(random_number(2) ? 256 : 2);
		entry.opcode = random_number(5);
		entry.flags &= 7;
		entry.out.type = random_number(6);
		entry.in.type = random_number(6);
		entry.out.addr = BASE * random_number(2) + random_number(6 * PAGE);
		entry.in.addr = BASE * random_number(2) + random_number(6 * PAGE);
		entry.out.len = random_number(3 * PAGE);
		entry.in.len = random_number(2) ? entry.out.len : random_number(PAGE);
		if (random_number(4))
			entry.out.reserved = entry.in.reserved = 0;
		run(entry, &result);
	}
	ok(1, "200000 random entries");
}

int main(void)
{
	static const char digits[] = "123456789";
	uint64_t result = 7;

	engine_init(&engine, &memory, &buffers);
	make_memory();
	make_buffers();
	ok(vgpu_crc32c(0, digits, 9) == 0xe3069283, "CRC32C of the nine digits");
	ok(vgpu_crc32c(vgpu_crc32c(0, digits, 4), digits + 4, 5) == 0xe3069283,
	   "... in two parts");
	ok(run((struct vgpu_stub_sqe){ 0 }, &result) == 0 && result == 0, "NOP");
	ok(engine_can_replay(VGPU_STUB_OP_CRC32C) && engine_can_replay(VGPU_STUB_OP_UNREGISTER) &&
	   !engine_can_replay(0x0200), "which commands can be repeated");
	test_bad();
	test_list();
	test_random();
	test_garbage();
	ok(!buffers.by_handle[1]->users && !buffers.by_handle[2]->users, "no buffer is in use");
	vgpu_buffers_remove(&buffers, 1);
	vgpu_buffers_remove(&buffers, 2);
	memory_clear(&memory);
	ok(!memory_whole(&memory, BASE, PAGE), "no memory after memory_clear()");
	printf("1..%d\n", tests);
	return 0;
}
