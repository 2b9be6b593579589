// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: lists of what there is (--list-checks, -A help, -O help)
 *
 * The manual page's list of checks is made from the text, see Makefile.
 */
#include "../error.h"
#include "../options.h"
#include "command.h"

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

int run_list_checks(void)
{
	if (opt.output == OUTPUT_JSON)
		show_list_json();
	else
		show_lines();
	return EXIT_PASSED;
}

/* These two as lspci prints them */
int run_list_methods(void)
{
	const char *name;

	puts("Known PCI access methods:\n");
	for (int i = 0; (name = pci_get_method_name(i)); i++)
		if (name[0])
			puts(name);
	return EXIT_PASSED;
}

static void list_params(void *data)
{
	struct pci_access *pacc = open_libpci(NULL);
	struct pci_param *param = NULL;

	(void)data;
	if (!pacc)
		return;
	puts("Known PCI access parameters:\n");
	while ((param = pci_walk_params(pacc, param)))
		printf("%-20s %s (%s)\n", param->param, param->help,
		       param->value);
}

int run_list_params(void)
{
	call_libpci(list_params, NULL);
	return EXIT_PASSED;
}
