// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the kinds of lines in a dump, and how a line was damaged
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"

static bool is_hex(char c)
{
	return isxdigit((unsigned char)c);
}

static size_t count_digits(const char *p, const char *end)
{
	size_t count = 0;

	while (p + count < end && is_hex(p[count]))
		count++;
	return count;
}

/* Skip any number of " HH" */
static const char *skip_bytes(const char *p, const char *end)
{
	while (end - p >= 3 && p[0] == ' ' && is_hex(p[1]) && is_hex(p[2]) &&
	       (end - p == 3 || !is_hex(p[3])))
		p += 3;
	return p;
}

/*** Bytes ***/

static bool parse_bytes(struct line *line)
{
	size_t digits = count_digits(line->text, line->end);
	const char *colon = line->text + digits;

	if (digits < 2 || digits > 8 || colon == line->end || *colon != ':')
		return false;
	line->bytes = colon + 1;
	if (line->bytes < line->end && *line->bytes != ' ' &&
	    *line->bytes != '\t')
		return false;
	line->offset = strtoul(line->text, NULL, 16);
	line->kind = skip_bytes(line->bytes, line->end) > line->bytes ?
		     LINE_BYTES : LINE_OFFSET;
	return true;
}

/*** Titles ***/

/* "[[domain:]bus:]dev.func": the numbers from right to left, and its end */
static const char *parse_numbers(const char *p, const char *end,
				 unsigned long number[4], unsigned int *count)
{
	for (*count = 0; *count < 3; p++) {
		size_t digits = count_digits(p, end);

		if (!digits || digits > 8)
			return NULL;
		number[(*count)++] = strtoul(p, NULL, 16);
		p += digits;
		if (p < end && *p == '.')
			break;
		if (p == end || *p != ':')
			return NULL;
	}
	if (*count < 2 || p == end || *p != '.' || !count_digits(p + 1, end))
		return NULL;
	number[(*count)++] = strtoul(p + 1, NULL, 16);
	return p + 1 + count_digits(p + 1, end);
}

static const char *slot_fault(const unsigned long number[3])
{
	if (number[0] > 0xff)
		return "names a bus above ff";
	if (number[1] > 0x1f)
		return "names a device above 1f";
	if (number[2] > 7)
		return "names a function above 7";
	return NULL;
}

static bool parse_title(struct line *line, const char *p)
{
	unsigned long number[4] = { 0 }, *bus;
	unsigned int count;
	const char *end = parse_numbers(p, line->end, number, &count);

	if (!end || (end < line->end && *end != ' ' && *end != '\t'))
		return false;
	bus = number + count - 3;
	line->fault = slot_fault(bus);
	line->slot = (struct slot){ count > 3 ? number[0] : 0, bus[0], bus[1],
				    bus[2] };
	return true;
}

void parse_line(struct line *line, const char *text, const char *end)
{
	while (end > text && (end[-1] == ' ' || end[-1] == '\t' ||
			      end[-1] == '\r'))
		end--;
	*line = (struct line){ .text = text, .end = end, .kind = LINE_OTHER };
	if (text == end)
		line->kind = LINE_EMPTY;
	else if (!parse_bytes(line) && parse_title(line, text))
		line->kind = LINE_TITLE;
}

/*** Faults ***/

static char message[160];

/* A few characters of the line, for a message */
static const char *excerpt(const char *p, const char *end)
{
	static char text[24];
	size_t len = 0;

	while (p < end && len < sizeof(text) - 1)
		text[len++] = *p++;
	text[len] = '\0';
	return text;
}

/* Bytes have two digits, and a space before each */
const char *bytes_fault(const struct line *line)
{
	const char *p = skip_bytes(line->bytes, line->end);
	unsigned char c = p < line->end ? *p : '\0';

	if (p == line->end)
		return p > line->bytes ? NULL :
		       "has an offset but no bytes; was the dump cut off there?";
	if (c == '\t')
		return "has a tab where lspci prints a space; replace it";
	if (c < ' ' || c == 0x7f) {
		snprintf(message, sizeof(message),
			 "has a control character (0x%02x) between or after the bytes",
			 c);
		return message;
	}
	while (p < line->end && *p == ' ')
		p++;
	snprintf(message, sizeof(message),
		 "is not made of two-digit bytes: '%s'",
		 excerpt(p, line->end));
	return message;
}

