// SPDX-License-Identifier: GPL-2.0-or-later
#include <endian.h>
#include <pthread.h>
#include <string.h>
#include "vgpu_engine.h"

#define POLYNOMIAL 0x82f63b78 /* 0x1edc6f41, reflected */

/* tables[n][b]: the effect of the byte b when n more bytes follow it */
static uint32_t tables[8][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t crc = b;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		tables[0][b] = crc;
	}
	for (int n = 1; n < 8; n++)
		for (uint32_t b = 0; b < 256; b++)
			tables[n][b] = tables[n - 1][b] >> 8 ^
				       tables[0][tables[n - 1][b] & 0xff];
}

static uint32_t eight_bytes(uint32_t crc, const unsigned char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	word = le64toh(word) ^ crc;
	crc = 0;
	for (int n = 0; n < 8; n++)
		crc ^= tables[7 - n][word >> 8 * n & 0xff];
	return crc;
}

uint32_t vgpu_crc32c(uint32_t crc, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	pthread_once(&once, make_tables);
	crc = ~crc;
	for (; len >= 8; len -= 8, p += 8)
		crc = eight_bytes(crc, p);
	for (; len; len--, p++)
		crc = crc >> 8 ^ tables[0][(crc ^ *p) & 0xff];
	return ~crc;
}
