// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the report as text
 *
 * Lines that are not lspci's own start with a tab, so that lspci -F (and
 * vgpu-probe -F) reads the slot and the hex block and passes over the rest.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "../error.h"
#include "../options.h"
#include "show.h"

static bool domains;	/* shown in titles */

/*** Colour, on a terminal only ***/

static const char *colour(const char *code)
{
	static int wanted = -1;

	if (wanted < 0) {
		const char *no_color = getenv("NO_COLOR");

		wanted = isatty(STDOUT_FILENO) && !(no_color && *no_color);
	}
	return wanted ? code : "";
}

static const char *finding_colour(const struct finding *finding)
{
	if (finding->result == RESULT_PASS)
		return colour("\033[32m");
	if (finding->result == RESULT_FAIL &&
	    finding->check->severity == SEVERITY_ERROR)
		return colour("\033[31m");
	return colour("\033[33m");
}

/*** The device ***/

static void show_field(const struct device *device, const struct field *field)
{
	int offset = field_offset(field, device);
	char flags[160];
	uint32_t value;

	if (offset == NO_OFFSET)
		return;
	printf("\t0x%02x  %-24s", offset, field->name);
	if (!config_has(&device->config, offset, field->width)) {
		puts("not readable");
		return;
	}
	value = config_get(&device->config, offset, field->width);
	printf("%0*x", 2 * field->width, value);
	if (opt.verbose && field->flags) {
		format_flags(flags, sizeof(flags), field->flags, value, ~0U);
		printf("  %s", flags);
	}
	putchar('\n');
}

static void show_caps(const struct device *device)
{
	for (unsigned int i = 0; i < device->chain.count; i++) {
		const struct cap *cap = &device->chain.caps[i];

		printf("\t0x%02x  %-24sID %02x\n", cap->offset,
		       cap_name(cap->id), cap->id);
	}
	if (device->config.len <= CONFIG_SIZE ||
	    !find_cap(&device->chain, PCI_CAP_ID_EXP))
		return;
	for (unsigned int i = 0; i < device->ext_chain.count; i++) {
		const struct cap *cap = &device->ext_chain.caps[i];

		printf("\t0x%03x %-24sID %04x, version %u\n", cap->offset,
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
	if (kernel->irq >= 0)
		printf("\t%-14sIRQ %lld, %lld MSI vectors\n", "Interrupts:",
		       kernel->irq, kernel->msi);
	if (kernel->present)
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
	/* an empty line ends the device for whoever reads this back */
	putchar('\n');
}

/*** The checks ***/

static const char *label(const struct finding *finding)
{
	if (finding->result == RESULT_PASS)
		return "PASS";
	if (finding->result == RESULT_UNKNOWN)
		return "unknown";
	return finding->check->severity == SEVERITY_ERROR ? "FAIL" : "WARN";
}

static void show_finding(const struct device *device,
			 const struct finding *finding)
{
	const char *advice = finding_advice(device, finding);

	printf("\t%s%-8s%s", finding_colour(finding), label(finding),
	       colour("\033[0m"));
	if (finding->offset == NO_OFFSET)
		printf("%-6s", "-");
	else
		printf("0x%-4.2x", finding->offset);
	printf("%-28s", finding->check->name);
	if (finding->result == RESULT_PASS)
		printf("%s\n", finding->found);
	else
		printf("expected %s, found %s\n", finding->expected,
		       finding->found);
	/* of many unknowns the same would be said; the end says it once */
	if (advice && (finding->result == RESULT_FAIL || opt.verbose))
		printf("\t%14s%s\n", "", advice);
}

static void show_totals(const struct findings *findings)
{
	const unsigned int *totals = findings->totals;

	if (totals[RESULT_PASS] == findings->count)
		printf("\t%sall %u checks passed%s\n", colour("\033[32m"),
		       findings->count, colour("\033[0m"));
	else
		printf("\t%u checks: %u passed, %u failed, %u unknown\n",
		       findings->count, totals[RESULT_PASS],
		       totals[RESULT_FAIL], totals[RESULT_UNKNOWN]);
}

static void show_list(const struct findings *findings)
{
	for (unsigned int i = 0; i < findings->count; i++)
		show_finding(findings->device, &findings->list[i]);
	show_totals(findings);
}

static void show_remarks(const struct device *device)
{
	if (!device->is_live)
		puts("\t(a dump does not tell what the kernel knows: BAR0's size, the driver;\n"
		     "\tthat was not checked)");
	else if (device->config.len <= HEADER_SIZE)
		printf("\t(the kernel shows %u bytes of configuration space, run as root for the rest)\n",
		       device->config.len);
	else if (!device->kernel.driver[0])
		puts("\t(no driver is bound; load it with: modprobe " DRIVER_NAME ")");
}

static void show_device(const struct device *device)
{
	char title[512];

	format_title(title, sizeof(title), device, opt.domains || domains);
	puts(title);
	if (opt.verbose || opt.kernel)
		show_subsystem(device);
	for (unsigned int i = 0; i < field_count; i++)
		show_field(device, &fields[i]);
	show_caps(device);
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
	show_list(findings);
	if (findings->device)
		show_remarks(findings->device);
}

/* Nothing of what passed: a line for each other finding */
static void show_quiet(const struct findings *findings)
{
	const struct device *device = findings->device;
	char slot[32];

	format_slot(slot, sizeof(slot), device ? &device->function->slot : NULL,
		    true);
	for (unsigned int i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->list[i];

		if (f->result != RESULT_PASS)
			printf("%s %s %s: expected %s, found %s\n", slot,
			       label(f), f->check->id, f->expected, f->found);
	}
}

static void end(int status)
{
	(void)status;
	if (!has_failed())
		return;
	fflush(stdout);
	fprintf(stderr, "vgpu-probe: %s\n", error.text);
	for (unsigned int i = 0; i < error.hint_count; i++)
		fprintf(stderr, "  %u. %s\n", i + 1, error.hints[i]);
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
