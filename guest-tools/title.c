// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the lines that are lspci's own, byte for byte
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "probe.h"

void format_slot(char *text, size_t size, const struct pci_dev *pci,
		 bool domain)
{
	char prefix[16] = "";

	if (!pci) {
		snprintf(text, size, "host");
		return;
	}
	if (domain)
		snprintf(prefix, sizeof(prefix), "%04x:", pci->domain);
	snprintf(text, size, "%s%02x:%02x.%d", prefix, pci->bus, pci->dev,
		 pci->func);
}

static void add_revision(char *text, size_t size, const struct config *config)
{
	unsigned int revision = 0;

	if (config_has(config, PCI_REVISION_ID, 1))
		revision = config_get(config, PCI_REVISION_ID, 1);
	if (revision)
		snprintf(text, size, " (rev %02x)", revision);
}

/* With -v only, and only where there is something to tell */
static void add_prog_if(char *text, size_t size, const struct device *device)
{
	unsigned int prog_if = 0;
	char buf[128], *name;

	if (config_has(&device->config, PCI_CLASS_PROG, 1))
		prog_if = config_get(&device->config, PCI_CLASS_PROG, 1);
	name = pci_lookup_name(device->source->pacc, buf, sizeof(buf),
			       PCI_LOOKUP_PROGIF | PCI_LOOKUP_NO_NUMBERS,
			       device->pci->device_class, prog_if);
	if (name)
		snprintf(text, size, " (prog-if %02x [%s])", prog_if, name);
	else if (prog_if)
		snprintf(text, size, " (prog-if %02x)", prog_if);
}

void format_title(char *text, size_t size, const struct device *device)
{
	struct pci_access *pacc = device->source->pacc;
	struct pci_dev *pci = device->pci;
	char slot[32], class_name[128], device_name[128];
	char revision[16] = "", prog_if[160] = "";

	format_slot(slot, sizeof(slot), pci,
		    opt.domains || device->source->domains);
	add_revision(revision, sizeof(revision), &device->config);
	if (opt.verbose)
		add_prog_if(prog_if, sizeof(prog_if), device);
	snprintf(text, size, "%s %s: %s%s%s", slot,
		 pci_lookup_name(pacc, class_name, sizeof(class_name),
				 PCI_LOOKUP_CLASS, pci->device_class),
		 pci_lookup_name(pacc, device_name, sizeof(device_name),
				 PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
				 pci->vendor_id, pci->device_id),
		 revision, prog_if);
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
	       pci_lookup_name(device->source->pacc, name, sizeof(name),
			       PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_VENDOR |
			       PCI_LOOKUP_DEVICE, device->pci->vendor_id,
			       device->pci->device_id, vendor, id));
}

/*** Drivers ***/

/* "alias PATTERN MODULE": the module, if it is for this device */
static const char *match_alias(char *line, const char *modalias)
{
	char *pattern, *save;

	if (strncmp(line, "alias pci:", 10))
		return NULL;
	strtok_r(line, " \n", &save);
	pattern = strtok_r(NULL, " \n", &save);
	if (!pattern || fnmatch(pattern, modalias, 0))
		return NULL;
	return strtok_r(NULL, " \n", &save);
}

/* libkmod would do this too, and bring libcrypto into every start */
static void show_modules(const char *modalias)
{
	struct utsname kernel;
	char path[200], line[512];
	unsigned int count = 0;
	const char *module;
	FILE *file;

	if (uname(&kernel))
		return;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.alias",
		 kernel.release);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		module = match_alias(line, modalias);
		if (module)
			printf("%s %s", count++ ? "," : "\tKernel modules:",
			       module);
	}
	fclose(file);
	if (count)
		putchar('\n');
}

void show_driver(const struct device *device)
{
	const struct kernel *kernel = &device->kernel;
	char path[400], modalias[128];

	if (!kernel->present)
		return;
	if (kernel->driver[0])
		printf("\tKernel driver in use: %s\n", kernel->driver);
	snprintf(path, sizeof(path), "%s/modalias", kernel->dir);
	if (read_text(path, modalias, sizeof(modalias)))
		show_modules(modalias);
}
