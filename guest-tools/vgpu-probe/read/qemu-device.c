// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: whether the argument of a -device option names the device
 *
 * It may be "vgpu-stub,addr=1e", "addr=1e,driver=vgpu-stub" or, as libvirt writes
 * it, "{"driver":"vgpu-stub","addr":"0x1e"}".
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "qemu.h"

/* A doubled comma is an escaped one and does not end the value */
static const char *copy_value(const char *p, char *value, size_t size)
{
	size_t used = 0;

	for (; *p && (*p != ',' || p[1] == ','); p++) {
		p += *p == ',';
		if (used + 1 < size)
			value[used++] = *p;
	}
	value[used] = '\0';
	return p;
}

/*
 * The value of a key in "key=value,key=value...". A first value without a key also
 * belongs to this key. The last value counts.
 */
bool find_option(const char *text, const char *key, char *value, size_t size)
{
	size_t len = strlen(key);
	bool found = false;

	for (const char *p = text; *p; p += *p == ',') {
		size_t name = strcspn(p, "=,");
		bool is_implied = p == text && p[name] != '=';
		char other[1];

		if (is_implied || (p[name] == '=' && name == len &&
				   !strncmp(p, key, len))) {
			p = copy_value(is_implied ? p : p + name + 1, value, size);
			found = true;
		} else {
			p = copy_value(p + name, other, sizeof(other));
		}
	}
	return found;
}

/* QEMU also accepts strings in single quotes, which JSON does not */
static char *make_json(const char *text)
{
	char *json = malloc(2 * strlen(text) + 1), *p = json;
	char quote = '\0';

	for (; json && *text; text++) {
		if (*text == '\\' && text[1]) {
			/* \' is not an escape in JSON */
			if (*++text != '\'')
				*p++ = '\\';
		} else if (*text == quote || (!quote && strchr("'\"", *text))) {
			quote = quote ? '\0' : *text;
			*p++ = '"';
			continue;
		} else if (*text == '"') {
			*p++ = '\\';
		}
		*p++ = *text;
	}
	if (json)
		*p = '\0';
	else
		out_of_memory();
	return json;
}

static bool is_json_device(const char *text)
{
	char *json = make_json(text);
	json_error_t cause;
	json_t *object = json ? json_loads(json, 0, &cause) : NULL;
	const char *driver = json_string_value(json_object_get(object, "driver"));
	bool is_ours = driver && !strcmp(driver, DEVICE_TYPE);

	if (json && !object &&
	    json_error_code(&cause) == json_error_out_of_memory)
		out_of_memory();
	json_decref(object);
	free(json);
	return is_ours;
}

bool is_device_option(const char *text)
{
	char driver[sizeof(DEVICE_TYPE) + 1];

	if (*text == '{')
		return is_json_device(text);
	return find_option(text, "driver", driver, sizeof(driver)) &&
	       !strcmp(driver, DEVICE_TYPE);
}
