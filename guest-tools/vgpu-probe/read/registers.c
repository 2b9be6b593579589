// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the registers in BAR0 (--mmio)
 *
 * Where the driver is bound it is asked, through its sysfs files. Elsewhere BAR0
 * is mapped for reading, after everything was looked at that could make a read
 * hang or reach something else. No register has a side effect on reading.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "read.h"
#include "vgpu_stub.h"

const char *const register_names[REG_COUNT] = {
	[REG_MAGIC] = "magic",
	[REG_VERSION] = "version",
	[REG_FEATURES] = "features",
	[REG_STATUS] = "status",
	[REG_BAD_ACCESS] = "bad_access_count",
};

static const unsigned int register_offsets[REG_COUNT] = {
	[REG_MAGIC] = VGPU_STUB_REG_MAGIC,
	[REG_VERSION] = VGPU_STUB_REG_VERSION,
	[REG_FEATURES] = VGPU_STUB_REG_FEATURES,
	[REG_STATUS] = VGPU_STUB_REG_STATUS,
	[REG_BAD_ACCESS] = VGPU_STUB_REG_BAD_ACCESS,
};

static void refuse(struct registers *regs, const char *why)
{
	snprintf(regs->why, sizeof(regs->why), "%s", why);
}

static void set_register(struct registers *regs, int reg, uint32_t value)
{
	regs->known[reg] = true;
	regs->value[reg] = value;
}

/*** Through the driver ***/

static bool parse_register(int reg, const char *text, uint32_t *value)
{
	unsigned int major, minor;
	char *end;

	if (reg == REG_VERSION) {
		if (sscanf(text, "%u.%u", &major, &minor) != 2)
			return false;
		*value = major << 16 | (minor & 0xffff);
		return true;
	}
	*value = strtoul(text, &end, 0);
	return end != text;
}

static void read_driver_file(struct device *device, int reg)
{
	struct registers *regs = &device->registers;
	char path[400], text[64];
	uint32_t value;

	snprintf(path, sizeof(path), "%s/" DRIVER_NAME "/%s", device->kernel.dir,
		 register_names[reg]);
	errno = 0;
	if (read_text(path, text, sizeof(text)) &&
	    parse_register(reg, text, &value))
		return set_register(regs, reg, value);
	/* the first tells why, the others fail for the same reason */
	if (!regs->why[0])
		snprintf(regs->why, sizeof(regs->why),
			 "the driver's file %s: %s", register_names[reg],
			 errno ? strerror(errno) : "no number in it");
}

/*
 * The driver shows no magic. It looks at it when it is bound and at every read
 * of a file, so an answer says that it is right.
 */
static void ask_driver(struct device *device)
{
	struct registers *regs = &device->registers;

	regs->source = "driver";
	for (int reg = REG_VERSION; reg < REG_COUNT; reg++)
		read_driver_file(device, reg);
	if (regs->known[REG_VERSION])
		set_register(regs, REG_MAGIC, VGPU_STUB_MAGIC);
}

/*** Through BAR0 ***/

static unsigned int power_state(const struct device *device)
{
	const struct cap *pm = find_cap(&device->chain, PCI_CAP_ID_PM);

	if (!pm || !config_has(&device->config, pm->offset + PCI_PM_CTRL, 2))
		return 0;
	return config_get(&device->config, pm->offset + PCI_PM_CTRL, 2) &
	       PCI_PM_CTRL_STATE_MASK;
}

static bool is_ours(const struct config *config)
{
	return config_has(config, PCI_BASE_ADDRESS_0, 4) &&
	       config_get(config, PCI_VENDOR_ID, 2) == VGPU_STUB_VENDOR_ID &&
	       config_get(config, PCI_DEVICE_ID, 2) == VGPU_STUB_DEVICE_ID;
}

/* Why BAR0 must not be read, or NULL */
static const char *bar0_obstacle(const struct device *device)
{
	const struct config *config = &device->config;
	const struct kernel *kernel = &device->kernel;

	if (!is_ours(config))
		return "this is another device, its BAR0 is not read";
	if (!kernel->present || !kernel->resource_known)
		return "the kernel tells nothing of BAR0";
	if (config_get(config, PCI_BASE_ADDRESS_0, 4) & PCI_BASE_ADDRESS_SPACE)
		return "BAR0 is not memory";
	if (kernel->size < VGPU_STUB_BAR0_SIZE)
		return "BAR0 is too small or not assigned";
	if (kernel->driver[0])
		return "another driver has the device";
	if (!(config_get(config, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY))
		return "memory decoding is off; load the driver";
	if (power_state(device))
		return "the function is not in D0";
	return NULL;
}

/* One aligned 32-bit load each: anything else is a bad access */
static void copy_registers(struct registers *regs,
			   const volatile uint32_t *bar0)
{
	regs->source = "bar0";
	for (int reg = 0; reg < REG_COUNT; reg++)
		set_register(regs, reg,
			     le32toh(bar0[register_offsets[reg] /
					  VGPU_STUB_REG_SIZE]));
}

static void map_bar0(struct device *device)
{
	struct registers *regs = &device->registers;
	char path[400];
	void *bar0;
	int fd;

	snprintf(path, sizeof(path), "%s/resource0", device->kernel.dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	bar0 = fd < 0 ? MAP_FAILED : mmap(NULL, VGPU_STUB_BAR0_SIZE, PROT_READ,
					  MAP_SHARED, fd, 0);
	if (bar0 == MAP_FAILED)
		snprintf(regs->why, sizeof(regs->why),
			 "the kernel refuses BAR0: %s", strerror(errno));
	else
		copy_registers(regs, bar0);
	if (bar0 != MAP_FAILED)
		munmap(bar0, VGPU_STUB_BAR0_SIZE);
	if (fd >= 0)
		close(fd);
}

void read_registers(struct device *device)
{
	const char *obstacle;

	if (!strcmp(device->kernel.driver, DRIVER_NAME))
		return ask_driver(device);
	obstacle = bar0_obstacle(device);
	if (obstacle)
		return refuse(&device->registers, obstacle);
	map_bar0(device);
}
