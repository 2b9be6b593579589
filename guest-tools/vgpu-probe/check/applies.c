// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the devices to which a check applies
 */
#include "../options.h"
#include "check.h"
#include "vgpu_stub_config.h"

bool is_live(const struct device *device)
{
	return !device->source->name;
}

bool is_driven(const struct device *device)
{
	return device->kernel.driver[0];
}

bool is_express(const struct device *device)
{
	return form_of(device) & VGPU_STUB_FORM_EXPRESS;
}

/* A dump may not have it, and some buses hide it from the kernel */
bool has_ext_space(const struct device *device)
{
	return is_express(device) && device->config.len > CONFIG_SIZE;
}

/* Linux 5.11 and later */
bool tells_power_state(const struct device *device)
{
	return device->kernel.power_state[0];
}

/* Linux 5.15 and later, and only for a device that can be reset */
bool tells_reset_method(const struct device *device)
{
	return device->kernel.present &&
	       (device->kernel.reset_method[0] || !device->kernel.resettable);
}

bool wants_registers(const struct device *device)
{
	return is_live(device) && opt.mmio;
}

bool has_mediator(const struct device *device)
{
	const struct registers *regs = &device->registers;

	return wants_registers(device) && regs->known[REG_FEATURES] &&
	       regs->value[REG_FEATURES] & VGPU_STUB_FEATURE_MEDIATOR;
}

bool lacks_mediator(const struct device *device)
{
	return wants_registers(device) && !has_mediator(device);
}

/* If the driver is bound, it shows them to root only */
bool knows_queues(const struct device *device)
{
	return device->registers.known[REG_QUEUES];
}
