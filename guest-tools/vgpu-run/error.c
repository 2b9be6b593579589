// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-run: the error that ends a run
 */
#include <stdarg.h>
#include <stdio.h>

#include "run.h"

static char text[512];
static enum exit_code status = EXIT_GOOD;

/* The command line may hold what a terminal would obey */
static void make_printable(void)
{
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

bool fail(enum exit_code new_status, const char *fmt, ...)
{
	va_list args;

	if (status != EXIT_GOOD)
		return false;
	status = new_status;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	make_printable();
	return false;
}

enum exit_code error_status(void)
{
	return status;
}

const char *error_text(void)
{
	return text;
}
