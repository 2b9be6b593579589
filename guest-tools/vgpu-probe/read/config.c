// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: bounded reading of configuration space
 */
#include <string.h>

#include "read.h"

/* At most "limit" bytes of a function's configuration space */
bool read_config(const struct function *function, unsigned int limit,
		 struct config *config)
{
	if (function->pci)
		return read_machine_config(function, limit, config);
	config->len = function->len < limit ? function->len : limit;
	memcpy(config->data, function->data, config->len);
	return true;
}

bool config_has(const struct config *config, unsigned int offset,
		unsigned int width)
{
	return offset + width <= config->len;
}

/* Little-endian value of 1, 2 or 4 bytes, which must have been read */
uint32_t config_get(const struct config *config, unsigned int offset,
		    unsigned int width)
{
	uint32_t value = 0;

	while (width--)
		value = value << 8 | config->data[offset + width];
	return value;
}

static bool is_filled(const struct config *config, unsigned int from,
		      unsigned int to, uint8_t byte)
{
	for (unsigned int i = from; i < to && i < config->len; i++)
		if (config->data[i] != byte)
			return false;
	return true;
}

/*
 * What a function that does not respond reads as, or NULL if it responds. An
 * SR-IOV virtual function has IDs of all ones, but its other fields respond.
 */
const char *silence_of(const struct config *config)
{
	if (config->len < 4)
		return NULL;
	if (is_filled(config, 0, HEADER_SIZE, 0xff))
		return "all ones";
	if (is_filled(config, 0, HEADER_SIZE, 0x00))
		return "all zeros";
	if (config_has(config, PCI_HEADER_TYPE, 1) &&
	    (config_get(config, PCI_HEADER_TYPE, 1) & 0x7f) == 0x7f)
		return "header type 7f";
	return NULL;
}

bool is_silent_behind_header(const struct config *config)
{
	return config->len > HEADER_SIZE + 4 &&
	       is_filled(config, HEADER_SIZE, CONFIG_SIZE, 0xff);
}
