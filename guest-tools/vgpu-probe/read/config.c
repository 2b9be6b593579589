// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: bounded reading of configuration space
 */
#include "read.h"

bool config_has(const struct config *config, unsigned int offset,
		unsigned int width)
{
	return offset + width <= config->len;
}

/* Little-endian value of 1, 2 or 4 bytes; the caller knows that it is there */
uint32_t config_get(const struct config *config, unsigned int offset,
		    unsigned int width)
{
	uint32_t value = 0;

	while (width--)
		value = value << 8 | config->data[offset + width];
	return value;
}
