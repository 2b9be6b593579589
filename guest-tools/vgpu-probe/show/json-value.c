// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: jansson, with every failure recorded
 *
 * jansson fails only if memory runs out. It then returns NULL or -1, and also
 * when it is given a NULL that it returned earlier.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "json.h"

/*
 * Convert a string that is not UTF-8, such as a file name, as if it were Latin-1,
 * which is better than nothing.
 */
static json_t *latin1_text(const char *s)
{
	char *utf8 = calloc(2, strlen(s) + 1), *p = utf8;
	json_t *json;

	if (!utf8)
		return NULL;
	for (; *s; s++) {
		unsigned char c = *s;

		if (c >= 0x80)
			*p++ = 0xc0 | c >> 6;
		*p++ = c >= 0x80 ? 0x80 | (c & 0x3f) : c;
	}
	json = json_string(utf8);
	free(utf8);
	return json;
}

json_t *json_text(const char *s)
{
	json_t *json;

	if (!s)
		return json_null();
	json = json_string(s);
	return json ? json : latin1_text(s);
}

void json_add(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		out_of_memory();
}

void json_set(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, value))
		out_of_memory();
}

/* The first members of every object */
json_t *json_head(void)
{
	json_t *json = json_object();

	json_set(json, "schema_version", json_integer(JSON_SCHEMA_VERSION));
	json_set(json, "version", json_string(VGPU_PROBE_VERSION));
	return json;
}

static void print_lines(const char *text, unsigned int indent)
{
	for (; *text; text++) {
		putchar(*text);
		if (*text == '\n')
			printf("%*s", indent, "");
	}
}

void json_print(json_t *value, unsigned int indent)
{
	char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENSURE_ASCII |
				       JSON_ENCODE_ANY);

	json_decref(value);
	if (!text)
		out_of_memory();
	/* keeps the output valid JSON; "error" has the reason */
	print_lines(text ? text : "\"out of memory\"", indent);
	free(text);
}
