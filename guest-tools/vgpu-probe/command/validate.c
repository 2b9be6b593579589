// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: check the selected devices (no subcommand)
 */
#include "../error.h"
#include "../options.h"
#include "command.h"

/* Exit status of all selected devices together */
int check_devices(const struct source *source)
{
	static struct findings findings;
	static struct device device;
	int status = EXIT_PASSED;
	unsigned int count;
	const struct check *checks = device_checks(&count);

	show_begin(source);
	for (unsigned int i = 0; i < source->function_count; i++) {
		if (!source->functions[i].is_selected)
			continue;
		if (!read_device(source, &source->functions[i], &device))
			break;
		run_checks(&device, checks, count, &findings);
		show_findings(&findings);
		if (has_failed())
			break;
		status = worst_status(status, &findings);
	}
	return has_failed() ? error.status : status;
}

int run_validate(void)
{
	struct source source;
	int status;

	if (!open_source(&source, opt.file))
		return error.status;
	if (!source.selected) {
		look_for_causes(&source);
		fail(EXIT_NO_DEVICE, "no device %s", selection_text());
		return EXIT_NO_DEVICE;
	}
	status = check_devices(&source);
	if (!has_failed())
		show_end(status);
	return status;
}
