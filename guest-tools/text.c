// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the report as text
 *
 * Lines that are not lspci's own start with a tab, so that lspci -F (and
 * vgpu-probe -F) reads the slot and the hex block and passes over the rest.
 */
#include <stdio.h>

#include "probe.h"

static const struct field {
	const char *name;
	unsigned int offset;
	unsigned int width;
} fields[] = {
	{ "Vendor ID", PCI_VENDOR_ID, 2 },
	{ "Device ID", PCI_DEVICE_ID, 2 },
	{ "Command", PCI_COMMAND, 2 },
	{ "Status", PCI_STATUS, 2 },
	{ "Revision", PCI_REVISION_ID, 1 },
	{ "Programming interface", PCI_CLASS_PROG, 1 },
	{ "Subclass", PCI_CLASS_DEVICE, 1 },
	{ "Base class", PCI_CLASS_DEVICE + 1, 1 },
	{ "Cache line size", PCI_CACHE_LINE_SIZE, 1 },
	{ "Latency timer", PCI_LATENCY_TIMER, 1 },
	{ "Header type", PCI_HEADER_TYPE, 1 },
	{ "BIST", PCI_BIST, 1 },
	{ "BAR0", PCI_BASE_ADDRESS_0, 4 },
	{ "BAR1", PCI_BASE_ADDRESS_1, 4 },
	{ "BAR2", PCI_BASE_ADDRESS_2, 4 },
	{ "BAR3", PCI_BASE_ADDRESS_3, 4 },
	{ "BAR4", PCI_BASE_ADDRESS_4, 4 },
	{ "BAR5", PCI_BASE_ADDRESS_5, 4 },
	{ "CardBus CIS pointer", PCI_CARDBUS_CIS, 4 },
	{ "Subsystem vendor ID", PCI_SUBSYSTEM_VENDOR_ID, 2 },
	{ "Subsystem ID", PCI_SUBSYSTEM_ID, 2 },
	{ "Expansion ROM", PCI_ROM_ADDRESS, 4 },
	{ "Capabilities pointer", PCI_CAPABILITY_LIST, 1 },
	{ "Interrupt line", PCI_INTERRUPT_LINE, 1 },
	{ "Interrupt pin", PCI_INTERRUPT_PIN, 1 },
	{ "Min_Gnt", PCI_MIN_GNT, 1 },
	{ "Max_Lat", PCI_MAX_LAT, 1 },
};

static bool domains_in_use(const struct report *report)
{
	for (struct device *d = report->devices; d; d = d->next)
		if (d->pci->domain)
			return true;
	return false;
}

/* As lspci writes it */
static void show_title(const struct report *report, const struct device *device)
{
	struct pci_dev *pci = device->pci;
	char class_name[128], device_name[256];
	unsigned int revision = 0;

	if (domains_in_use(report))
		printf("%04x:", pci->domain);
	printf("%02x:%02x.%d %s: %s", pci->bus, pci->dev, pci->func,
	       pci_lookup_name(report->pacc, class_name, sizeof(class_name),
			       PCI_LOOKUP_CLASS, pci->device_class),
	       pci_lookup_name(report->pacc, device_name, sizeof(device_name),
			       PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
			       pci->vendor_id, pci->device_id));
	if (config_has(&device->config, PCI_REVISION_ID, 1))
		revision = config_get(&device->config, PCI_REVISION_ID, 1);
	if (revision)
		printf(" (rev %02x)", revision);
	putchar('\n');
}

static void show_fields(const struct device *device)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *field = &fields[i];

		printf("\t0x%02x  %-24s", field->offset, field->name);
		if (config_has(&device->config, field->offset, field->width))
			printf("%0*x\n", 2 * field->width,
			       config_get(&device->config, field->offset,
					  field->width));
		else
			puts("not readable");
	}
}

static void show_caps(const struct device *device)
{
	for (unsigned int i = 0; i < device->chain.count; i++) {
		const struct cap *cap = &device->chain.caps[i];
		const char *name = cap->id == PCI_CAP_ID_PM ? "Power Management" :
				   cap->id == PCI_CAP_ID_EXP ? "PCI Express" :
				   "Capability";

		printf("\t0x%02x  %-24sID %02x\n", cap->offset, name, cap->id);
	}
}

static void show_hex(const struct device *device)
{
	unsigned int len = device->config.len;

	/* the extended space of this device holds nothing; --json has it all */
	if (len > CONFIG_SIZE)
		len = CONFIG_SIZE;
	for (unsigned int i = 0; i < len; i++) {
		if (i % 16 == 0)
			printf("%02x:", i);
		printf(" %02x", device->config.data[i]);
		if (i % 16 == 15 || i == len - 1)
			putchar('\n');
	}
}

static void show_offset(int offset)
{
	if (offset == NO_OFFSET)
		printf("%-6s", "-");
	else
		printf("0x%02x  ", offset);
}

static void show_finding(const struct finding *finding)
{
	printf("\t%-8s", result_names[finding->result]);
	show_offset(finding->offset);
	printf("%-24s", finding->name);
	if (finding->result == RESULT_PASS)
		printf("%s\n", finding->found);
	else
		printf("expected %s, found %s\n", finding->expected,
		       finding->found);
}

static void show_totals(const struct device *device)
{
	const unsigned int *totals = device->totals;

	if (totals[RESULT_PASS] == device->finding_count)
		printf("\tall %u checks passed\n", device->finding_count);
	else
		printf("\t%u checks: %u passed, %u failed, %u unknown\n",
		       device->finding_count, totals[RESULT_PASS],
		       totals[RESULT_FAIL], totals[RESULT_UNKNOWN]);
}

static void show_device(const struct report *report,
			const struct device *device)
{
	show_title(report, device);
	show_fields(device);
	show_caps(device);
	show_hex(device);
	putchar('\n');
	for (unsigned int i = 0; i < device->finding_count; i++)
		show_finding(&device->findings[i]);
	show_totals(device);
	if (!device->live)
		puts("\t(a dump does not tell BAR0's size, it was not checked)");
}

void show_text(const struct report *report)
{
	for (struct device *d = report->devices; d; d = d->next) {
		show_device(report, d);
		if (d->next)
			putchar('\n');
	}
	fflush(stdout);
	if (report->error)
		fprintf(stderr, "vgpu-probe: %s\n", report->error);
}
