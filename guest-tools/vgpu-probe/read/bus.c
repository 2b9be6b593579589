// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the kind of bus that a function is on, as far as bridges show it
 */
#include "read.h"

/* PCI Express 4.0, section 7.5.3.2: the type of the bridge's port, or -1 */
static int read_port(const struct config *config)
{
	static struct chain chain;
	const struct cap *express;

	walk_chain(config, &chain);
	express = find_cap(&chain, PCI_CAP_ID_EXP);
	if (!express || !config_has(config, express->offset + PCI_EXP_FLAGS, 2))
		return -1;
	return (config_get(config, express->offset + PCI_EXP_FLAGS, 2) &
		PCI_EXP_FLAGS_TYPE) >> 4;
}

/* Cache what is read, because a dump may have any number of bridges */
static bool read_bridge(struct function *f)
{
	static struct config config;

	if (f->class != PCI_CLASS_BRIDGE_PCI)
		return false;
	if (f->is_bridge_read)
		return true;
	f->is_bridge_read = true;
	f->port = f->secondary = -1;
	if (!read_config(f, CONFIG_SIZE, &config))
		return false;
	if (config_has(&config, PCI_SECONDARY_BUS, 1))
		f->secondary = config_get(&config, PCI_SECONDARY_BUS, 1);
	f->port = read_port(&config);
	return true;
}

static enum bus bus_below(int port)
{
	switch (port) {
	case PCI_EXP_TYPE_ROOT_PORT:
	case PCI_EXP_TYPE_DOWNSTREAM:
	case PCI_EXP_TYPE_PCIE_BRIDGE:
		return BUS_EXPRESS_PORT;
	case PCI_EXP_TYPE_PCI_BRIDGE:
		return BUS_CONVENTIONAL;
	}
	return BUS_UNKNOWN;
}

/* The bridge above the bus decides; only an Express root bus has root ports */
enum bus find_bus(const struct source *source, const struct slot *slot)
{
	enum bus bus = BUS_UNKNOWN;

	for (unsigned int i = 0; i < source->function_count; i++) {
		struct function *f = &source->functions[i];

		if (f->slot.domain != slot->domain || !read_bridge(f))
			continue;
		if (f->secondary == (int)slot->bus)
			return bus_below(f->port);
		if (f->slot.bus == slot->bus && f->port == PCI_EXP_TYPE_ROOT_PORT)
			bus = BUS_EXPRESS_ROOT;
	}
	return bus;
}
