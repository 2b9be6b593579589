// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the report as text
 *
 * Lines that lspci does not print start with a tab, so that lspci -F (and
 * vgpu-probe -F) reads the slot and the hex block and ignores the rest.
 */
#include <inttypes.h>

#include "../error.h"
#include "../options.h"
#include "show.h"

static bool domains;	/* shown in titles */

/*** The device ***/

static void show_field(const struct device *device, const struct field *field)
{
	int offset = field_offset(field, device);
	char flags[160];
	uint32_t value;

	if (offset == NO_OFFSET)
		return;
	printf("\t0x%02x  %-26s", offset, field->name);
	if (!config_has(&device->config, offset, field->width)) {
		puts("not readable");
		return;
	}
	value = config_get(&device->config, offset, field->width);
	printf("%0*x", 2 * field->width, value);
	if (opt.verbose) {
		format_flags(flags, sizeof(flags), field, value, ~0U);
		printf("%s%s", *flags ? "  " : "", flags);
	}
	putchar('\n');
}

static void show_fields(const struct device *device)
{
	static struct field fields[MAX_FIELDS];
	unsigned int count = list_fields(fields);

	for (unsigned int i = 0; i < count; i++)
		show_field(device, &fields[i]);
}

static void show_caps(const struct device *device)
{
	for (unsigned int i = 0; i < device->chain.count; i++) {
		const struct cap *cap = &device->chain.caps[i];

		printf("\t0x%02x  %-26sID %02x\n", cap->offset,
		       cap_name(cap->id), cap->id);
	}
	if (!has_ext_space(device))
		return;
	for (unsigned int i = 0; i < device->ext_chain.count; i++) {
		const struct cap *cap = &device->ext_chain.caps[i];

		printf("\t0x%03x %-26sID %04x, version %u\n", cap->offset,
		       ext_cap_name(cap->id), cap->id, cap->version);
	}
}

static void show_kernel_facts(const struct kernel *kernel)
{
	if (!kernel->present)
		return;
	printf("\tDriver:       %s\n", kernel->driver[0] ? kernel->driver :
	       "none bound");
	if (kernel->resource_known)
		printf("\tResource:     0x%" PRIx64 " [size 0x%" PRIx64
		       "], flags 0x%" PRIx64 "\n", kernel->start, kernel->size,
		       kernel->flags);
	if (kernel->power_state[0])
		printf("\tPower state:  %s\n", kernel->power_state);
	if (kernel->enable >= 0)
		printf("\tEnabled:      %lld\n", kernel->enable);
	if (kernel->irq >= 0 && kernel->msi >= 0)
		printf("\t%-14sIRQ %lld, %lld MSI vectors\n", "Interrupts:",
		       kernel->irq, kernel->msi);
	printf("\tReset method: %s\n", kernel->reset_method[0] ?
	       kernel->reset_method :
	       kernel->resettable ? "not told" : "none");
}

static unsigned int hex_length(const struct config *config)
{
	unsigned int len = opt.hex >= 4 ? CONFIG_SIZE_EXP :
			   opt.hex == 1 || opt.hex == 2 ? HEADER_SIZE :
			   CONFIG_SIZE;

	return config->len < len ? config->len : len;
}

static void show_hex(const struct config *config)
{
	unsigned int len = hex_length(config);

	for (unsigned int i = 0; i < len; i++) {
		if (i % 16 == 0)
			printf("%02x:", i);
		printf(" %02x", config->data[i]);
		if (i % 16 == 15 || i == len - 1)
			putchar('\n');
	}
	/* when this is read back, an empty line ends the device */
	putchar('\n');
}

static void show_remarks(const struct device *device)
{
	if (silence_of(&device->config))
		return;
	if (is_express(device) && device->config.len == CONFIG_SIZE)
		puts("\t(only 256 of 4096 bytes were read: extended space was not checked)");
	if (device->source->name)
		puts("\t(a dump does not contain what the kernel knows, such as BAR0's size and the\n"
		     "\tdriver: that was not checked)");
	else if (device->config.len <= HEADER_SIZE)
		printf("\t(the kernel shows %u bytes of configuration space, run as root for the rest)\n",
		       device->config.len);
	else if (device->registers.queues_why[0])
		printf("\t(the registers of queues were not checked: %s)\n",
		       device->registers.queues_why);
	else if (!device->kernel.driver[0])
		puts("\t(no driver is bound; load it with: modprobe " DRIVER_NAME ")");
}

static void show_form(const struct device *device)
{
	const char *form = form_name(form_of(device));
	int control = msix_control(device);

	if (kind_of(device) != KIND_QUEUES)
		printf("\tForm:         %s, no queues\n", form);
	else if (control < 0)
		printf("\tForm:         %s, with queues\n", form);
	else
		printf("\tForm:         %s, queues: %u\n", form,
		       control & PCI_MSIX_TABSIZE);
}

static void show_origin(const struct device *device)
{
	const struct function *f = device->function;

	if (!silence_of(&device->config))
		show_form(device);
	if (f->is_again)
		printf("\tFrom:         line %u of the dump, which has this slot more than once\n",
		       f->line);
}

static void show_device(const struct device *device)
{
	char title[512];

	format_title(title, sizeof(title), device, opt.domains || domains);
	puts(title);
	if (opt.verbose || opt.kernel)
		show_subsystem(device);
	show_origin(device);
	if (!silence_of(&device->config)) {
		show_fields(device);
		show_caps(device);
		show_registers(&device->registers);
	}
	if (opt.verbose)
		show_kernel_facts(&device->kernel);
	if (opt.verbose || opt.kernel)
		show_driver(&device->kernel);
	show_hex(&device->config);
}

/*** The forms ***/

static void begin(const struct source *source)
{
	domains = source->domains;
}

static void show_text(const struct findings *findings)
{
	static bool is_next;

	if (is_next)
		putchar('\n');
	is_next = true;
	if (findings->device)
		show_device(findings->device);
	else
		show_machines("\t");
	list_findings(findings);
	if (findings->device)
		show_remarks(findings->device);
}

static void end(int status)
{
	(void)status;
	show_error();
	show_hints();
}

const struct form text_form = { begin, show_text, end };
const struct form quiet_form = { begin, show_quiet, end };

void show_difference(int offset, const char *name, const char *a,
		     const char *b, const char *flags)
{
	if (offset == NO_OFFSET)
		printf("%-6s", "-");
	else
		printf("0x%-4.2x", offset);
	printf("%-26s%s -> %s%s%s\n", name, a, b, *flags ? "  " : "", flags);
}
