// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: bounded reading of configuration space
 */
#include "probe.h"

/*
 * libpci's pci_read_byte() and its kin answer 0xff for what cannot be read, so
 * only pci_read_block() is asked, which says whether it got everything. An
 * unprivileged reader gets 64 bytes of a device, a dump may end anywhere.
 */
void read_config(struct pci_dev *pci, struct config *config)
{
	unsigned int step = HEADER_SIZE;

	config->len = 0;
	while (config->len < CONFIG_SIZE_EXP) {
		if (pci_read_block(pci, config->len,
				   config->data + config->len, step))
			config->len += step;
		else if (step > 1)
			step = 1;
		else
			return;
	}
}

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
