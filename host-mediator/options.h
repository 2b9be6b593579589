/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <sys/types.h>
#include "config.h"

enum exit_code {
	EXIT_GOOD = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

struct options {
	const char *socket_path; /* NULL: not given */
	int fd; /* -1: not given */
	uid_t owner; /* -1: not given */
	gid_t group;
	const char *config_path; /* NULL: not given */
	const char *status_path; /* NULL: not given */
	bool check_config;
};

/* Ends the program after --help, --version, --print-capabilities and bad usage */
struct options parse_options(int argc, char **argv);
/* Load the file, if any; options override it */
bool load_config(const struct options *options, struct config *config);

#endif
