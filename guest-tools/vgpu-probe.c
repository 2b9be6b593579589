// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: dump and validate the configuration space of a vgpu-stub device
 *
 * See vgpu-probe(8). It reads the device and never writes to it.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

struct report report;

/* Output that was lost is worse than any finding */
void finish(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		perror("vgpu-probe: standard output");
		exit(EXIT_USAGE);
	}
	exit(status);
}

void finish_report(void)
{
	static void (*const show[])(const struct report *) = {
		[OUTPUT_TEXT] = show_text,
		[OUTPUT_JSON] = show_json,
		[OUTPUT_TAP] = show_tap,
		[OUTPUT_QUIET] = show_quiet,
	};

	show[opt.output](&report);
	finish(report.status);
}

void finish_error(int status, const char *fmt, ...)
{
	static char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	report.error = text;
	report.status = status;
	/* what was collected so far may be half of it */
	report.source.devices = NULL;
	finish_report();
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	if (opt.list_checks)
		show_checks();
	if (opt.argument_count && !strcmp(opt.arguments[0], "diff"))
		run_diff();
	if (opt.argument_count && !strcmp(opt.arguments[0], "host"))
		run_host();
	report.source.name = opt.file;
	open_source(&report.source);
	collect_devices(&report.source);
	if (opt.argument_count)
		run_report();
	if (!report.source.devices) {
		look_for_causes(&report);
		finish_error(EXIT_NO_DEVICE, "no device %s", selection_text());
	}
	report.status = worst_status(&report.source);
	finish_report();
}
