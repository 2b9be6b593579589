// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the lines that are identical to lspci's
 */
#include "../options.h"
#include "show.h"

static void add_revision(char *text, size_t size, const struct config *config)
{
	unsigned int revision = 0;

	if (config_has(config, PCI_REVISION_ID, 1))
		revision = config_get(config, PCI_REVISION_ID, 1);
	if (revision)
		snprintf(text, size, " (rev %02x)", revision);
}

/* Only with -v, and only if it is not zero or has a name */
static void add_prog_if(char *text, size_t size, const struct device *device)
{
	unsigned int prog_if = 0;
	const char *name;
	char buf[128];

	if (config_has(&device->config, PCI_CLASS_PROG, 1))
		prog_if = config_get(&device->config, PCI_CLASS_PROG, 1);
	name = prog_if_name(buf, sizeof(buf), device->function->class, prog_if);
	if (name)
		snprintf(text, size, " (prog-if %02x [%s])", prog_if, name);
	else if (prog_if)
		snprintf(text, size, " (prog-if %02x)", prog_if);
}

void format_title(char *text, size_t size, const struct device *device,
		  bool domain)
{
	const struct function *function = device->function;
	char slot[32], class[128], name[128];
	char revision[16] = "", prog_if[160] = "";

	format_slot(slot, sizeof(slot), &function->slot, domain);
	add_revision(revision, sizeof(revision), &device->config);
	if (opt.verbose)
		add_prog_if(prog_if, sizeof(prog_if), device);
	snprintf(text, size, "%s %s: %s%s%s", slot,
		 class_name(class, sizeof(class), function->class),
		 device_name(name, sizeof(name), function->vendor,
			     function->device), revision, prog_if);
}

/* The slot, and the line in the dump if the slot alone is ambiguous */
void format_where(char *text, size_t size, const struct device *device)
{
	const struct function *f = device ? device->function : NULL;
	char slot[32];

	format_slot(slot, sizeof(slot), f ? &f->slot : NULL, true);
	if (f && f->is_again)
		snprintf(text, size, "%s (line %u)", slot, f->line);
	else
		snprintf(text, size, "%s", slot);
}

void show_subsystem(const struct device *device)
{
	const struct config *config = &device->config;
	unsigned int vendor, id;
	char name[256];

	if (!config_has(config, PCI_SUBSYSTEM_ID, 2))
		return;
	vendor = config_get(config, PCI_SUBSYSTEM_VENDOR_ID, 2);
	id = config_get(config, PCI_SUBSYSTEM_ID, 2);
	if (!vendor || vendor == 0xffff)
		return;
	printf("\tSubsystem: %s\n",
	       subsystem_name(name, sizeof(name), device->function, vendor,
			      id));
}

static void show_module(const char *module, void *data)
{
	unsigned int *count = data;

	printf("%s %s", *count ? "," : "\tKernel modules:", module);
	++*count;
}

void show_driver(const struct kernel *kernel)
{
	unsigned int count = 0;

	if (!kernel->present)
		return;
	if (kernel->driver[0])
		printf("\tKernel driver in use: %s\n", kernel->driver);
	find_modules(kernel, show_module, &count);
	if (count)
		putchar('\n');
}
