// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: read everything about one function
 */
#include "../error.h"
#include "../options.h"
#include "read.h"

/* sysfs first, because libpci keeps configuration space open */
bool read_device(const struct source *source, const struct function *function,
		 struct device *device)
{
	*device = (struct device){ .source = source, .function = function };
	if (!source->name)
		read_kernel(function, &device->kernel);
	if (!read_config(function, CONFIG_SIZE_EXP, &device->config))
		return false;
	walk_chain(&device->config, &device->chain);
	walk_ext_chain(&device->config, &device->ext_chain);
	device->bus = find_bus(source, &function->slot);
	if (opt.mmio)
		read_registers(device);
	return !has_failed();
}
