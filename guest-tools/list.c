// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the table of checks itself (--list-checks)
 *
 * The manual page's list is made of the text, see Makefile.
 */
#include "json.h"

static void format_expected(char *text, size_t size, const struct check *check)
{
	if (check->want)
		snprintf(text, size, "%s", check->want);
	else
		snprintf(text, size, "0x%0*x", 2 * check->width,
			 check->expected);
}

/* Where the field is, and what may not be all of its bits */
static void format_place(char *text, size_t size, const struct check *check)
{
	const char *of = check->cap == PCI_CAP_ID_PM ? "PM+" :
			 check->cap == PCI_CAP_ID_EXP ? "Express+" :
			 check->space == SPACE_BAR0 ? "BAR0+" : "";

	if (check->space == SPACE_KERNEL)
		snprintf(text, size, "kernel");
	else
		snprintf(text, size, "%s0x%02x", of, check->offset);
}

static void show_lines(void)
{
	for (unsigned int i = 0; i < check_count; i++) {
		char place[32], expected[64];

		format_place(place, sizeof(place), &checks[i]);
		format_expected(expected, sizeof(expected), &checks[i]);
		printf("%s\t%s\t%s\t%s\t%s\t%s\n", checks[i].id,
		       severity_words[checks[i].severity], place,
		       checks[i].name, expected, checks[i].advice);
	}
}

static void show_list_json(void)
{
	json_t *json = json_head(), *array = json_array();

	for (unsigned int i = 0; i < check_count; i++) {
		char place[32], expected[64];

		format_place(place, sizeof(place), &checks[i]);
		format_expected(expected, sizeof(expected), &checks[i]);
		json_array_append_new(array,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}",
				  "id", checks[i].id, "name", checks[i].name,
				  "severity", severity_words[checks[i].severity],
				  "place", place, "expected", expected,
				  "advice", checks[i].advice));
	}
	json_object_set_new(json, "all_checks", array);
	json_show(json);
}

void show_checks(void)
{
	if (opt.output == OUTPUT_JSON)
		show_list_json();
	else
		show_lines();
	finish(EXIT_PASSED);
}
