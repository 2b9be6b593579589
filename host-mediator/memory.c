// SPDX-License-Identifier: GPL-2.0-or-later
#include <sys/mman.h>
#include <sys/stat.h>
#include "memory.h"

static bool overlaps(const struct memory *memory, uint64_t address, uint64_t size)
{
	for (unsigned int i = 0; i < memory->count; i++) {
		const struct region *region = &memory->regions[i];

		if (address < region->address + region->size &&
		    region->address < address + size)
			return true;
	}
	return false;
}

/* Huge pages are mapped as a whole, so the mapping may begin before the region */
static bool map(struct region *region, int fd, uint64_t offset, uint64_t page)
{
	uint64_t before = offset % page;
	uint64_t size = (before + region->size + page - 1) / page * page;
	int prot = PROT_READ | (region->writable ? PROT_WRITE : 0);

	if (size > SIZE_MAX)
		return false;
	region->mapping = mmap(NULL, size, prot, MAP_SHARED | MAP_NORESERVE, fd,
			       (off_t)(offset - before));
	if (region->mapping == MAP_FAILED)
		return false;
	region->mapped = size;
	region->bytes = (unsigned char *)region->mapping + before;
	return true;
}

static bool exceeds_limit(const struct memory *memory, uint64_t size)
{
	return memory->limit && (size > memory->limit || memory->bytes > memory->limit - size);
}

unsigned int memory_add(struct memory *memory, const struct vgpu_mediator_memory_add *add,
			int fd, unsigned int *fault)
{
	struct region region = {
		.address = add->address,
		.size = add->size,
		.writable = add->flags & VGPU_MEDIATOR_MEMORY_WRITE,
	};
	struct stat file;

	*fault = 0;
	if (fstat(fd, &file) || !S_ISREG(file.st_mode) || file.st_blksize <= 0) {
		*fault = VGPU_MEDIATOR_BAD_DESCRIPTORS;
		return VGPU_MEDIATOR_OK;
	}
	if (add->offset + add->size > (uint64_t)file.st_size ||
	    overlaps(memory, add->address, add->size)) {
		*fault = VGPU_MEDIATOR_BAD_VALUE;
		return VGPU_MEDIATOR_OK;
	}
	if (memory->count == VGPU_MEDIATOR_REGIONS_MAX || exceeds_limit(memory, add->size))
		return VGPU_MEDIATOR_FAIL_LIMIT;
	if (!map(&region, fd, add->offset, (uint64_t)file.st_blksize))
		return VGPU_MEDIATOR_FAIL_HOST;
	memory->regions[memory->count++] = region;
	memory->bytes += region.size;
	return VGPU_MEDIATOR_OK;
}

void memory_clear(struct memory *memory)
{
	while (memory->count) {
		struct region *region = &memory->regions[--memory->count];

		munmap(region->mapping, region->mapped);
		memory->bytes -= region->size;
	}
}

void *memory_at(const struct memory *memory, uint64_t address, uint64_t len, bool write,
		size_t *there)
{
	for (unsigned int i = 0; i < memory->count; i++) {
		const struct region *region = &memory->regions[i];
		uint64_t at = address - region->address;

		if (address < region->address || at >= region->size)
			continue;
		if (write && !region->writable)
			return NULL;
		*there = len < region->size - at ? len : region->size - at;
		return region->bytes + at;
	}
	return NULL;
}

void *memory_whole(const struct memory *memory, uint64_t address, uint64_t len)
{
	size_t there;
	void *bytes = memory_at(memory, address, len, true, &there);

	return bytes && there == len ? bytes : NULL;
}
