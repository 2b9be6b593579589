// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-run: a progress bar, on a terminal only and if a run takes longer than a second
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"

#define BAR_WIDTH	30
#define START		1.0	/* seconds */
#define INTERVAL	0.2

static double shown;

static bool has_terminal(void)
{
	const char *name = getenv("TERM");

	return isatty(STDERR_FILENO) && name && strcmp(name, "dumb");
}

void show_progress(const struct options *options, const struct result *result)
{
	double seconds = result->seconds, part;
	char bar[BAR_WIDTH + 1] = "";

	if (seconds < START || seconds - shown < INTERVAL || options->quiet ||
	    !has_terminal())
		return;
	shown = seconds;
	part = (double)result->done / options->count;
	memset(bar, '#', part * BAR_WIDTH);
	fprintf(stderr, "\r[%-*s] %3.0f %%, %.0f commands/s, %.0f s left ",
		BAR_WIDTH, bar, part * 100, result->done / seconds,
		part > 0 ? seconds / part - seconds : 0);
}

void end_progress(void)
{
	if (shown > 0)
		fprintf(stderr, "\r%*s\r", 79, "");
}
