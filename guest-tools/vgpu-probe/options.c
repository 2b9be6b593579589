// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the command line
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <pci/pci.h>

#include "device.h"
#include "error.h"
#include "options.h"
#include "vgpu_stub.h"

struct options opt;

static const char help_msg[] =
"Usage: vgpu-probe [<switches>]\n"
"       vgpu-probe [<switches>] diff <dump>|live <dump>|live\n"
"       vgpu-probe [<switches>] report\n"
"       vgpu-probe [<switches>] host [<qemu>]\n"
"\n"
"Dump and validate the configuration space of a vgpu-stub device.\n"
"\n"
"Selection of devices (default: -d %04x:%04x):\n"
"-s [[[[<domain>]:]<bus>]:][<slot>][.[<func>]]   Devices in these slots\n"
"-d [<vendor>]:[<device>][:<class>]              Devices with these IDs\n"
"\n"
"What is shown:\n"
"-v                      More: flags, the kernel's view, checks that passed\n"
"-k                      The driver in use and the modules that could drive it\n"
"-x, -xxx, -xxxx         64, 256 (default) or 4096 bytes in hexadecimal\n"
"-n, -nn                 Numbers instead of names, or both\n"
"-D                      Always show domains\n"
"--mmio                  Read the registers in BAR0 too (root only)\n"
"--json                  Write JSON\n"
"--tap                   Write TAP, for test suites\n"
"--quiet                 Write only the checks that did not pass\n"
"\n"
"Where it comes from:\n"
"-F, --file <file>       A dump from 'lspci -xxx' or vgpu-probe, - is stdin\n"
"-i <file>               Names of IDs instead of pci.ids\n"
"-A <method>             PCI access method (see -A help)\n"
"-O <name>=<value>       PCI access parameter (see -O help)\n"
"-G                      Debug output of libpci\n"
"\n"
"--list-checks           List all checks\n"
"--help                  Show this help\n"
"--version               Show the version\n"
"\n"
"Exit status: 0 all checks passed, 1 a check failed, 2 bad usage or input,\n"
"3 no device matched, 4 nothing failed but something could not be read.\n";

enum {
	OPT_JSON = 256, OPT_TAP, OPT_QUIET, OPT_MMIO, OPT_LIST, OPT_HELP,
	OPT_VERSION
};

static const struct option long_options[] = {
	{ "file", required_argument, NULL, 'F' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "tap", no_argument, NULL, OPT_TAP },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "mmio", no_argument, NULL, OPT_MMIO },
	{ "list-checks", no_argument, NULL, OPT_LIST },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 }
};

int show_help(void)
{
	printf(help_msg, VGPU_STUB_VENDOR_ID, VGPU_STUB_DEVICE_ID);
	return EXIT_PASSED;
}

int show_version(void)
{
	printf("vgpu-probe %s (libpci %s)\n", VGPU_PROBE_VERSION, PCILIB_VERSION);
	return EXIT_PASSED;
}

/*
 * Even usage errors must be printed as JSON or TAP if requested, so look for these
 * options first. If the file of -F has such a name, only the form of an error is
 * wrong.
 */
static void look_for_output(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--json"))
			opt.output = OUTPUT_JSON;
		else if (!strcmp(argv[i], "--tap"))
			opt.output = OUTPUT_TAP;
		else if (!strcmp(argv[i], "--quiet"))
			opt.output = OUTPUT_QUIET;
	}
}

static bool set_output(enum output output)
{
	static bool chosen;

	if (chosen && opt.output != output)
		return fail(EXIT_USAGE,
			    "--json, --tap and --quiet exclude each other");
	chosen = true;
	opt.output = output;
	return true;
}

/* The first request counts; --help and --version print immediately */
static bool set_request(enum request request)
{
	if (!opt.request)
		opt.request = request;
	return true;
}

static bool add_param(const char *text)
{
	if (!strcmp(text, "help"))
		return set_request(REQUEST_PARAMS);
	if (opt.param_count == ARRAY_SIZE(opt.params))
		return fail(EXIT_USAGE, "more than %zu times -O",
			    ARRAY_SIZE(opt.params));
	opt.params[opt.param_count++] = text;
	return true;
}

static bool set_method(const char *name)
{
	if (!strcmp(name, "help"))
		return set_request(REQUEST_METHODS);
	opt.method = name;
	return true;
}

static bool refuse_option(int c, char **argv)
{
	char short_option[3] = { '-', optopt, '\0' };
	const char *option = optopt && optopt < 256 ? short_option :
						      argv[optind - 1];

	if (c == ':')
		return fail(EXIT_USAGE, "%s needs an argument; see --help",
			    option);
	return fail(EXIT_USAGE, "unknown option %s; see --help", option);
}

