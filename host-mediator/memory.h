/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's memory, as the device described it with MEMORY_ADD */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include "vgpu_mediator.h"

struct region {
	uint64_t address; /* on the bus */
	uint64_t size;
	bool writable;
	unsigned char *bytes;
	void *mapping; /* from the start of a page, which may be a huge one */
	size_t mapped;
};

struct memory {
	struct region regions[VGPU_MEDIATOR_REGIONS_MAX];
	unsigned int count;
	uint64_t bytes; /* of all regions */
	uint64_t limit; /* of that; 0: none */
};

/*
 * Map a region of the file @fd, which the caller may close. The message was accepted by
 * message_decode_body(). Returns a STATUS of the answer, or a CODE of ERROR in *fault.
 */
unsigned int memory_add(struct memory *memory, const struct vgpu_mediator_memory_add *add,
			int fd, unsigned int *fault);
void memory_clear(struct memory *memory);

/*
 * The memory at a bus address, and how many of the @len bytes, at least 1, are there; the
 * rest may be in the next region. NULL is a DMA fault.
 */
void *memory_at(const struct memory *memory, uint64_t address, uint64_t len, bool write,
		size_t *there);
/* The same if all bytes are in one region, as those of a ring must be */
void *memory_whole(const struct memory *memory, uint64_t address, uint64_t len);

#endif
