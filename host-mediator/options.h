/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <sys/types.h>

enum exit_code {
	EXIT_GOOD = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

struct options {
	const char *socket_path; /* NULL: fd is given */
	int fd;
	uid_t owner; /* -1: not given */
	gid_t group;
};

/* Ends the program after --help, --version, --print-capabilities and bad usage */
struct options parse_options(int argc, char **argv);

#endif
