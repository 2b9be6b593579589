/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: the command line, as help_msg in options.c tells it
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

enum output { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_TAP, OUTPUT_QUIET };

struct options {
	const char *file;
	const char *slot;
	const char *id;
	const char *ids_path;	/* -i */
	const char *method;	/* -A */
	const char *params[16];	/* -O */
	unsigned int param_count;
	unsigned int numeric, verbose, hex, debug;
	bool domains, kernel, mmio, list_checks;
	enum output output;
	char **arguments;	/* a subcommand and its own */
	int argument_count;
};

extern struct options opt;

void parse_options(int argc, char **argv);

#endif /* OPTIONS_H */
