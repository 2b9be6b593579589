// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-run: run commands on a vgpu-stub device, and measure them
 *
 * See vgpu-run(1).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run.h"

/* The device must not become standard output because that was closed */
static void hold_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/", O_PATH);
}

static void show(const struct options *options, const struct result *result)
{
	if (options->json)
		show_json(options, result);
	else if (!options->quiet && error_status() == EXIT_GOOD)
		show_text(options, result);
	if (error_status() != EXIT_GOOD)
		fprintf(stderr, "vgpu-run: %s\n", error_text());
}

/* Output that was lost is worse than any result */
static int close_output(void)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return error_status();
	fprintf(stderr, "vgpu-run: cannot write to standard output: %s\n",
		errno ? strerror(errno) : "some of the result is lost");
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	static struct result result;
	struct options options;

	hold_standard_files();
	if (!parse_options(&options, argc, argv))
		options.request = REQUEST_RUN;
	else if (options.request == REQUEST_RUN)
		do_work(&options, &result);
	if (options.request == REQUEST_HELP)
		fputs(help_text, stdout);
	else if (options.request == REQUEST_VERSION)
		puts("vgpu-run " VGPU_RUN_VERSION);
	else
		show(&options, &result);
	return close_output();
}
