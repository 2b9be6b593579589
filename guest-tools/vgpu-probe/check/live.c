// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the checks of the kernel's view and of the registers
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "vgpu_stub.h"

/* include/linux/ioport.h: the flags in the third column of "resource" */
#define IORESOURCE_MEM		0x00000200
#define IORESOURCE_PREFETCH	0x00002000

static bool has_config(const struct device *device, struct finding *finding,
		       unsigned int offset, unsigned int width)
{
	if (config_has(&device->config, offset, width))
		return true;
	found(finding, RESULT_UNKNOWN, "not readable");
	return false;
}

static bool has_resource(const struct device *device, struct finding *finding)
{
	if (device->kernel.resource_known)
		return true;
	found(finding, RESULT_UNKNOWN, "not in sysfs");
	return false;
}

static void found_number(struct finding *finding, bool good, uint64_t value)
{
	found(finding, good ? RESULT_PASS : RESULT_FAIL, "0x%" PRIx64, value);
}

CHECK_FUNCTION(check_kernel_ids)
{
	const struct kernel *kernel = &device->kernel;
	const struct {
		const char *name;
		unsigned int offset, width;
		long long value;
	} ids[] = {
		{ "vendor", PCI_VENDOR_ID, 2, kernel->vendor },
		{ "device", PCI_DEVICE_ID, 2, kernel->device },
		{ "revision", PCI_REVISION_ID, 1, kernel->revision },
		{ "class", PCI_CLASS_PROG, 3, kernel->class },
		{ "subsystem_vendor", PCI_SUBSYSTEM_VENDOR_ID, 2,
		  kernel->subsystem_vendor },
		{ "subsystem_device", PCI_SUBSYSTEM_ID, 2,
		  kernel->subsystem_device },
	};

	(void)check;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		uint32_t value;

		if (ids[i].value < 0)
			return found(finding, RESULT_UNKNOWN, "no %s in sysfs",
				     ids[i].name);
		if (!has_config(device, finding, ids[i].offset, ids[i].width))
			return;
		value = config_get(&device->config, ids[i].offset, ids[i].width);
		if (value != ids[i].value)
			return found(finding, RESULT_FAIL,
				     "%s 0x%llx, the device says 0x%x",
				     ids[i].name, ids[i].value, value);
	}
	found(finding, RESULT_PASS, "the same");
}

CHECK_FUNCTION(check_bar0_assigned)
{
	(void)check;
	if (!has_resource(device, finding))
		return;
	if (!device->kernel.flags)
		return found(finding, RESULT_FAIL, "no BAR0");
	found_number(finding, device->kernel.start, device->kernel.start);
}

CHECK_FUNCTION(check_bar0_size)
{
	(void)check;
	if (has_resource(device, finding))
		found_number(finding,
			     device->kernel.size == VGPU_STUB_BAR0_SIZE,
			     device->kernel.size);
}

CHECK_FUNCTION(check_bar0_resource)
{
	const struct kernel *kernel = &device->kernel;
	uint32_t bar;

	(void)check;
	if (!has_resource(device, finding) ||
	    !has_config(device, finding, PCI_BASE_ADDRESS_0, 4))
		return;
	bar = config_get(&device->config, PCI_BASE_ADDRESS_0, 4) & ~0xfU;
	if ((kernel->flags & (IORESOURCE_MEM | IORESOURCE_PREFETCH)) !=
	    IORESOURCE_MEM)
		return found(finding, RESULT_FAIL, "flags 0x%" PRIx64,
			     kernel->flags);
	if (bar != kernel->start)
		return found(finding, RESULT_FAIL,
			     "0x%" PRIx64 ", BAR0 says 0x%x", kernel->start,
			     bar);
	found_number(finding, true, kernel->start);
}

/* Drivers that pass the device on to something else are fine */
CHECK_FUNCTION(check_driver)
{
	static const char *const good[] = {
		DRIVER_NAME, "vfio-pci", "pci-stub", "uio_pci_generic",
		"xen-pciback",
	};
	const char *driver = device->kernel.driver;

	(void)check;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!strcmp(driver, good[i]))
			return found(finding, RESULT_PASS, "%s", driver);
	found(finding, RESULT_FAIL, "%s", driver);
}

