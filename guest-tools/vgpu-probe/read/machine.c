// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the functions of this machine, through libpci
 */
#include <stdlib.h>
#include <unistd.h>

#include "../error.h"
#include "../options.h"
#include "read.h"

const char *sysfs_path(void)
{
	const char *path = pci_get_param(libpci, "sysfs.path");

	return path ? path : "";
}

/* Without a PCI bus libpci would try the I/O ports next */
static bool has_pci(void)
{
	char path[300];

	if (libpci->method != PCI_ACCESS_AUTO &&
	    libpci->method != PCI_ACCESS_SYS_BUS_PCI)
		return true;
	snprintf(path, sizeof(path), "%s/devices", sysfs_path());
	return !access(path, R_OK);
}

static unsigned int count_devices(void)
{
	unsigned int count = 0;

	for (struct pci_dev *pci = libpci->devices; pci; pci = pci->next)
		count++;
	return count;
}

static void add_function(struct source *source, struct pci_dev *pci)
{
	pci_fill_info(pci, PCI_FILL_IDENT | PCI_FILL_CLASS);
	source->functions[source->function_count++] = (struct function){
		.slot = { pci->domain, pci->bus, pci->dev, pci->func },
		.vendor = pci->vendor_id, .device = pci->device_id,
		.class = pci->device_class, .pci = pci,
	};
}

static void scan_bus(void *data)
{
	struct source *source = data;

	if (!has_pci())
		return;
	pci_init(libpci);
	pci_scan_bus(libpci);
	source->functions = calloc(count_devices() + 1,
				   sizeof(struct function));
	if (!source->functions) {
		out_of_memory();
		return;
	}
	for (struct pci_dev *pci = libpci->devices; pci; pci = pci->next)
		add_function(source, pci);
}

bool open_machine(struct source *source)
{
	return call_libpci(scan_bus, source);
}

/*** Configuration space ***/

struct reading {
	const struct function *function;
	struct config *config;
	unsigned int limit;
};

/*
 * pci_read_byte() and similar functions return 0xff for what cannot be read. Use
 * only pci_read_block(), which reports whether it read everything. The kernel
 * lets an ordinary user read 64 bytes.
 */
static void read_blocks(void *data)
{
	const struct reading *r = data;
	unsigned int step = HEADER_SIZE;

	while (r->config->len < r->limit) {
		if (pci_read_block(r->function->pci, r->config->len,
				   r->config->data + r->config->len, step))
			r->config->len += step;
		else if (step > 1)
			step = 1;
		else
			return;
	}
}

bool read_machine_config(const struct function *function, unsigned int limit,
			 struct config *config)
{
	struct reading reading = { function, config, limit };

	config->len = 0;
	return call_libpci(read_blocks, &reading);
}

/*** BAR0 in the kernel ***/

struct asking {
	const struct function *function;
	struct kernel *kernel;
};

/*
 * Only the kernel knows sizes; an access method that reads only the hardware
 * does not set them.
 */
static void ask_resource(void *data)
{
	const struct asking *a = data;
	struct pci_dev *pci = a->function->pci;
	int wanted = PCI_FILL_BASES | PCI_FILL_SIZES | PCI_FILL_IO_FLAGS;

	/* libpci's copy may be outdated */
	pci->known_fields &= ~wanted;
	a->kernel->resource_known =
		(pci_fill_info(pci, wanted) & wanted) == wanted;
	a->kernel->start = pci->base_addr[0] & PCI_ADDR_MEM_MASK;
	a->kernel->size = pci->size[0];
	a->kernel->flags = pci->flags[0];
}

/* For libpci, a missing or garbled file is an error; here it is unknown */
void read_resource(const struct function *function, struct kernel *kernel)
{
	struct asking asking = { function, kernel };

	kernel->resource_known = false;
	if (!ask_libpci(ask_resource, &asking))
		kernel->resource_known = false;
}
