// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the error that ends a run
 */
#include <stdarg.h>
#include <stdio.h>

#include "error.h"

struct error error;

bool fail(int status, const char *fmt, ...)
{
	va_list args;

	/* what follows from the first one tells nothing new */
	if (has_failed())
		return false;
	error.status = status;
	va_start(args, fmt);
	vsnprintf(error.text, sizeof(error.text), fmt, args);
	va_end(args);
	return false;
}

bool out_of_memory(void)
{
	return fail(EXIT_USAGE, "out of memory");
}

bool has_failed(void)
{
	return error.status != EXIT_PASSED;
}

void add_hint(const char *fmt, ...)
{
	va_list args;

	if (error.hint_count == MAX_HINTS)
		return;
	va_start(args, fmt);
	vsnprintf(error.hints[error.hint_count++], sizeof(error.hints[0]), fmt,
		  args);
	va_end(args);
}
