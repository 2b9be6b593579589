// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: read a dump's file as plain text
 *
 * Editors, mail programs and terminals change the encoding of a text. Undo what
 * is unambiguous: UTF-16, byte order marks, no-break spaces and line endings.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../error.h"
#include "dump.h"

/* A thousand functions with all of their 4096 bytes */
#define MAX_DUMP	(16u << 20)

/*** Reading ***/

static bool grow(struct text *text, size_t *size)
{
	size_t larger = *size ? 2 * *size : 1u << 16;
	char *data = realloc(text->data, larger);

	if (!data)
		return out_of_memory();
	text->data = data;
	*size = larger;
	return true;
}

/* Keep room for one more character */
static bool read_whole(const char *name, int fd, struct text *text)
{
	size_t size = 0;
	ssize_t got;

	do {
		if (text->len + 1 >= size && !grow(text, &size))
			return false;
		got = read(fd, text->data + text->len, size - text->len - 1);
		if (got < 0)
			return fail(EXIT_USAGE, "%s: %s", name,
				    strerror(errno));
		text->len += got;
	} while (got && text->len <= MAX_DUMP);
	if (text->len > MAX_DUMP)
		return fail(EXIT_USAGE,
			    "%s: larger than %u MiB; this is not a dump", name,
			    MAX_DUMP >> 20);
	if (!text->len)
		return fail(EXIT_USAGE, "%s: the file is empty", name);
	return true;
}

static bool read_file(const char *name, struct text *text)
{
	bool is_stdin = !strcmp(name, "-");
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	bool is_read;

	if (fd < 0)
		return fail(EXIT_USAGE, "%s: %s", name, strerror(errno));
	is_read = read_whole(is_stdin ? "standard input" : name, fd, text);
	if (!is_stdin)
		close(fd);
	return is_read;
}

/*** Decoding: the text never gets longer, so it is done in place ***/

static bool is_text(unsigned char c)
{
	return c >= ' ' ? c < 0x7f : c == '\t' || c == '\n' || c == '\r';
}

/* Told from a byte order mark or from the first characters of a title */
static bool is_utf16(const struct text *text, unsigned int low)
{
	const unsigned char *data = (const unsigned char *)text->data;

	if (text->len < 8)
		return false;
	if (data[low] == 0xff && data[!low] == 0xfe)
		return true;
	for (int i = 0; i < 8; i += 2)
		if (data[i + !low] || !is_text(data[i + low]))
			return false;
	return true;
}

static void decode_utf16(struct text *text, unsigned int low)
{
	size_t len = 0;

	for (size_t i = 0; i + 1 < text->len; i += 2) {
		unsigned char high_byte = text->data[i + !low];
		unsigned char low_byte = text->data[i + low];

		if (high_byte == 0xfe && low_byte == 0xff)
			continue;
		text->data[len++] = !high_byte && low_byte == 0xa0 ? ' ' :
				    high_byte || low_byte >= 0x80 ? '?' :
				    low_byte;
	}
	text->len = len;
}

/* Length of a UTF-8 character to replace, and its replacement; otherwise 0 */
static size_t replaced(const unsigned char *p, size_t left, char *by)
{
	static const struct {
		unsigned char utf8[3];
		unsigned char len;
		char by;	/* NUL: nothing */
	} characters[] = {
		{ { 0xef, 0xbb, 0xbf }, 3, '\0' },	/* byte order mark */
		{ { 0xc2, 0xa0 }, 2, ' ' },		/* no-break space */
		{ { 0xe2, 0x80, 0xaf }, 3, ' ' },	/* narrow no-break space */
		{ { 0xe2, 0x80, 0x87 }, 3, ' ' },	/* figure space */
	};

	for (size_t i = 0; i < ARRAY_SIZE(characters); i++) {
		*by = characters[i].by;
		if (characters[i].len <= left &&
		    !memcmp(p, characters[i].utf8, characters[i].len))
			return characters[i].len;
	}
	return 0;
}

static void replace_characters(struct text *text)
{
	const unsigned char *data = (const unsigned char *)text->data;
	size_t len = 0, skip;
	char by;

	for (size_t i = 0; i < text->len; i += skip) {
		skip = data[i] < 0x80 ? 0 : replaced(data + i, text->len - i, &by);
		if (!skip) {
			text->data[len++] = data[i];
			skip = 1;
		} else if (by) {
			text->data[len++] = by;
		}
	}
	text->len = len;
}

/* Lines may end with LF, CR LF, CR CR LF or, if there is no LF at all, CR */
static void end_lines(struct text *text)
{
	if (!memchr(text->data, '\n', text->len))
		for (size_t i = 0; i < text->len; i++)
			if (text->data[i] == '\r')
				text->data[i] = '\n';
	if (!text->len || text->data[text->len - 1] != '\n')
		text->data[text->len++] = '\n';
}

/* Raw configuration space, as in sysfs, instead of lspci's output */
static bool is_raw(const struct text *text)
{
	size_t strange = 0;

	if (text->len != HEADER_SIZE && text->len != CONFIG_SIZE &&
	    text->len != CONFIG_SIZE_EXP)
		return false;
	for (size_t i = 0; i < text->len; i++)
		strange += !is_text(text->data[i]);
	return strange > text->len / 4;
}

static bool refuse_raw(const char *name, const struct text *text)
{
	return fail(EXIT_USAGE,
		    "%s: a raw configuration space of %zu bytes, not text; convert it: (echo 00:00.0 x; od -Ax -tx1 -v FILE | sed 's/ /: /') >DUMP",
		    name, text->len);
}

bool read_dump_text(const char *name, struct text *text)
{
	if (!read_file(name, text))
		return false;
	if (is_utf16(text, 0))
		decode_utf16(text, 0);
	else if (is_utf16(text, 1))
		decode_utf16(text, 1);
	else if (is_raw(text))
		return refuse_raw(name, text);
	else
		replace_characters(text);
	end_lines(text);
	return true;
}
