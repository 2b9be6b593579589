// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: dump and validate the configuration space of a vgpu-stub device
 *
 * See vgpu-probe(8). It reads the device and never writes to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command/command.h"
#include "error.h"
#include "options.h"

static const struct {
	const char *name;
	int (*run)(void);
} commands[] = {
	{ "diff", run_diff },
	{ "report", run_report },
	{ "host", run_host },
};

static int run_subcommand(void)
{
	if (!opt.argument_count)
		return run_validate();
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(opt.arguments[0], commands[i].name))
			return commands[i].run();
	fail(EXIT_USAGE, "unexpected argument '%s'; see --help",
	     opt.arguments[0]);
	return EXIT_USAGE;
}

static int run_request(void)
{
	switch (opt.request) {
	case REQUEST_HELP:
		return show_help();
	case REQUEST_VERSION:
		return show_version();
	case REQUEST_CHECKS:
		return run_list_checks();
	case REQUEST_METHODS:
		return run_list_methods();
	case REQUEST_PARAMS:
		return run_list_params();
	case REQUEST_NONE:
		break;
	}
	return run_subcommand();
}

/* Lost output is worse than any finding */
static int close_output(int status)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "vgpu-probe: cannot write to standard output: %s\n",
		errno ? strerror(errno) : "some of the report is lost");
	return EXIT_USAGE;
}

/*
 * If a standard file is closed, the next file that is opened gets its number, and
 * the report or its error would go there. Open one that cannot be read or written.
 */
static void hold_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/", O_PATH);
}

int main(int argc, char **argv)
{
	int status = EXIT_USAGE;

	hold_standard_files();
	if (parse_options(argc, argv))
		status = run_request();
	if (has_failed()) {
		status = error.status;
		show_end(status);
	}
	return close_output(status);
}
