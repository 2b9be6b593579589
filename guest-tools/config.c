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
	unsigned int step = 64;

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

static void stop_chain(struct chain *chain, enum chain_state state,
		       unsigned int where, const char *why)
{
	chain->state = state;
	chain->where = where;
	chain->why = why;
}

static bool seen_before(const struct chain *chain, unsigned int offset)
{
	for (unsigned int i = 0; i < chain->count; i++)
		if (chain->caps[i].offset == offset)
			return true;
	return false;
}

/* The fault of a pointer to a capability, NULL where it has none */
static const char *pointer_fault(const struct chain *chain, unsigned int next)
{
	if (next < 0x40)
		return "points into the header";
	if (next & 3)
		return "is misaligned";
	if (seen_before(chain, next))
		return "loops back";
	return NULL;
}

/* PCI Local Bus 3.0, section 6.7 */
void walk_chain(const struct config *config, struct chain *chain)
{
	unsigned int where = PCI_CAPABILITY_LIST;
	const char *fault;

	*chain = (struct chain){ .state = CHAIN_GOOD };
	for (;;) {
		unsigned int next;

		if (!config_has(config, where, 1))
			return stop_chain(chain, CHAIN_UNREADABLE, where, NULL);
		next = config_get(config, where, 1);
		if (!next)
			return;
		fault = pointer_fault(chain, next);
		if (fault)
			return stop_chain(chain, CHAIN_BROKEN, where, fault);
		if (!config_has(config, next, 2))
			return stop_chain(chain, CHAIN_UNREADABLE, next, NULL);
		if (config_get(config, next, 1) == 0xff)
			return stop_chain(chain, CHAIN_BROKEN, next,
					  "is an ID that reads as all ones");
		chain->caps[chain->count++] = (struct cap){
			.id = config_get(config, next, 1),
			.offset = next,
		};
		where = next + PCI_CAP_LIST_NEXT;
	}
}

const struct cap *find_cap(const struct chain *chain, uint8_t id)
{
	for (unsigned int i = 0; i < chain->count; i++)
		if (chain->caps[i].id == id)
			return &chain->caps[i];
	return NULL;
}
