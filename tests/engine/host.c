// SPDX-License-Identifier: GPL-2.0-or-later
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "host.h"

struct test_host test;
static int tests;

void ok(bool passed, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("%sok %d - ", passed ? "" : "not ", ++tests);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
}

int ok_count(void)
{
	return tests;
}

uint64_t random_number(uint64_t below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % below;
}

/* Memory */

static bool read_bytes(void *opaque, uint64_t addr, void *to, size_t len)
{
	struct test_host *host = opaque;

	if (addr < BASE || addr - BASE > SIZE || len > SIZE - (addr - BASE))
		return false;
	memcpy(to, host->bytes + (addr - BASE), len);
	host->read += len;
	return true;
}

static void *map(void *opaque, uint64_t addr, size_t *len, bool is_write)
{
	struct test_host *host = opaque;

	if (addr < BASE || addr - BASE >= (is_write ? READ_ONLY_AT : SIZE))
		return NULL;
	if (*len > host->piece)
		*len = host->piece;
	if (*len > SIZE - (addr - BASE))
		*len = SIZE - (addr - BASE);
	host->mapped++;
	host->maps++;
	return host->bytes + (addr - BASE);
}

static void unmap(void *opaque, void *at, size_t len, bool is_write)
{
	struct test_host *host = opaque;
	uint64_t offset = (unsigned char *)at - host->bytes;

	if (!host->mapped-- || offset >= SIZE || !len || len > host->piece ||
	    (is_write && offset >= READ_ONLY_AT))
		host->faults++;
}

void host_init(void)
{
	memset(&test, 0, sizeof(test));
	test.piece = SIZE;
	test.host = (struct vgpu_host){ .buffers = &test.buffers, .has_set_buffer = true,
					.read = read_bytes, .map = map, .unmap = unmap,
					.opaque = &test };
}

struct vgpu_buffer *host_add_buffer(unsigned int handle, uint32_t access, ...)
{
	struct vgpu_buffer *buffer = vgpu_buffer_new(8, access);
	va_list args;
	uint32_t n = 0;

	va_start(args, access);
	for (;;) {
		unsigned int offset = va_arg(args, unsigned int);
		unsigned int len = va_arg(args, unsigned int);

		if (!len)
			break;
		buffer->segments[n++] = (struct vgpu_segment){ BASE + offset, buffer->len, len };
		buffer->len += len;
	}
	va_end(args);
	buffer->count = n;
	vgpu_buffers_insert(&test.buffers, handle, buffer);
	return buffer;
}

void host_remove_buffers(void)
{
	for (unsigned int i = 0; i < VGPU_STUB_BUFFERS_MAX; i++) {
		if (test.buffers.by_handle[i])
			vgpu_buffers_remove(&test.buffers, i);
	}
}

/* Entries */

struct vgpu_stub_desc direct(uint64_t offset, uint32_t len)
{
	return (struct vgpu_stub_desc){ BASE + offset, len, 0, VGPU_STUB_DESC_DIRECT };
}

struct vgpu_stub_desc buffer_desc(uint16_t handle, uint64_t offset, uint32_t len)
{
	return (struct vgpu_stub_desc){ offset, len, handle, VGPU_STUB_DESC_BUFFER };
}

struct vgpu_stub_desc inline_desc(uint32_t len)
{
	return (struct vgpu_stub_desc){ 0, len, 0, VGPU_STUB_DESC_INLINE };
}

struct vgpu_stub_desc list(uint64_t at, const struct vgpu_stub_segment *segments, uint16_t count)
{
	struct vgpu_stub_desc desc = { BASE + at, 0, count, VGPU_STUB_DESC_LIST };

	for (unsigned int i = 0; i < count; i++) {
		struct vgpu_stub_segment segment = {
			.addr = htole64(BASE + segments[i].addr),
			.len = htole32(segments[i].len),
			.reserved = segments[i].reserved,
		};

		memcpy(test.bytes + at + i * sizeof(segment), &segment, sizeof(segment));
		desc.len += segments[i].len;
	}
	return desc;
}

unsigned int open_status(const struct vgpu_stub_sqe *entry)
{
	struct vgpu_data out, in;
	unsigned int status = vgpu_command_open(&test.host, &vgpu_software, entry, &out, &in);

	vgpu_data_close(&out);
	vgpu_data_close(&in);
	return status;
}

static unsigned int execute(const struct vgpu_backend *backend, struct vgpu_job *job,
			    struct vgpu_data *out, struct vgpu_data *in, size_t max)
{
	static struct vgpu_pieces pieces;

	do {
		uint64_t left = out->left + in->left;
		bool mapped = vgpu_pieces_map(&test.host, &pieces, out, in, max);

		if (pieces.count > VGPU_PIECES_MAX || left - (out->left + in->left) > 2 * max)
			test.faults++;
		if (mapped)
			vgpu_pieces_execute(&pieces, backend, job);
		vgpu_pieces_unmap(&test.host, &pieces, out, in);
		if (!mapped)
			return VGPU_STUB_ERR_DMA;
	} while (out->left || in->left);
	return VGPU_STUB_OK;
}

unsigned int run(const struct vgpu_backend *backend, const struct vgpu_stub_sqe *entry,
		 size_t max, uint64_t *result)
{
	struct vgpu_data out, in;
	struct vgpu_job job;
	unsigned int status;

	vgpu_job_begin(&job, entry->opcode, entry->arg);
	status = vgpu_command_open(&test.host, backend, entry, &out, &in);
	if (!status)
		status = execute(backend, &job, &out, &in, max);
	*result = status ? 0 : backend->result(&job);
	vgpu_data_close(&out);
	vgpu_data_close(&in);
	if (test.mapped)
		test.faults++;
	return status;
}
