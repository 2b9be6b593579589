// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: devices through libpci, of this machine or of a dump
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"
#include "vgpu_stub.h"

/* More functions than a machine has; a dump may claim any number */
#define MAX_DEVICES	4096

static const struct source *current;	/* whose libpci may complain */

/* libpci's own would print a line in its own form and exit with 1 */
static void __attribute__((noreturn, format(printf, 1, 2)))
libpci_error(char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (current && current->name)
		finish_error(EXIT_USAGE, "%s: %s", current->name, text);
	finish_error(EXIT_USAGE, "%s", text);
}

/* It speaks of single reads that fail, which the report tells by itself */
static void __attribute__((format(printf, 1, 2)))
libpci_warning(char *fmt, ...)
{
	(void)fmt;
}

/* -G; libpci's own would go to standard output, between the report's lines */
static void __attribute__((format(printf, 1, 2)))
libpci_debug(char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
}

static void list_methods(void)
{
	const char *name;

	puts("Known PCI access methods:\n");
	for (int i = 0; (name = pci_get_method_name(i)); i++)
		if (name[0])
			puts(name);
	exit(EXIT_PASSED);
}

static void set_method(struct pci_access *pacc)
{
	int method;

	if (!strcmp(opt.method, "help"))
		list_methods();
	method = pci_lookup_method((char *)opt.method);
	if (method < 0)
		finish_error(EXIT_USAGE, "-A %s: no such access method, see -A help",
			     opt.method);
	pacc->method = method;
}

static void list_params(struct pci_access *pacc)
{
	struct pci_param *param = NULL;

	puts("Known PCI access parameters:\n");
	while ((param = pci_walk_params(pacc, param)))
		printf("%-20s %s (%s)\n", param->param, param->help,
		       param->value);
	exit(EXIT_PASSED);
}

static void set_param(struct pci_access *pacc, const char *text)
{
	char name[64];
	const char *value = strchr(text, '=');

	if (!strcmp(text, "help"))
		list_params(pacc);
	if (!value || (size_t)(value - text) >= sizeof(name))
		finish_error(EXIT_USAGE, "-O %s: not of the form NAME=VALUE",
			     text);
	snprintf(name, sizeof(name), "%.*s", (int)(value - text), text);
	if (pci_set_param(pacc, name, (char *)value + 1) < 0)
		finish_error(EXIT_USAGE, "-O %s: no such parameter, see -O help",
			     text);
}

static void set_names(struct pci_access *pacc)
{
	if (access(opt.ids_path, R_OK))
		finish_error(EXIT_USAGE, "-i %s: %s", opt.ids_path,
			     strerror(errno));
	pci_set_name_list_path(pacc, (char *)opt.ids_path, 0);
}

static void apply_options(struct pci_access *pacc)
{
	if (opt.method)
		set_method(pacc);
	for (unsigned int i = 0; i < opt.param_count; i++)
		set_param(pacc, opt.params[i]);
	if (opt.ids_path)
		set_names(pacc);
	pacc->numeric_ids = opt.numeric;
	pacc->debugging = opt.debug;
}

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

void open_source(struct source *source)
{
	struct pci_access *pacc = pci_alloc();

	current = source;
	source->pacc = pacc;
	pacc->error = libpci_error;
	pacc->warning = libpci_warning;
	pacc->debug = libpci_debug;
	apply_options(pacc);
	if (source->name) {
		pacc->method = PCI_ACCESS_DUMP;
		pci_set_param(pacc, "dump.name",
			      (char *)stage_dump(source->name));
	} else if (!has_pci(pacc)) {
		return;
	}
	pci_init(pacc);
	pci_scan_bus(pacc);
}

/* Who names a slot wants to hear about what is there, whatever its IDs are */
static void make_filter(struct pci_access *pacc, struct pci_filter *filter)
{
	char *error = NULL;

	pci_filter_init(pacc, filter);
	if (!opt.slot && !opt.id) {
		filter->vendor = VGPU_STUB_VENDOR_ID;
		filter->device = VGPU_STUB_DEVICE_ID;
		return;
	}
	/* up to 3.7 libpci cuts the text that it parses */
	if (opt.slot)
		error = pci_filter_parse_slot(filter, strdupa(opt.slot));
	if (error)
		finish_error(EXIT_USAGE, "-s %s: %s", opt.slot, error);
	if (opt.id)
		error = pci_filter_parse_id(filter, strdupa(opt.id));
	if (error)
		finish_error(EXIT_USAGE, "-d %s: %s", opt.id, error);
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

static bool is_empty(struct pci_dev *pci)
{
	uint8_t byte;

	return !pci_read_block(pci, 0, &byte, 1);
}

/* libpci finds nothing wrong with a file that holds no dump at all */
static void refuse_empty_dump(const struct source *source)
{
	for (struct pci_dev *pci = source->pacc->devices; pci; pci = pci->next)
		if (!is_empty(pci))
			return;
	finish_error(EXIT_USAGE,
		     "%s: no configuration space in it; is it what 'lspci -x' or 'lspci -xxx' wrote?",
		     source->name);
}

static struct device *new_device(struct source *source, struct pci_dev *pci)
{
	struct device *device = calloc(1, sizeof(*device));

	if (!device)
		finish_error(EXIT_USAGE, "out of memory");
	device->pci = pci;
	device->source = source;
	read_config(pci, &device->config);
	walk_chain(&device->config, &device->chain);
	walk_ext_chain(&device->config, &device->ext_chain);
	if (!source->name)
		read_kernel(source, device);
	if (opt.mmio)
		read_registers(device);
	run_checks(device);
	return device;
}

int compare_slots(const struct pci_dev *a, const struct pci_dev *b)
{
	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	if (a->bus != b->bus)
		return a->bus - b->bus;
	if (a->dev != b->dev)
		return a->dev - b->dev;
	return a->func - b->func;
}

/* libpci lists in no order; the report is sorted as lspci's is */
static void insert_device(struct source *source, struct device *device)
{
	struct device **place = &source->devices;

	while (*place && compare_slots((*place)->pci, device->pci) < 0)
		place = &(*place)->next;
	device->next = *place;
	*place = device;
}

void collect_devices(struct source *source)
{
	struct pci_filter filter;
	unsigned int count = 0;

	current = source;
	make_filter(source->pacc, &filter);
	if (source->name)
		refuse_empty_dump(source);
	for (struct pci_dev *pci = source->pacc->devices; pci; pci = pci->next) {
		if (pci->domain)
			source->domains = true;
		pci_fill_info(pci, PCI_FILL_IDENT | PCI_FILL_CLASS);
		if (!pci_filter_match(&filter, pci))
			continue;
		if (++count > MAX_DEVICES)
			finish_error(EXIT_USAGE, "more than %d devices match",
				     MAX_DEVICES);
		insert_device(source, new_device(source, pci));
	}
}
