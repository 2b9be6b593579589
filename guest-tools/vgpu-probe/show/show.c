// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the forms of a report
 */
#include "../options.h"
#include "show.h"

static const struct form *const forms[] = {
	[OUTPUT_TEXT] = &text_form,
	[OUTPUT_JSON] = &json_form,
	[OUTPUT_TAP] = &tap_form,
	[OUTPUT_QUIET] = &quiet_form,
};

static bool begun, ended;

void show_begin(const struct source *source)
{
	begun = true;
	forms[opt.output]->begin(source);
}

void show_findings(const struct findings *findings)
{
	forms[opt.output]->findings(findings);
}

void show_end(int status)
{
	const struct source none = { .name = opt.file };

	/* an error that is met at the end is shown by it, and main() calls again */
	if (ended)
		return;
	ended = true;
	if (!begun)
		show_begin(&none);
	forms[opt.output]->end(status);
}
