// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-run: are the results of a command what they should be?
 *
 * Each command has data of its own, so the result of another one is noticed, and what
 * it is to write differs in every byte from what is there before.
 */
#include <string.h>

#include "run.h"

static uint8_t *from_of(const struct run *run, unsigned int slot)
{
	return (uint8_t *)run->from.addr + slot * run->options->size;
}

static uint8_t *to_of(const struct run *run, unsigned int slot)
{
	return (uint8_t *)run->to.addr + slot * run->options->size;
}

uint64_t pattern_of(const struct run *run, unsigned int slot)
{
	return (run->slots[slot].number + 1) * 0x9e3779b97f4a7c15ULL;
}

static void make_random(uint8_t *to, size_t size, uint64_t seed)
{
	for (size_t i = 0; i < size; i += sizeof(seed)) {
		size_t left = size - i;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		/* the upper half is the more random one */
		seed ^= seed >> 32;
		memcpy(to + i, &seed, left < sizeof(seed) ? left : sizeof(seed));
	}
}

static void make_pattern(uint8_t *to, size_t size, uint64_t pattern)
{
	uint8_t bytes[8];

	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = pattern >> 8 * i;
	for (size_t i = 0; i < size; i += sizeof(bytes)) {
		size_t left = size - i;

		memcpy(to + i, bytes, left < sizeof(bytes) ? left : sizeof(bytes));
	}
}

static void invert(uint8_t *to, const uint8_t *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = ~from[i];
}

void prepare_slot(struct run *run, unsigned int slot)
{
	size_t size = run->options->size;

	if (!run->options->verify)
		return;
	if (run->from.addr)
		make_random(from_of(run, slot), size, pattern_of(run, slot));
	if (run->options->operation == OP_COPY)
		invert(to_of(run, slot), from_of(run, slot), size);
	else if (run->to.addr)
		make_pattern(to_of(run, slot), size, ~pattern_of(run, slot));
}

static void fill_crc_table(uint32_t *table)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;

		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
		table[byte] = crc;
	}
}

static uint32_t crc32c(const uint8_t *data, size_t size)
{
	static uint32_t table[256];
	uint32_t crc = ~0U;

	if (!table[1])
		fill_crc_table(table);
	while (size--)
		crc = crc >> 8 ^ table[(crc ^ *data++) & 0xff];
	return ~crc;
}

static uint64_t expected_result(const struct run *run, unsigned int slot)
{
	size_t size = run->options->size;

	switch (run->options->operation) {
	case OP_NOP:
		return 0;
	case OP_CRC:
		return crc32c(from_of(run, slot), size);
	default:
		return size;
	}
}

/* The byte that a copy or a fill is to write */
static uint8_t expected_byte(const struct run *run, unsigned int slot, size_t i)
{
	if (run->options->operation == OP_COPY)
		return from_of(run, slot)[i];
	return pattern_of(run, slot) >> i % 8 * 8;
}

/* A copy that is good is compared faster */
static bool verify_data(struct run *run, unsigned int slot)
{
	enum operation operation = run->options->operation;
	const uint8_t *to = to_of(run, slot);
	size_t size = run->options->size;

	if (operation == OP_COPY && !memcmp(to, from_of(run, slot), size))
		return true;
	for (size_t i = 0; i < size; i++) {
		uint8_t expected = expected_byte(run, slot, i);

		if (to[i] != expected)
			return fail(EXIT_BAD,
				    "%s, command %llu: byte %zu is 0x%02x, expected 0x%02x",
				    operation_names[operation],
				    (unsigned long long)run->slots[slot].number,
				    i, to[i], expected);
	}
	return true;
}

bool verify_slot(struct run *run, unsigned int slot, uint64_t result)
{
	uint64_t expected = expected_result(run, slot);

	if (result != expected)
		return fail(EXIT_BAD,
			    "%s, command %llu: the result is 0x%llx, expected 0x%llx",
			    operation_names[run->options->operation],
			    (unsigned long long)run->slots[slot].number,
			    (unsigned long long)result,
			    (unsigned long long)expected);
	return !run->to.addr || verify_data(run, slot);
}
