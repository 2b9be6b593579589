/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: the command line, see help_msg in options.c
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

enum output { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_TAP, OUTPUT_QUIET };

/* What to print instead of a report on devices */
enum request {
	REQUEST_NONE, REQUEST_HELP, REQUEST_VERSION, REQUEST_CHECKS,
	REQUEST_METHODS, REQUEST_PARAMS
};

struct options {
	const char *file;
	const char *slot;
	const char *id;
	const char *ids_path;	/* -i */
	const char *method;	/* -A */
	const char *params[16];	/* -O */
	unsigned int param_count;
	unsigned int numeric, verbose, hex, debug;
	bool domains, kernel, mmio;
	enum output output;
	enum request request;
	char **arguments;	/* a subcommand and its own */
	int argument_count;
};

extern struct options opt;

/* False if an error was recorded */
bool parse_options(int argc, char **argv);
int show_help(void);
int show_version(void);

#endif /* OPTIONS_H */
