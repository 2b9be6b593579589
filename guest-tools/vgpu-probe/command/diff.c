// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe diff: two dumps, or a dump and the device, field by field
 */
#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "../options.h"
#include "../show/json.h"
#include "command.h"

#define TEXT_SIZE	48

/* The two are equal, one side is incomplete, or they differ */
struct comparison {
	const struct device *device[2];
	bool covered[CONFIG_SIZE_EXP];	/* bytes in a named field */
	bool incomplete;
	unsigned int differences;
	json_t *json;
};

static void add_difference(struct comparison *c, int offset, const char *name,
			   const char *a, const char *b, const char *flags)
{
	c->differences++;
	json_add(c->json, json_pack("{s:o, s:s, s:o, s:o}",
				    "offset", offset == NO_OFFSET ?
				    json_null() : json_integer(offset),
				    "name", name, "a", json_text(a),
				    "b", json_text(b)));
	if (opt.output != OUTPUT_JSON)
		show_difference(offset, name, a, b, flags);
}

/* "" if it cannot be read, or the capability was not reached */
static void format_value(char *text, const struct device *device, int offset,
			 unsigned int width)
{
	text[0] = '\0';
	if (offset == NO_OFFSET) {
		if (is_complete(&device->chain))
			snprintf(text, TEXT_SIZE, "none");
		return;
	}
	if (config_has(&device->config, offset, width))
		snprintf(text, TEXT_SIZE, "%0*x", 2 * width,
			 config_get(&device->config, offset, width));
}

static void compare_value(struct comparison *c, const char *name,
			  const int offset[2], unsigned int width,
			  const struct field *field)
{
	char value[2][TEXT_SIZE], changed[160] = "";

	for (int i = 0; i < 2; i++)
		format_value(value[i], c->device[i], offset[i], width);
	if (!*value[0] || !*value[1]) {
		c->incomplete |= *value[0] || *value[1];
		return;
	}
	if (!strcmp(value[0], value[1]))
		return;
	if (field && offset[0] != NO_OFFSET && offset[1] != NO_OFFSET) {
		unsigned int a = strtoul(value[0], NULL, 16);
		unsigned int b = strtoul(value[1], NULL, 16);

		format_flags(changed, sizeof(changed), field, b, a ^ b);
	}
	add_difference(c, offset[1] == NO_OFFSET ? offset[0] : offset[1], name,
		       value[0], value[1], changed);
}

static void cover(struct comparison *c, int offset, unsigned int width)
{
	if (offset == NO_OFFSET)
		return;
	for (unsigned int i = 0; i < width; i++)
		if (offset + i < CONFIG_SIZE_EXP)
			c->covered[offset + i] = true;
}

static void compare_field(struct comparison *c, const struct field *field)
{
	int offset[2];

	for (int side = 0; side < 2; side++) {
		offset[side] = field_offset(field, c->device[side]);
		cover(c, offset[side], field->width);
	}
	compare_value(c, field->name, offset, field->width, field);
}

static void compare_fields(struct comparison *c)
{
	static struct field fields[MAX_FIELDS];
	unsigned int count = list_fields(fields);

	for (unsigned int i = 0; i < count; i++)
		compare_field(c, &fields[i]);
}

/* Whether a double word has bytes outside named fields, and they differ */
static bool differs_elsewhere(const struct comparison *c, int at)
{
	const struct config *a = &c->device[0]->config;
	const struct config *b = &c->device[1]->config;

	for (int i = at; i < at + 4; i++)
		if (!c->covered[i] && (!config_has(a, i, 1) ||
				       !config_has(b, i, 1) ||
				       a->data[i] != b->data[i]))
			return true;
	return false;
}

/* Bytes without a name are compared by double words */
static void compare_rest(struct comparison *c)
{
	for (int at = 0; at < CONFIG_SIZE_EXP; at += 4) {
		const int offset[2] = { at, at };

		if (differs_elsewhere(c, at))
			compare_value(c, "(other bytes)", offset, 4, NULL);
	}
}

static void compare_places(struct comparison *c)
{
	char slot[2][TEXT_SIZE];

	for (int i = 0; i < 2; i++)
		format_slot(slot[i], sizeof(slot[i]),
			    &c->device[i]->function->slot, true);
	if (strcmp(slot[0], slot[1]))
		add_difference(c, NO_OFFSET, "Slot", slot[0], slot[1], "");
}

/* The one device that is selected in a dump or in this machine */
static bool read_side(struct source *source, const char *arg,
		      struct device *device)
{
	unsigned int i = 0;

	if (!open_source(source, strcmp(arg, "live") ? arg : NULL))
		return false;
	if (!source->selected)
		return fail(EXIT_NO_DEVICE, "%s: no device %s", arg,
			    selection_text());
	if (source->selected > 1)
		return fail(EXIT_USAGE,
			    "%s: more than one device; choose one with -s", arg);
	while (!source->functions[i].is_selected)
		i++;
	return read_device(source, &source->functions[i], device);
}

static void show_diff_json(struct comparison *c, int status)
{
	json_t *json = json_head();

	json_set(json, "differences", c->json);
	json_set(json, "error", json_null());
	json_set(json, "exit_status", json_integer(status));
	json_print(json, 0);
	putchar('\n');
}

int run_diff(void)
{
	static struct source sources[2];
	static struct device devices[2];
	static struct comparison c;
	int status;

	c = (struct comparison){ .json = json_array() };
	for (int i = 0; i < 2; i++) {
		if (!read_side(&sources[i], opt.arguments[i + 1], &devices[i]))
			return error.status;
		c.device[i] = &devices[i];
	}
	compare_places(&c);
	compare_fields(&c);
	compare_rest(&c);
	status = c.differences ? EXIT_FAILED :
		 c.incomplete ? EXIT_INCOMPLETE : EXIT_PASSED;
	if (opt.output == OUTPUT_JSON)
		show_diff_json(&c, status);
	else if (c.incomplete)
		printf("(%u bytes of one and %u of the other could be read; make dumps as root, with -xxxx)\n",
		       c.device[0]->config.len, c.device[1]->config.len);
	return status;
}
