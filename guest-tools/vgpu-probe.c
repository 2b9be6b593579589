// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: dump and validate the configuration space of a vgpu-stub device
 *
 * See vgpu-probe(8). It reads the device and never writes to it.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"
#include "vgpu_stub.h"

/*** Options ***/

static const char *opt_file;		/* dump to read instead of the machine */
static char *opt_slot;			/* -s */
static char *opt_id;			/* -d */
static bool opt_json;

static const char help_msg[] =
"Usage: vgpu-probe [<switches>]\n"
"\n"
"Dump and validate the configuration space of a vgpu-stub device.\n"
"\n"
"Selection of devices (default: -d %04x:%04x):\n"
"-s [[[[<domain>]:]<bus>]:][<slot>][.[<func>]]\tDevices in these slots\n"
"-d [<vendor>]:[<device>][:<class>]\t\tDevices with these IDs\n"
"\n"
"Other options:\n"
"-F, --file <file>\tRead a dump that 'lspci -x' or 'lspci -xxx' wrote\n"
"--json\t\t\tWrite JSON\n"
"--help\t\t\tShow this help\n"
"--version\t\tShow the version\n"
"\n"
"Exit status: 0 all checks passed, 1 a check failed, 2 bad usage or input,\n"
"3 no device matched, 4 nothing failed but something could not be read.\n";

enum { OPT_JSON = 256, OPT_HELP, OPT_VERSION };

static const struct option long_options[] = {
	{ "file", required_argument, NULL, 'F' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 }
};

/*** Endings ***/

static struct report report;

static void __attribute__((noreturn)) finish(void)
{
	if (opt_json)
		show_json(&report);
	else
		show_text(&report);
	if (fflush(stdout) || ferror(stdout)) {
		perror("vgpu-probe: standard output");
		exit(EXIT_USAGE);
	}
	exit(report.status);
}

static void __attribute__((noreturn))
vfinish_error(int status, const char *fmt, va_list args)
{
	static char text[512];

	vsnprintf(text, sizeof(text), fmt, args);
	report.error = text;
	report.status = status;
	finish();
}

static void __attribute__((noreturn, format(printf, 2, 3)))
finish_error(int status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfinish_error(status, fmt, args);
}

/* libpci's own would print a line in its own form and exit with 1 */
static void __attribute__((noreturn, format(printf, 1, 2)))
libpci_error(char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (opt_file)
		finish_error(EXIT_USAGE, "%s: %s", opt_file, text);
	finish_error(EXIT_USAGE, "%s", text);
}

/*** Command line ***/

static void show_help(void)
{
	printf(help_msg, VGPU_STUB_VENDOR_ID, VGPU_STUB_DEVICE_ID);
	exit(EXIT_PASSED);
}

static void show_version(void)
{
	printf("vgpu-probe %s (libpci %s)\n", VGPU_PROBE_VERSION, PCILIB_VERSION);
	exit(EXIT_PASSED);
}

/* JSON is promised for bad usage too, so it has to be known first */
static void look_for_json(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--json"))
			opt_json = true;
}

static void parse_option(int c, char **argv)
{
	switch (c) {
	case 's':
		opt_slot = optarg;
		return;
	case 'd':
		opt_id = optarg;
		return;
	case 'F':
		opt_file = optarg;
		report.source = optarg;
		return;
	case OPT_JSON:
		return;
	case OPT_HELP:
		show_help();
		return;
	case OPT_VERSION:
		show_version();
		return;
	case ':':
		finish_error(EXIT_USAGE, "%s needs an argument; see --help",
			     argv[optind - 1]);
	default:
		finish_error(EXIT_USAGE, "unknown option %s; see --help",
			     argv[optind - 1]);
	}
}

static void parse_options(int argc, char **argv)
{
	int c;

	look_for_json(argc, argv);
	while ((c = getopt_long(argc, argv, ":s:d:F:", long_options,
				NULL)) != -1)
		parse_option(c, argv);
	if (optind < argc)
		finish_error(EXIT_USAGE, "unexpected argument '%s'; see --help",
			     argv[optind]);
}

