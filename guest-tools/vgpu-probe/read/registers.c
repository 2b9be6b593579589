// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the registers in BAR0 (--mmio)
 *
 * If the driver is bound, its sysfs files are read: root reads all registers, other
 * users those that have a file of their own. Otherwise BAR0 is mapped for reading,
 * unless a read could hang or reach something else. No register that is read has a
 * side effect on reading; doorbells and the registers of queues that a device does
 * not have count as bad accesses and are not read.
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
	[REG_CONTROL] = "control",
	[REG_QUEUES] = "queues",
	[REG_QUEUE_SIZE_MAX] = "queue_size_max",
	[REG_VECTORS] = "vectors",
	[REG_COMMAND_SETS] = "command_sets",
	[REG_EVENT_VECTOR] = "event_vector",
	[REG_EVENTS] = "events",
	[REG_LIST_MAX] = "list_max",
	[REG_BUFFERS_MAX] = "buffers_max",
	[REG_BUFFER_SEGMENTS_MAX] = "buffer_segments_max",
	[REG_SEGMENTS_MAX] = "segments_max",
	[REG_TRANSFER_MAX] = "transfer_max",
};

const unsigned int register_offsets[REG_COUNT] = {
	[REG_MAGIC] = VGPU_STUB_REG_MAGIC,
	[REG_VERSION] = VGPU_STUB_REG_VERSION,
	[REG_FEATURES] = VGPU_STUB_REG_FEATURES,
	[REG_STATUS] = VGPU_STUB_REG_STATUS,
	[REG_BAD_ACCESS] = VGPU_STUB_REG_BAD_ACCESS,
	[REG_CONTROL] = VGPU_STUB_REG_CONTROL,
	[REG_QUEUES] = VGPU_STUB_REG_QUEUES,
	[REG_QUEUE_SIZE_MAX] = VGPU_STUB_REG_QUEUE_SIZE_MAX,
	[REG_VECTORS] = VGPU_STUB_REG_VECTORS,
	[REG_COMMAND_SETS] = VGPU_STUB_REG_COMMAND_SETS,
	[REG_EVENT_VECTOR] = VGPU_STUB_REG_EVENT_VECTOR,
	[REG_EVENTS] = VGPU_STUB_REG_EVENTS,
	[REG_LIST_MAX] = VGPU_STUB_REG_LIST_MAX,
	[REG_BUFFERS_MAX] = VGPU_STUB_REG_BUFFERS_MAX,
	[REG_BUFFER_SEGMENTS_MAX] = VGPU_STUB_REG_BUFFER_SEGMENTS_MAX,
	[REG_SEGMENTS_MAX] = VGPU_STUB_REG_SEGMENTS_MAX,
	[REG_TRANSFER_MAX] = VGPU_STUB_REG_TRANSFER_MAX,
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

/*** Bytes of BAR0 ***/

/* One aligned 32-bit load: anything else is a bad access */
static uint32_t load(const volatile uint32_t *bar0, unsigned int offset)
{
	return le32toh(bar0[offset / VGPU_STUB_REG_SIZE]);
}

static uint64_t load_address(const volatile uint32_t *bar0, unsigned int offset)
{
	uint64_t high = load(bar0, offset + VGPU_STUB_REG_SIZE);

	return high << 32 | load(bar0, offset);
}

static void copy_registers(struct registers *regs,
			   const volatile uint32_t *bar0, int from, int to)
{
	for (int reg = from; reg < to; reg++)
		set_register(regs, reg, load(bar0, register_offsets[reg]));
}

static void copy_queue(struct queue *queue, const volatile uint32_t *bar0,
		       unsigned int at)
{
	*queue = (struct queue){
		.control = load(bar0, at + VGPU_STUB_QUEUE_CONTROL),
		.status = load(bar0, at + VGPU_STUB_QUEUE_STATUS),
		.size = load(bar0, at + VGPU_STUB_QUEUE_SIZE),
		.vector = load(bar0, at + VGPU_STUB_QUEUE_VECTOR),
		.sq = load_address(bar0, at + VGPU_STUB_QUEUE_SQ_LO),
		.cq = load_address(bar0, at + VGPU_STUB_QUEUE_CQ_LO),
		.index = load_address(bar0, at + VGPU_STUB_QUEUE_INDEX_LO),
	};
}

static void copy_queues(struct registers *regs, const volatile uint32_t *bar0)
{
	unsigned int count;

	copy_registers(regs, bar0, REG_COUNT_NO_QUEUES, REG_COUNT);
	count = regs->value[REG_QUEUES];
	if (count > VGPU_STUB_QUEUES_MAX)
		count = VGPU_STUB_QUEUES_MAX;
	for (unsigned int n = 0; n < count; n++)
		copy_queue(&regs->queues[n], bar0,
			   VGPU_STUB_WIN_QUEUE + n * VGPU_STUB_QUEUE_STRIDE);
	regs->queue_count = count;
}

static bool announces_queues(const struct registers *regs)
{
	return regs->known[REG_FEATURES] && regs->known[REG_MAGIC] &&
	       regs->value[REG_MAGIC] == VGPU_STUB_MAGIC &&
	       regs->value[REG_FEATURES] & VGPU_STUB_FEATURE_QUEUES;
}

static void copy_all(struct registers *regs, const volatile uint32_t *bar0)
{
	copy_registers(regs, bar0, 0, REG_COUNT_NO_QUEUES);
	if (announces_queues(regs))
		copy_queues(regs, bar0);
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
	/* keep the first reason; the others fail for the same one */
	if (!regs->why[0])
		snprintf(regs->why, sizeof(regs->why),
			 "the driver's file %s: %s", register_names[reg],
			 errno ? strerror(errno) : "no number in it");
}

/* The file has the bytes of BAR0 up to the doorbells */
static bool read_all_driver_registers(struct device *device)
{
	static uint32_t bar0[VGPU_STUB_WIN_DOORBELL / VGPU_STUB_REG_SIZE];
	char path[400];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/" DRIVER_NAME "/registers",
		 device->kernel.dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	errno = 0;
	len = read(fd, bar0, sizeof(bar0));
	close(fd);
	if (len != sizeof(bar0))
		return false;
	copy_all(&device->registers, bar0);
	return true;
}

static const char *queues_obstacle(int error)
{
	switch (error) {
	case 0:
		return "the driver's file registers has another size";
	case ENOENT:
		return "the loaded driver is older than this tool";
	default:
		return strerror(error);
	}
}

/*
 * The driver has no file for MAGIC alone. It checks it when it binds and at every read
 * of a file, so a successful read means that it is right.
 */
static void ask_driver(struct device *device)
{
	struct registers *regs = &device->registers;
	int error;

	regs->source = "driver";
	if (read_all_driver_registers(device))
		return;
	error = errno;
	for (int reg = REG_VERSION; reg < REG_COUNT_NO_QUEUES; reg++)
		read_driver_file(device, reg);
	if (regs->known[REG_VERSION])
		set_register(regs, REG_MAGIC, VGPU_STUB_MAGIC);
	if (announces_queues(regs))
		snprintf(regs->queues_why, sizeof(regs->queues_why), "%s",
			 queues_obstacle(error));
}

/*** Through BAR0 ***/

static unsigned int power_state(const struct device *device,
				const struct config *config)
{
	const struct cap *pm = find_cap(&device->chain, PCI_CAP_ID_PM);

	if (!pm || !config_has(config, pm->offset + PCI_PM_CTRL, 2))
		return 0;
	return config_get(config, pm->offset + PCI_PM_CTRL, 2) &
	       PCI_PM_CTRL_STATE_MASK;
}

/* Configuration space and the kernel show the same device, and it is ours */
static const char *id_obstacle(const struct config *config,
			       const struct kernel *kernel)
{
	unsigned int vendor, device;

	if (!config_has(config, 0, HEADER_SIZE))
		return "configuration space cannot be read";
	vendor = config_get(config, PCI_VENDOR_ID, 2);
	device = config_get(config, PCI_DEVICE_ID, 2);
	if (vendor != VGPU_STUB_VENDOR_ID || device != VGPU_STUB_DEVICE_ID)
		return "this is another device, its BAR0 is not read";
	if (!kernel->present)
		return "the kernel has no such device";
	if (kernel->vendor != vendor || kernel->device != device)
		return "the kernel has another device there";
	return NULL;
}

static const char *address_obstacle(const struct config *config,
				    const struct kernel *kernel)
{
	uint32_t bar = config_get(config, PCI_BASE_ADDRESS_0, 4);

	if (!kernel->resource_known)
		return "sysfs has no resource of BAR0";
	if (bar & PCI_BASE_ADDRESS_SPACE)
		return "BAR0 is not memory";
	if (kernel->size < VGPU_STUB_BAR0_SIZE || !kernel->start)
		return "BAR0 is too small or not assigned";
	if ((bar & PCI_BASE_ADDRESS_MEM_MASK) != kernel->start)
		return "the kernel has another address for BAR0; remove the device and rescan the bus";
	return NULL;
}

static const char *state_obstacle(const struct device *device,
				  const struct config *config,
				  const struct kernel *kernel)
{
	if (kernel->driver[0] && strcmp(kernel->driver, DRIVER_NAME))
		return "another driver has the device";
	if (!(config_get(config, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY))
		return "memory decoding is off; load the driver";
	if (power_state(device, config))
		return "the function is not in D0";
	return NULL;
}

/*
 * Why BAR0 must not be read, or NULL. Checks both the device and the kernel,
 * because a read of an address that the device does not decode reaches something
 * else.
 */
static const char *bar0_obstacle(const struct device *device)
{
	static struct config config;
	static struct kernel kernel;
	const char *why;

	if (!read_config(device->function, CONFIG_SIZE, &config))
		return "configuration space cannot be read";
	read_kernel(device->function, &kernel);
	why = id_obstacle(&config, &kernel);
	if (!why)
		why = address_obstacle(&config, &kernel);
	return why ? why : state_obstacle(device, &config, &kernel);
}

/* NULL if it cannot be mapped; errno has the reason */
static void *map_bar0(const struct device *device)
{
	char path[400];
	void *bar0;
	int fd;

	snprintf(path, sizeof(path), "%s/resource0", device->kernel.dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	bar0 = mmap(NULL, VGPU_STUB_BAR0_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return bar0 == MAP_FAILED ? NULL : bar0;
}

static void ask_bar0(struct device *device)
{
	struct registers *regs = &device->registers;
	const char *why = bar0_obstacle(device);
	void *bar0 = why ? NULL : map_bar0(device);

	if (why)
		return refuse(regs, why);
	if (!bar0) {
		snprintf(regs->why, sizeof(regs->why),
			 "the kernel refuses BAR0: %s", strerror(errno));
		return;
	}
	regs->source = "bar0";
	copy_all(regs, bar0);
	munmap(bar0, VGPU_STUB_BAR0_SIZE);
}

void read_registers(struct device *device)
{
	const char *why = id_obstacle(&device->config, &device->kernel);

	if (why)
		return refuse(&device->registers, why);
	if (strcmp(device->kernel.driver, DRIVER_NAME))
		return ask_bar0(device);
	ask_driver(device);
}