/* The fault in a line that has something before its bytes or title */
static const char *prefix_fault(const char *text, const char *end,
				const char *what)
{
	size_t len = end - text;
	const char *how = NULL;

	if (strspn(text, " \t") >= len)
		how = "is indented; remove the leading blanks";
	else if (strspn(text, " \t>|:") >= len)
		how = "is quoted; remove the leading '>' or '|'";
	else if (len == 1 && strchr("+-", *text))
		how = "is a line of a diff; apply the diff first";
	if (how)
		return how;
	snprintf(message, sizeof(message),
		 "has text before its %s, as in a log: '%s'; remove it",
		 what, excerpt(text, end));
	return message;
}

/* Find "HEX: HH HH HH HH" anywhere in the line, or NULL */
static const char *find_bytes(const struct line *line)
{
	for (const char *p = line->text; p < line->end; p++) {
		const char *start = p;

		if (*p != ':')
			continue;
		while (start > line->text && is_hex(start[-1]))
			start--;
		if (p - start >= 2 &&
		    skip_bytes(p + 1, line->end) - (p + 1) >= 4 * 3)
			return start;
	}
	return NULL;
}

/* An offset of 6 to 8 digits, followed by groups of @width digits */
static bool has_groups(const struct line *line, size_t width,
		       const char *separator)
{
	size_t digits = count_digits(line->text, line->end);
	size_t gap = strlen(separator);
	const char *p = line->text + digits;

	if (digits < 6 || digits > 8 || (size_t)(line->end - p) < gap ||
	    strncmp(p, separator, gap))
		return false;
	for (p += gap; count_digits(p, line->end) == width; p++) {
		p += width;
		if (p >= line->end || *p != ' ')
			return p > line->text + digits + gap + width;
	}
	return p > line->text + digits + gap + width + 1;
}

/* Programs that print the bytes of a file, without slots */
static const char *other_program(const struct line *line)
{
	if (has_groups(line, 4, ": "))
		return "is the output of xxd; take the dump with lspci -xxx";
	if (has_groups(line, 2, "  ") || has_groups(line, 4, " ") ||
	    has_groups(line, 4, "    "))
		return "is the output of hexdump or od; take the dump with lspci -xxx";
	if (has_groups(line, 2, " "))
		return "is the output of od; take the dump with lspci -xxx";
	return NULL;
}

/* Nothing but bytes: the rest of a wrapped line, or column headings */
static bool is_row(const struct line *line)
{
	const char *p = line->text;

	while (p < line->end && *p == ' ')
		p++;
	if (count_digits(p, line->end) != 2)
		return false;
	return skip_bytes(p + 2, line->end) == line->end && line->end - p >= 4 * 3 - 1;
}

/* How a line of bytes was damaged, or NULL if it is something else */
const char *disguise(const struct line *line)
{
	const char *start = find_bytes(line), *program;

	if (start)
		return prefix_fault(line->text, start, "offset");
	if (*line->text == '\t')
		return NULL;
	program = other_program(line);
	if (program)
		return program;
	if (is_row(line))
		return "has bytes without an offset; were lines wrapped?";
	return NULL;
}

/* "00:02 ..." */
static bool lacks_function(const struct line *line)
{
	const char *p = line->text;

	if (count_digits(p, line->end) < 2)
		return false;
	p += count_digits(p, line->end);
	if (p == line->end || *p != ':' || count_digits(p + 1, line->end) < 2)
		return false;
	p += 1 + count_digits(p + 1, line->end);
	return p == line->end || *p == ' ' || *p == '\t';
}

/* How a title was damaged, or NULL if it is something else */
const char *title_disguise(const struct line *line)
{
	struct line copy = *line;

	if (!strncmp(line->text, "Slot:", 5))
		return "is from lspci -vmm, which prints no titles; take the dump without -vmm";
	if (lacks_function(line))
		return "names no function; a slot is written as 00:02.0";
	for (const char *p = line->text + 1; p < line->end; p++)
		if (is_hex(*p) && !is_hex(p[-1]) && p[-1] != ':' &&
		    parse_title(&copy, p))
			return prefix_fault(line->text, p, "slot");
	return NULL;
}
