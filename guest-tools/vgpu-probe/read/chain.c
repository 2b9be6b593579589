// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the two lists of capabilities
 *
 * Every pointer is checked before it is followed, and no offset is visited
 * twice, so a walk ends whatever the bytes are.
 */
#include "read.h"

static void stop_chain(struct chain *chain, enum chain_fault fault,
		       unsigned int where, unsigned int value)
{
	chain->fault = fault;
	chain->where = where;
	chain->value = value;
}

static bool seen_before(const struct chain *chain, unsigned int offset)
{
	for (unsigned int i = 0; i < chain->count; i++)
		if (chain->caps[i].offset == offset)
			return true;
	return false;
}

static enum chain_fault pointer_fault(const struct chain *chain,
				      unsigned int next, unsigned int lowest)
{
	if (next < lowest)
		return CHAIN_BOUNDS;
	if (next & 3)
		return CHAIN_ALIGNMENT;
	if (seen_before(chain, next))
		return CHAIN_LOOP;
	return CHAIN_SOUND;
}

static void add_cap(struct chain *chain, unsigned int id, unsigned int offset,
		    unsigned int version)
{
	chain->caps[chain->count++] = (struct cap){
		.id = id, .offset = offset, .version = version,
	};
}

/* PCI Local Bus 3.0, section 6.7 */
void walk_chain(const struct config *config, struct chain *chain)
{
	unsigned int where = PCI_CAPABILITY_LIST, next, id;
	enum chain_fault fault;

	chain->count = 0;
	for (;;) {
		if (!config_has(config, where, 1))
			return stop_chain(chain, CHAIN_UNREADABLE, where, 0);
		next = config_get(config, where, 1);
		if (!next)
			return stop_chain(chain, CHAIN_SOUND, where, 0);
		fault = pointer_fault(chain, next, HEADER_SIZE);
		if (fault)
			return stop_chain(chain, fault, where, next);
		if (!config_has(config, next, 2))
			return stop_chain(chain, CHAIN_UNREADABLE, next, 0);
		id = config_get(config, next, 1);
		if (id == 0xff)
			return stop_chain(chain, CHAIN_ID, next, id);
		add_cap(chain, id, next, 0);
		where = next + PCI_CAP_LIST_NEXT;
	}
}

/* An empty list is a header of zeros, or ID ffff without a next capability */
static bool is_ext_end(const struct chain *chain, uint32_t header)
{
	return !chain->count && (!header || header == 0x0000ffff);
}

/* PCI Express 4.0, section 7.6.3 */
void walk_ext_chain(const struct config *config, struct chain *chain)
{
	unsigned int where = CONFIG_SIZE, next = CONFIG_SIZE;
	enum chain_fault fault;
	uint32_t header;

	chain->count = 0;
	do {
		fault = pointer_fault(chain, next, CONFIG_SIZE);
		if (fault)
			return stop_chain(chain, fault, where, next);
		if (!config_has(config, next, 4))
			return stop_chain(chain, CHAIN_UNREADABLE, next, 0);
		header = config_get(config, next, 4);
		if (is_ext_end(chain, header))
			break;
		if (header == 0xffffffff)
			return stop_chain(chain, CHAIN_ID, next, header);
		add_cap(chain, header & 0xffff, next, header >> 16 & 0xf);
		where = next;
		next = header >> 20;
	} while (next);
	stop_chain(chain, CHAIN_SOUND, where, 0);
}

/* A walk that ends at a loop has visited the whole list */
bool is_complete(const struct chain *chain)
{
	return chain->fault == CHAIN_SOUND || chain->fault == CHAIN_LOOP;
}

const struct cap *find_cap(const struct chain *chain, uint16_t id)
{
	for (unsigned int i = 0; i < chain->count; i++)
		if (chain->caps[i].id == id)
			return &chain->caps[i];
	return NULL;
}
