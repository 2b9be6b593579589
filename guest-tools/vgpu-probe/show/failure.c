// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the error that ended the run, on standard error
 */
#include "../error.h"
#include "show.h"

void show_error(void)
{
	if (!has_failed())
		return;
	fflush(stdout);
	fprintf(stderr, "vgpu-probe: %s\n", error.text);
}

void show_hints(void)
{
	for (unsigned int i = 0; i < error.hint_count; i++)
		fprintf(stderr, "  %u. %s\n", i + 1, error.hints[i]);
}