static bool parse_flag(int c)
{
	switch (c) {
	case 'n':
		opt.numeric++;
		return true;
	case 'v':
		opt.verbose++;
		return true;
	case 'x':
		opt.hex++;
		return true;
	case 'D':
		opt.domains = true;
		return true;
	case 'k':
		opt.kernel = true;
		return true;
	case 'G':
		opt.debug++;
		return true;
	case OPT_MMIO:
		opt.mmio = true;
		return true;
	}
	return false;
}

static bool parse_value(int c)
{
	switch (c) {
	case 's':
		opt.slot = optarg;
		return true;
	case 'd':
		opt.id = optarg;
		return true;
	case 'F':
		opt.file = optarg;
		return true;
	case 'i':
		opt.ids_path = optarg;
		return true;
	case 'A':
		return set_method(optarg);
	case 'O':
		return add_param(optarg);
	}
	return false;
}

static bool parse_output(int c)
{
	switch (c) {
	case OPT_JSON:
		return set_output(OUTPUT_JSON);
	case OPT_TAP:
		return set_output(OUTPUT_TAP);
	case OPT_QUIET:
		return set_output(OUTPUT_QUIET);
	case OPT_LIST:
		return set_request(REQUEST_CHECKS);
	case OPT_HELP:
		return set_request(REQUEST_HELP);
	case OPT_VERSION:
		return set_request(REQUEST_VERSION);
	}
	return false;
}

static bool check_host(void)
{
	if (opt.argument_count > 2)
		return fail(EXIT_USAGE, "host takes one QEMU");
	if (opt.file || opt.slot || opt.id || opt.mmio)
		return fail(EXIT_USAGE, "host does not check devices, so it does not take -F, -s, -d and --mmio; see --help");
	return true;
}

static bool check_form(const char *name)
{
	if (opt.output != OUTPUT_TAP && opt.output != OUTPUT_QUIET)
		return true;
	return fail(EXIT_USAGE, "%s does not support --tap and --quiet; see --help", name);
}

#define DIFF_USAGE	"usage: vgpu-probe [<switches>] diff <dump>|live <dump>|live"

/* Standard input and this machine can be read only once */
static bool check_diff(void)
{
	char **sides = opt.arguments + 1;

	if (opt.argument_count != 3)
		return fail(EXIT_USAGE,
			    "diff takes two dumps, or a dump and 'live'; "
			    DIFF_USAGE);
	if (opt.file)
		return fail(EXIT_USAGE, "diff takes its dumps without -F; "
			    DIFF_USAGE);
	if (!strcmp(sides[0], sides[1]) &&
	    (!strcmp(sides[0], "-") || !strcmp(sides[0], "live")))
		return fail(EXIT_USAGE, "diff cannot read '%s' twice; "
			    DIFF_USAGE, sides[0]);
	return check_form("diff");
}

static bool check_report(void)
{
	if (opt.argument_count != 1)
		return fail(EXIT_USAGE, "report takes no argument");
	if (opt.output == OUTPUT_JSON)
		return fail(EXIT_USAGE, "report is text; use --json without it");
	return check_form("report");
}

static bool check_request(void)
{
	if (opt.argument_count)
		return fail(EXIT_USAGE, "unexpected argument '%s'; see --help",
			    opt.arguments[0]);
	return opt.request != REQUEST_CHECKS || check_form("--list-checks");
}

static bool check_arguments(void)
{
	const char *name = opt.arguments[0];

	if (!opt.argument_count)
		return true;
	if (!strcmp(name, "host"))
		return check_host();
	if (!strcmp(name, "diff"))
		return check_diff();
	if (!strcmp(name, "report"))
		return check_report();
	return true;
}

static bool parse_option(int c, char **argv)
{
	if (parse_flag(c) || parse_value(c) || parse_output(c))
		return true;
	return has_failed() ? false : refuse_option(c, argv);
}

bool parse_options(int argc, char **argv)
{
	int c;

	look_for_output(argc, argv);
	while ((c = getopt_long(argc, argv, ":s:d:nvxDkF:A:O:Gi:", long_options,
				NULL)) != -1) {
		if (!parse_option(c, argv))
			return false;
		if (opt.request == REQUEST_HELP ||
		    opt.request == REQUEST_VERSION)
			return true;
	}
	opt.arguments = argv + optind;
	opt.argument_count = argc - optind;
	return opt.request ? check_request() : check_arguments();
}