static bool has_our_driver(const struct device *device)
{
	return !strcmp(device->kernel.driver, DRIVER_NAME);
}

/* Only our own driver is known to keep the device enabled */
CHECK_FUNCTION(check_enabled)
{
	long long count = device->kernel.enable;

	(void)check;
	if (count < 0)
		return found(finding, RESULT_UNKNOWN, "not in sysfs");
	found(finding, count > 0 || !has_our_driver(device) ?
	      RESULT_PASS : RESULT_FAIL, "%lld", count);
}

CHECK_FUNCTION(check_decoded)
{
	uint32_t command;

	if (!has_config(device, finding, PCI_COMMAND, 2))
		return;
	command = config_get(&device->config, PCI_COMMAND, 2) & check->mask;
	found(finding, command || !has_our_driver(device) ?
	      RESULT_PASS : RESULT_FAIL, "0x%04x", command);
}

/* The kernel shows "unknown" for a device that no driver has enabled */
CHECK_FUNCTION(check_power_state)
{
	static const char *const names[] = { "D0", "D1", "D2", "D3hot" };
	const struct cap *pm = find_cap(&device->chain, PCI_CAP_ID_PM);
	const char *kernel = device->kernel.power_state;
	const char *state;

	(void)check;
	if (!pm || !config_has(&device->config, pm->offset + PCI_PM_CTRL, 2))
		return found(finding, RESULT_UNKNOWN,
			     "%s in the kernel, the device's is not readable",
			     kernel);
	state = names[config_get(&device->config, pm->offset + PCI_PM_CTRL, 2) &
		      PCI_PM_CTRL_STATE_MASK];
	if (!strcmp(kernel, "unknown"))
		return found(finding, RESULT_PASS, "%s, no driver asked for any",
			     state);
	found(finding, !strcmp(kernel, state) ? RESULT_PASS : RESULT_FAIL,
	      "%s in the kernel, %s in the device", kernel, state);
}

CHECK_FUNCTION(check_interrupts)
{
	const struct kernel *kernel = &device->kernel;

	(void)check;
	if (kernel->irq < 0 || kernel->msi < 0)
		return found(finding, RESULT_UNKNOWN, "not in sysfs");
	if (kernel->irq || kernel->msi)
		return found(finding, RESULT_FAIL, "IRQ %lld, %lld MSI vectors",
			     kernel->irq, kernel->msi);
	found(finding, RESULT_PASS, "none");
}

/* The kernel's vectors exist in the device only while MSI-X is enabled there */
CHECK_FUNCTION(check_vectors)
{
	const struct kernel *kernel = &device->kernel;
	int control = msix_control(device), size = control & PCI_MSIX_TABSIZE;

	(void)check;
	if (kernel->irq < 0 || kernel->msi < 0)
		return found(finding, RESULT_UNKNOWN, "not in sysfs");
	if (kernel->irq)
		return found(finding, RESULT_FAIL, "IRQ %lld", kernel->irq);
	if (!kernel->msi)
		return found(finding, RESULT_PASS, "none");
	if (control < 0)
		return found(finding, RESULT_UNKNOWN,
			     "%lld vectors, and MSI-X is not readable",
			     kernel->msi);
	if (!(control & PCI_MSIX_ENABLE))
		return found(finding, RESULT_FAIL,
			     "%lld vectors, and MSI-X is off in the device",
			     kernel->msi);
	found(finding, kernel->msi <= size + 1 ? RESULT_PASS : RESULT_FAIL,
	      "%lld of %d vectors", kernel->msi, size + 1);
}

CHECK_FUNCTION(check_reset_method)
{
	const char *methods = device->kernel.reset_method;

	(void)check;
	if (!methods[0])
		return found(finding, RESULT_FAIL, "none");
	found(finding, strstr(methods, "flr") ? RESULT_PASS : RESULT_FAIL, "%s",
	      methods);
}

CHECK_FUNCTION(check_register)
{
	const struct registers *regs = &device->registers;
	uint32_t value = regs->value[check->detail];

	if (!regs->known[check->detail])
		return found(finding, RESULT_UNKNOWN, "%s", regs->why);
	found(finding, (value & check->mask) == check->expected ?
	      RESULT_PASS : RESULT_FAIL, "0x%08x", value);
}
