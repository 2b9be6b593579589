// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the error that ends a run
 */
#include <stdarg.h>
#include <stdio.h>

#include "error.h"

struct error error;

void make_printable(char *text)
{
	for (; *text; text++) {
		unsigned char c = text[0], next = text[1];

		if (c < ' ' || c == 0x7f)
			*text = '?';
		/* U+0080 to U+009f */
		else if (c == 0xc2 && next >= 0x80 && next < 0xa0)
			text[0] = text[1] = '?';
	}
}

bool fail(int status, const char *fmt, ...)
{
	va_list args;

	/* later errors follow from the first */
	if (has_failed())
		return false;
	error.status = status;
	va_start(args, fmt);
	vsnprintf(error.text, sizeof(error.text), fmt, args);
	va_end(args);
	make_printable(error.text);
	return false;
}

bool out_of_memory(void)
{
	if (!has_failed())
		error.is_memory = true;
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
	vsnprintf(error.hints[error.hint_count], sizeof(error.hints[0]), fmt,
		  args);
	va_end(args);
	make_printable(error.hints[error.hint_count++]);
}
