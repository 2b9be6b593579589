// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe report: one text for a bug report
 *
 * It names the kernel, the virtual machine and the device, and nothing that
 * belongs to a person or a network: no host name, no serial number, no command
 * line but the options that concern PCI.
 */
#include <string.h>
#include <sys/utsname.h>

#include "kernel-log.h"
#include "probe.h"
#include "vgpu_stub.h"

static void show_line(const char *name, const char *path)
{
	char text[256];

	if (read_text(path, text, sizeof(text)))
		printf("%-16s%s\n", name, text);
}

static void show_system(void)
{
	struct utsname kernel;

	printf("%-16s%s (libpci %s)\n", "vgpu-probe", VGPU_PROBE_VERSION,
	       PCILIB_VERSION);
	if (!uname(&kernel))
		printf("%-16s%s %s %s\n", "kernel", kernel.sysname,
		       kernel.release, kernel.machine);
	show_line("machine", "/sys/class/dmi/id/product_name");
	show_line("machine maker", "/sys/class/dmi/id/sys_vendor");
	show_line("hypervisor", "/sys/hypervisor/type");
	show_line("driver version", "/sys/module/" DRIVER_NAME "/version");
	show_line("driver source", "/sys/module/" DRIVER_NAME "/srcversion");
}

static void show_kernel_options(void)
{
	static const char *const wanted[] = {
		"pci=", "pcie_", "acpi=", "iomem=", "lockdown=", "iommu=",
		DRIVER_NAME ".",
	};
	char line[4096], *word, *save;

	if (!read_text("/proc/cmdline", line, sizeof(line)))
		return;
	for (word = strtok_r(line, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
			if (!strncmp(word, wanted[i], strlen(wanted[i])))
				printf("%-16s%s\n", "kernel option", word);
}

/* As lspci -nn has it */
static void show_function(struct source *source, struct pci_dev *pci)
{
	char slot[32], class_name[128], name[128];

	pci_fill_info(pci, PCI_FILL_IDENT | PCI_FILL_CLASS);
	format_slot(slot, sizeof(slot), pci, true);
	printf("%s %s: %s\n", slot,
	       pci_lookup_name(source->pacc, class_name, sizeof(class_name),
			       PCI_LOOKUP_CLASS, pci->device_class),
	       pci_lookup_name(source->pacc, name, sizeof(name),
			       PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
			       pci->vendor_id, pci->device_id));
}

/* The first function behind "last", whatever order libpci has them in */
static struct pci_dev *next_function(struct source *source,
				     const struct pci_dev *last)
{
	struct pci_dev *next = NULL;

	for (struct pci_dev *pci = source->pacc->devices; pci; pci = pci->next)
		if ((!last || compare_slots(pci, last) > 0) &&
		    (!next || compare_slots(pci, next) < 0))
			next = pci;
	return next;
}

static void show_functions(struct source *source)
{
	struct pci_dev *pci = NULL;

	while ((pci = next_function(source, pci)))
		show_function(source, pci);
}

static void show_log_line(const char *line, void *data)
{
	unsigned int *count = data;

	printf("%s\n", line);
	++*count;
}

/* Lines that name the driver or one of the slots */
static void show_log(const struct source *source)
{
	char slots[8][32], ids[16];
	const char *words[ARRAY_SIZE(slots) + 3] = { DRIVER_NAME, ids };
	unsigned int count = 0, used = 2;

	snprintf(ids, sizeof(ids), "[%04x:%04x]", VGPU_STUB_VENDOR_ID,
		 VGPU_STUB_DEVICE_ID);
	for (struct device *d = source->devices;
	     d && used - 2 < ARRAY_SIZE(slots); d = d->next) {
		format_slot(slots[used - 2], sizeof(slots[0]), d->pci, true);
		words[used] = slots[used - 2];
		used++;
	}
	if (!read_kernel_log(words, show_log_line, &count))
		puts("not readable for this user; run as root");
	else if (!count)
		puts("nothing about the device");
}

static void show_section(const char *name)
{
	printf("\n==== %s ====\n", name);
}

void run_report(void)
{
	struct source *source = &report.source;

	if (opt.output == OUTPUT_JSON)
		finish_error(EXIT_USAGE, "report is text; see --json alone");
	opt.verbose++;
	opt.hex = 4;
	opt.domains = true;
	show_system();
	show_kernel_options();
	show_section("PCI functions");
	opt.numeric = source->pacc->numeric_ids = 2;
	show_functions(source);
	show_section("vgpu-stub");
	report.status = worst_status(source);
	if (!source->devices) {
		look_for_causes(&report);
		report.status = EXIT_NO_DEVICE;
		printf("no device %s\n", selection_text());
		for (unsigned int i = 0; i < report.hint_count; i++)
			printf("%u. %s\n", i + 1, report.hints[i]);
	}
	show_text(&report);
	if (!source->name) {
		show_section("kernel log");
		show_log(source);
	}
	finish(report.status);
}