/* Who names a slot wants to hear about what is there, whatever its IDs are */
static void make_filter(struct pci_access *pacc, struct pci_filter *filter)
{
	char *error = NULL;

	pci_filter_init(pacc, filter);
	if (!opt_slot && !opt_id) {
		filter->vendor = VGPU_STUB_VENDOR_ID;
		filter->device = VGPU_STUB_DEVICE_ID;
		return;
	}
	if (opt_slot)
		error = pci_filter_parse_slot(filter, opt_slot);
	if (error)
		finish_error(EXIT_USAGE, "-s %s: %s", opt_slot, error);
	if (opt_id)
		error = pci_filter_parse_id(filter, opt_id);
	if (error)
		finish_error(EXIT_USAGE, "-d %s: %s", opt_id, error);
}

/*** Devices ***/

static struct pci_access *open_pci(void)
{
	struct pci_access *pacc = pci_alloc();

	pacc->error = libpci_error;
	if (opt_file) {
		pacc->method = PCI_ACCESS_DUMP;
		pci_set_param(pacc, "dump.name", (char *)opt_file);
	}
	pci_init(pacc);
	pci_scan_bus(pacc);
	return pacc;
}

static bool is_empty(struct pci_dev *pci)
{
	uint8_t byte;

	return !pci_read_block(pci, 0, &byte, 1);
}

/* libpci finds nothing wrong with a file that holds no dump at all */
static void refuse_empty_dump(struct pci_access *pacc)
{
	for (struct pci_dev *pci = pacc->devices; pci; pci = pci->next)
		if (!is_empty(pci))
			return;
	finish_error(EXIT_USAGE,
		     "%s: no configuration space in it; is it what 'lspci -x' or 'lspci -xxx' wrote?",
		     opt_file);
}

static struct device *new_device(struct pci_dev *pci)
{
	struct device *device = calloc(1, sizeof(*device));

	if (!device)
		finish_error(EXIT_USAGE, "out of memory");
	device->pci = pci;
	device->live = !opt_file;
	read_config(pci, &device->config);
	walk_chain(&device->config, &device->chain);
	run_checks(device);
	return device;
}

static int compare_slots(const struct pci_dev *a, const struct pci_dev *b)
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
static void insert_device(struct device *device)
{
	struct device **place = &report.devices;

	while (*place && compare_slots((*place)->pci, device->pci) < 0)
		place = &(*place)->next;
	device->next = *place;
	*place = device;
}

static void collect_devices(struct pci_access *pacc, struct pci_filter *filter)
{
	for (struct pci_dev *pci = pacc->devices; pci; pci = pci->next) {
		pci_fill_info(pci, PCI_FILL_IDENT | PCI_FILL_CLASS);
		if (pci_filter_match(filter, pci))
			insert_device(new_device(pci));
	}
}

/* A failure outweighs what could not be read */
static int worst_status(void)
{
	int status = EXIT_PASSED;

	for (struct device *d = report.devices; d; d = d->next) {
		if (d->totals[RESULT_FAIL])
			return EXIT_FAILED;
		if (d->totals[RESULT_UNKNOWN])
			status = EXIT_INCOMPLETE;
	}
	return status;
}

static void refuse_no_match(void)
{
	if (opt_slot || opt_id)
		finish_error(EXIT_NO_DEVICE, "no device matches%s%s%s%s",
			     opt_slot ? " -s " : "", opt_slot ? opt_slot : "",
			     opt_id ? " -d " : "", opt_id ? opt_id : "");
	finish_error(EXIT_NO_DEVICE, "no device %04x:%04x",
		     VGPU_STUB_VENDOR_ID, VGPU_STUB_DEVICE_ID);
}

int main(int argc, char **argv)
{
	struct pci_filter filter;

	parse_options(argc, argv);
	report.pacc = open_pci();
	make_filter(report.pacc, &filter);
	if (opt_file)
		refuse_empty_dump(report.pacc);
	collect_devices(report.pacc, &filter);
	if (!report.devices)
		refuse_no_match();
	report.status = worst_status();
	finish();
}
