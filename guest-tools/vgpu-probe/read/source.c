// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the functions of this machine or of a dump, and those among them
 * that were selected
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../error.h"
#include "../options.h"
#include "read.h"
#include "vgpu_stub.h"

/* More functions than a machine has; a dump may claim any number */
#define MAX_DEVICES	4096

/* Without a PCI bus libpci would try the I/O ports next */
static bool has_pci(struct pci_access *pacc)
{
	char *sysfs = pci_get_param(pacc, "sysfs.path");
	char path[300];

	if (pacc->method != PCI_ACCESS_AUTO &&
	    pacc->method != PCI_ACCESS_SYS_BUS_PCI)
		return true;
	snprintf(path, sizeof(path), "%s/devices", sysfs ? sysfs : "");
	return !access(path, R_OK);
}

static bool scan_bus(struct pci_access *pacc, const char *name)
{
	const char *copy;

	if (name) {
		copy = stage_dump(name);
		if (!copy)
			return false;
		pacc->method = PCI_ACCESS_DUMP;
		pci_set_param(pacc, "dump.name", (char *)copy);
	} else if (!has_pci(pacc)) {
		return true;
	}
	pci_init(pacc);
	pci_scan_bus(pacc);
	return true;
}

/*** Functions ***/

static int compare_functions(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return compare_slots(&x->slot, &y->slot);
}

static bool add_functions(struct source *source, struct pci_access *pacc)
{
	unsigned int count = 0;

	for (struct pci_dev *pci = pacc->devices; pci; pci = pci->next)
		count++;
	source->functions = calloc(count ? count : 1, sizeof(struct function));
	if (!source->functions)
		return out_of_memory();
	for (struct pci_dev *pci = pacc->devices; pci; pci = pci->next) {
		pci_fill_info(pci, PCI_FILL_IDENT | PCI_FILL_CLASS);
		source->functions[source->function_count++] = (struct function){
			.slot = { pci->domain, pci->bus, pci->dev, pci->func },
			.vendor = pci->vendor_id, .device = pci->device_id,
			.class = pci->device_class, .pci = pci,
		};
		source->domains |= pci->domain;
	}
	/* libpci lists in no order; the report is sorted as lspci's is */
	qsort(source->functions, source->function_count,
	      sizeof(struct function), compare_functions);
	return true;
}

static bool is_empty(struct pci_dev *pci)
{
	uint8_t byte;

	return !pci_read_block(pci, 0, &byte, 1);
}

/* libpci finds nothing wrong with a file that holds no dump at all */
static bool refuse_empty_dump(const struct source *source)
{
	for (unsigned int i = 0; i < source->function_count; i++)
		if (!is_empty(source->functions[i].pci))
			return true;
	return fail(EXIT_USAGE,
		    "%s: no configuration space in it; is it what 'lspci -x' or 'lspci -xxx' wrote?",
		    source->name);
}

/*** Selection ***/

/* A slot that the user names is shown whatever its IDs are */
static bool make_filter(struct pci_access *pacc, struct pci_filter *filter)
{
	char *message = NULL;

	pci_filter_init(pacc, filter);
	if (!opt.slot && !opt.id) {
		filter->vendor = VGPU_STUB_VENDOR_ID;
		filter->device = VGPU_STUB_DEVICE_ID;
		return true;
	}
	/* up to 3.7 libpci cuts the text that it parses */
	if (opt.slot)
		message = pci_filter_parse_slot(filter, strdupa(opt.slot));
	if (message)
		return fail(EXIT_USAGE, "-s %s: %s", opt.slot, message);
	if (opt.id)
		message = pci_filter_parse_id(filter, strdupa(opt.id));
	if (message)
		return fail(EXIT_USAGE, "-d %s: %s", opt.id, message);
	return true;
}

/* What was asked for, for messages */
const char *selection_text(void)
{
	static char text[160];

	if (opt.slot || opt.id)
		snprintf(text, sizeof(text), "matches%s%.64s%s%.64s",
			 opt.slot ? " -s " : "", opt.slot ? opt.slot : "",
			 opt.id ? " -d " : "", opt.id ? opt.id : "");
	else
		snprintf(text, sizeof(text), "%04x:%04x", VGPU_STUB_VENDOR_ID,
			 VGPU_STUB_DEVICE_ID);
	return text;
}

/*
 * libpci's pci_read_byte() and its kin answer 0xff for what cannot be read, so
 * only pci_read_block() is asked, which says whether it got everything. An
 * unprivileged reader gets 64 bytes of a device, a dump may end anywhere.
 */
static void read_config(struct pci_dev *pci, struct config *config)
{
	unsigned int step = HEADER_SIZE;

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

static struct device *new_device(const struct source *source,
				 const struct function *function,
				 struct pci_access *pacc)
{
	struct device *device = calloc(1, sizeof(*device));

	if (!device)
		return NULL;
	device->function = function;
	device->is_live = !source->name;
	read_config(function->pci, &device->config);
	walk_chain(&device->config, &device->chain);
	walk_ext_chain(&device->config, &device->ext_chain);
	if (device->is_live)
		read_kernel(pci_get_param(pacc, "sysfs.path"), &function->slot,
			    &device->kernel);
	if (opt.mmio)
		read_registers(device);
	return device;
}

static bool add_devices(struct source *source, struct pci_access *pacc)
{
	struct device **end = &source->devices;
	struct pci_filter filter;
	unsigned int count = 0;

	if (!make_filter(pacc, &filter))
		return false;
	for (unsigned int i = 0; i < source->function_count; i++) {
		const struct function *function = &source->functions[i];

		if (!pci_filter_match(&filter, function->pci))
			continue;
		if (++count > MAX_DEVICES)
			return fail(EXIT_USAGE, "more than %d devices match",
				    MAX_DEVICES);
		*end = new_device(source, function, pacc);
		if (!*end)
			return out_of_memory();
		end = &(*end)->next;
	}
	return true;
}

/*** All of it ***/

static void fill_source(void *data)
{
	struct source *source = data;
	struct pci_access *pacc = open_libpci(source->name);

	source->pacc = pacc;
	if (!pacc || !scan_bus(pacc, source->name) ||
	    !add_functions(source, pacc))
		return;
	if (source->name && !refuse_empty_dump(source))
		return;
	add_devices(source, pacc);
}

/* The dump of this name, or this machine if it is NULL */
bool open_source(struct source *source, const char *name)
{
	*source = (struct source){ .name = name };
	return call_libpci(fill_source, source);
}

void close_source(struct source *source)
{
	while (source->devices) {
		struct device *next = source->devices->next;

		free(source->devices);
		source->devices = next;
	}
	free(source->functions);
	if (source->pacc)
		pci_cleanup(source->pacc);
}
