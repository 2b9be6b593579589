// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QEMU's ivshmem-doorbell: a write to DOORBELL signals the peer's eventfd, and the
 * peer's answer is an MSI-X interrupt (QEMU's docs/specs/ivshmem-spec.rst). Linux has no
 * driver for it, so VFIO takes the interrupt.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

#define DOORBELL	(0x0c / 4)
#define PEER		(1 << 16)	/* bits 31:16 its ID, 15:0 the vector */

static volatile uint32_t *regs;
static int interrupt;

/* path: "GROUP,ADDRESS", as in "12,0000:00:07.0" */
static int open_device(const char *path)
{
	int container = open("/dev/vfio/vfio", O_RDWR);
	char group_path[64], address[32];
	int number, group;

	errno = EINVAL;
	if (sscanf(path, "%d,%31s", &number, address) != 2)
		die(path);
	snprintf(group_path, sizeof(group_path), "/dev/vfio/%d", number);
	group = open(group_path, O_RDWR);
	if (group < 0 || ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ||
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU))
		die(group_path);
	return ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address);
}

static void enable_interrupt(int device)
{
	char memory[sizeof(struct vfio_irq_set) + sizeof(interrupt)] = { 0 };
	struct vfio_irq_set *set = (struct vfio_irq_set *)memory;

	interrupt = eventfd(0, 0);
	set->argsz = sizeof(memory);
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	set->index = VFIO_PCI_MSIX_IRQ_INDEX;
	set->count = 1;
	memcpy(set->data, &interrupt, sizeof(interrupt));
	if (interrupt < 0 || ioctl(device, VFIO_DEVICE_SET_IRQS, set))
		die("MSI-X");
}

/* An interrupt message is a write to memory; VFIO leaves it to us to allow that */
static void enable_bus_master(int device)
{
	struct vfio_region_info config = {
		.argsz = sizeof(config), .index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &config) ||
	    pwrite(device, &command, sizeof(command),
		   config.offset + PCI_COMMAND) != sizeof(command))
		die("configuration space");
}

static void open_ivshmem(const char *path, unsigned int depth, size_t size)
{
	struct vfio_region_info bar0 = {
		.argsz = sizeof(bar0), .index = VFIO_PCI_BAR0_REGION_INDEX,
	};
	int device = open_device(path);

	(void)depth;
	(void)size;
	if (device < 0 || ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &bar0))
		die(path);
	regs = mmap(NULL, 256, PROT_READ | PROT_WRITE, MAP_SHARED, device, bar0.offset);
	if (regs == MAP_FAILED)
		die("BAR0");
	enable_bus_master(device);
	enable_interrupt(device);
}

static void submit(const unsigned int *slots, unsigned int count)
{
	(void)slots;
	(void)count;
	regs[DOORBELL] = PEER;
}

static unsigned int reap(unsigned int *slots)
{
	uint64_t value;

	if (read(interrupt, &value, sizeof(value)) != sizeof(value))
		die("eventfd");
	slots[0] = 0;
	return 1;
}

const struct target target_ivshmem = {
	.name = "ivshmem", .max_depth = 1,
	.open = open_ivshmem, .submit = submit, .reap = reap,
};
