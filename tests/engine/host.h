/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host with a page of memory, which it maps a few bytes at a time. It checks what the
 * engine does: everything that is mapped is unmapped, and nothing else.
 */
#ifndef HOST_H
#define HOST_H

#include "vgpu_engine.h"

#define BASE 0x1000000000ULL
#define SIZE 8192
#define READ_ONLY_AT 7168 /* the rest is read-only */

struct test_host {
	unsigned char bytes[SIZE];
	size_t piece; /* bytes that are mapped at most */
	uint64_t read; /* bytes, by read() */
	unsigned int mapped; /* and not yet unmapped */
	unsigned int maps, faults;
	struct vgpu_buffers buffers;
	struct vgpu_host host;
};

extern struct test_host test;

void host_init(void);
/* A buffer of the segments (offset, length) that follow, until a length of 0 */
struct vgpu_buffer *host_add_buffer(unsigned int handle, uint32_t access, ...);
void host_remove_buffers(void);

void ok(bool passed, const char *format, ...) __attribute__((format(printf, 2, 3)));
int ok_count(void);
uint64_t random_number(uint64_t below);

struct vgpu_stub_desc direct(uint64_t offset, uint32_t len);
struct vgpu_stub_desc buffer_desc(uint16_t handle, uint64_t offset, uint32_t len);
/* The list is written to the memory at @at */
struct vgpu_stub_desc list(uint64_t at, const struct vgpu_stub_segment *segments, uint16_t count);
struct vgpu_stub_desc inline_desc(uint32_t len);

/* The status of an entry that is only opened */
unsigned int open_status(const struct vgpu_stub_sqe *entry);
/* Execute an entry, @max bytes at a time */
unsigned int run(const struct vgpu_backend *backend, const struct vgpu_stub_sqe *entry,
		 size_t max, uint64_t *result);

void test_statuses(void);
void test_buffers(void);
void test_data(void);

#endif
