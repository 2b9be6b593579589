// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-run: the command line
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

const char help_text[] =
"Usage: vgpu-run nop|copy|fill|crc [OPTION...]\n"
"\n"
"Run commands on a vgpu-stub device, and measure them.\n"
"\n"
"  nop   do nothing\n"
"  copy  copy SIZE bytes\n"
"  fill  fill SIZE bytes with a pattern\n"
"  crc   compute the checksum (CRC32C) of SIZE bytes\n"
"\n"
"  -s, --size=SIZE    bytes per command, 1 to 1G; suffixes K, M, G (default 64K)\n"
"  -d, --depth=N      commands in flight, 1 to 256 (default 16)\n"
"  -n, --count=N      commands in all (default 1000)\n"
"  -v, --verify       check every result\n"
"  -D, --device=FILE  the device (default /dev/vgpu_stub)\n"
"  -j, --json         print the result as JSON\n"
"  -q, --quiet        print errors only\n"
"      --help, --version\n"
"\n"
"Exit status: 0 all commands succeeded, 1 a command failed or its result is wrong,\n"
"2 bad usage, no memory or lost output, 3 the device cannot be opened.\n";

const char *const operation_names[] = {
	[OP_NOP] = "nop",
	[OP_COPY] = "copy",
	[OP_FILL] = "fill",
	[OP_CRC] = "crc",
};

static const struct option long_options[] = {
	{ "size", required_argument, NULL, 's' },
	{ "depth", required_argument, NULL, 'd' },
	{ "count", required_argument, NULL, 'n' },
	{ "verify", no_argument, NULL, 'v' },
	{ "device", required_argument, NULL, 'D' },
	{ "json", no_argument, NULL, 'j' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ }
};

/* 0 if it is none */
static uint64_t suffix_factor(const char *suffix)
{
	static const char suffixes[] = "KMG";
	const char *found;

	if (!*suffix)
		return 1;
	found = suffix[1] ? NULL : strchr(suffixes, *suffix);
	return found ? 1ULL << 10 * (found - suffixes + 1) : 0;
}

/* Digits alone: strtoull() also takes signs and spaces */
static bool parse_number(const char *option, const char *text, uint64_t max,
			 uint64_t *number)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t factor = max == MAX_SIZE ? suffix_factor(text + digits) :
					    !text[digits];
	uint64_t value;

	errno = 0;
	value = strtoull(text, NULL, 10);
	if (!digits || !factor)
		return fail(EXIT_USAGE, "--%s %s: not a number; see --help",
			    option, text);
	if (errno || !value || value > max / factor)
		return fail(EXIT_USAGE, "--%s %s: not from 1 to %llu", option,
			    text, (unsigned long long)max);
	*number = value * factor;
	return true;
}

static bool parse_depth(struct options *options)
{
	uint64_t depth;

	if (!parse_number("depth", optarg, MAX_DEPTH, &depth))
		return false;
	options->depth = depth;
	return true;
}

static bool parse_option(struct options *options, int option, char **argv)
{
	switch (option) {
	case 's':
		return parse_number("size", optarg, MAX_SIZE, &options->size);
	case 'd':
		return parse_depth(options);
	case 'n':
		return parse_number("count", optarg, MAX_COUNT, &options->count);
	case 'v':
		options->verify = true;
		return true;
	case 'D':
		options->device = optarg;
		return true;
	case 'j':
		options->json = true;
		return true;
	case 'q':
		options->quiet = true;
		return true;
	case 'h':
		options->request = REQUEST_HELP;
		return true;
	case 'V':
		options->request = REQUEST_VERSION;
		return true;
	case ':':
		return fail(EXIT_USAGE, "option %s needs an argument; see --help",
			    argv[optind - 1]);
	}
	/* a long option is a whole argument, short ones may share one */
	if (optopt)
		return fail(EXIT_USAGE, "unknown option -%c; see --help", optopt);
	return fail(EXIT_USAGE, "unknown option %s; see --help", argv[optind - 1]);
}

static bool parse_operation(struct options *options, const char *name)
{
	for (int i = 0; i <= OP_CRC; i++) {
		options->operation = i;
		if (!strcmp(name, operation_names[i]))
			return true;
	}
	return fail(EXIT_USAGE, "unknown operation '%s': nop, copy, fill or crc",
		    name);
}

bool parse_options(struct options *options, int argc, char **argv)
{
	bool good = true;
	int option;

	*options = (struct options) {
		.size = 64 << 10, .depth = 16, .count = 1000,
	};
	opterr = 0;
	/* after an error too, because --json may come later */
	while ((option = getopt_long(argc, argv, ":s:d:n:vD:jq", long_options,
				     NULL)) != -1)
		if (!parse_option(options, option, argv))
			good = false;
	if (!good || options->request != REQUEST_RUN)
		return good;
	if (optind == argc)
		return fail(EXIT_USAGE,
			    "no operation: nop, copy, fill or crc; see --help");
	if (optind + 1 < argc)
		return fail(EXIT_USAGE, "unexpected argument '%s'; see --help",
			    argv[optind + 1]);
	return parse_operation(options, argv[optind]);
}
