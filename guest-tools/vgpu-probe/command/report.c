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

#include "../error.h"
#include "../options.h"
#include "command.h"
#include "vgpu_stub.h"

static void show_line(const char *name, const char *path)
{
	char text[256];

	if (read_text(path, text, sizeof(text)))
		printf("%-16s%s\n", name, text);
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

static void show_system(void)
{
	struct utsname kernel;

	if (!uname(&kernel))
		printf("%-16s%s %s %s\n", "kernel", kernel.sysname,
		       kernel.release, kernel.machine);
	show_line("machine", "/sys/class/dmi/id/product_name");
	show_line("machine maker", "/sys/class/dmi/id/sys_vendor");
	show_line("hypervisor", "/sys/hypervisor/type");
	show_line("driver version", "/sys/module/" DRIVER_NAME "/version");
	show_line("driver source", "/sys/module/" DRIVER_NAME "/srcversion");
	show_kernel_options();
}

static void show_section(const char *name)
{
	printf("\n==== %s ====\n", name);
}

/* In the format of lspci -nn */
static void show_function(const struct function *f)
{
	char slot[32], class[128], name[128];

	format_slot(slot, sizeof(slot), &f->slot, true);
	printf("%s %s: %s\n", slot, class_name(class, sizeof(class), f->class),
	       device_name(name, sizeof(name), f->vendor, f->device));
}

static void show_log_line(const char *line, void *data)
{
	unsigned int *count = data;

	printf("%s\n", line);
	++*count;
}

/* Lines with the driver or one of the slots */
static void show_log(const struct source *source)
{
	char slots[8][32], ids[16];
	const char *words[ARRAY_SIZE(slots) + 3] = { DRIVER_NAME, ids };
	unsigned int count = 0, used = 2;

	snprintf(ids, sizeof(ids), "[%04x:%04x]", VGPU_STUB_VENDOR_ID,
		 VGPU_STUB_DEVICE_ID);
	for (unsigned int i = 0; i < source->function_count &&
				 used - 2 < ARRAY_SIZE(slots); i++) {
		const struct function *f = &source->functions[i];

		if (!f->is_selected)
			continue;
		format_slot(slots[used - 2], sizeof(slots[0]), &f->slot, true);
		words[used] = slots[used - 2];
		used++;
	}
	if (!read_kernel_log(words, show_log_line, &count))
		puts("not readable for this user; run as root");
	else if (!count)
		puts("nothing about the device");
}

static void show_functions(const struct source *source)
{
	show_section("PCI functions");
	for (unsigned int i = 0; i < source->function_count; i++)
		show_function(&source->functions[i]);
}

static int show_causes(const struct source *source)
{
	look_for_causes(source);
	printf("no device %s\n", selection_text());
	for (unsigned int i = 0; i < error.hint_count; i++)
		printf("%u. %s\n", i + 1, error.hints[i]);
	return EXIT_NO_DEVICE;
}

int run_report(void)
{
	struct source source;
	int status;

	opt.verbose++;
	opt.hex = 4;
	opt.domains = true;
	opt.numeric = 2;
	if (!open_source(&source, opt.file))
		return EXIT_USAGE;
	printf("%-16s%s (libpci %s)\n", "vgpu-probe", VGPU_PROBE_VERSION,
	       PCILIB_VERSION);
	if (source.name)
		printf("%-16s%s\n", "dump", source.name);
	else
		show_system();
	show_functions(&source);
	show_section("vgpu-stub");
	status = source.selected ? check_devices(&source) : show_causes(&source);
	if (!source.name) {
		show_section("kernel log");
		show_log(&source);
	}
	return status;
}
