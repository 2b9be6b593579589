// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: check the devices that are selected (no subcommand)
 */
#include "../error.h"
#include "../options.h"
#include "command.h"

int run_validate(void)
{
	static struct findings findings;
	struct source source;
	int status = EXIT_PASSED;

	if (!open_source(&source, opt.file))
		return EXIT_USAGE;
	if (!source.devices) {
		look_for_causes(&source);
		fail(EXIT_NO_DEVICE, "no device %s", selection_text());
		return EXIT_NO_DEVICE;
	}
	show_begin(&source);
	for (struct device *d = source.devices; d; d = d->next) {
		run_checks(d, checks, check_count, &findings);
		show_findings(&findings);
		status = worst_status(status, &findings);
	}
	if (!has_failed())
		show_end(status);
	return status;
}
