// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: lists (--list-checks, -A help, -O help)
 *
 * The manual page's list of checks is generated from the text, see Makefile.
 */
#include <string.h>

#include "../error.h"
#include "../options.h"
#include "../show/json.h"
#include "command.h"
#include "vgpu_stub_config.h"

struct entry {
	const struct check *check;
	unsigned int forms;
	int kinds;
	char place[32];
	char expected[128];
};

static void format_value(char *text, size_t size, const struct check *check)
{
	if (check->want)
		snprintf(text, size, "%s", check->want);
	else
		snprintf(text, size, "0x%0*x", 2 * check->width,
			 check->expected);
}

static void format_place(char *text, size_t size, const struct check *check)
{
	if (check->space == SPACE_KERNEL || check->space == SPACE_HOST)
		snprintf(text, size, "%s", space_words[check->space]);
	else
		snprintf(text, size, "%s0x%02x",
			 check->space == SPACE_BAR0 ? "BAR0+" : "",
			 check->offset);
}

/* The devices that a value applies to: "conventional", "Express, without queues" */
static void format_devices(char *text, size_t size, const struct check *check)
{
	const char *kind = check->kinds == KIND_QUEUES ? "with queues" :
			   check->kinds == KIND_NO_QUEUES ? "without queues" : "";
	bool is_any = !check->forms || check->forms == VGPU_STUB_FORM_ALL;
	const char *form = is_any ? "" : form_name(check->forms);

	snprintf(text, size, "%s%s%s", form, *form && *kind ? ", " : "", kind);
}

/* The expected value of a field may depend on the form and on queues */
static unsigned int make_entry(struct entry *entry, const struct check *check,
			       unsigned int left)
{
	size_t len = 0, size = sizeof(entry->expected);
	unsigned int same = 1;

	entry->check = check;
	entry->forms = check->forms;
	entry->kinds = check->kinds;
	format_place(entry->place, sizeof(entry->place), check);
	format_value(entry->expected, size, check);
	while (same < left && !strcmp(check[same].id, check->id))
		same++;
	for (unsigned int i = 0; i < same && len < size; i++) {
		char value[64], devices[64];

		entry->forms |= check[i].forms;
		entry->kinds |= check[i].kinds;
		if (same == 1 && (!check->kinds || check->kinds == KIND_ALL))
			break;
		format_value(value, sizeof(value), &check[i]);
		format_devices(devices, sizeof(devices), &check[i]);
		len += snprintf(entry->expected + len, size - len, "%s%s (%s)",
				i ? ", " : "", value, devices);
	}
	return same;
}

static void show_line(const struct entry *entry)
{
	printf("%s\t%s\t%s\t%s\t%s\t%s\n", entry->check->id,
	       severity_words[entry->check->severity], entry->place,
	       entry->check->name, entry->expected, entry->check->advice);
}

static json_t *json_forms(unsigned int forms)
{
	json_t *array = json_array();

	for (unsigned int form = 1; form < VGPU_STUB_FORM_ALL; form <<= 1)
		if (!forms || forms & form)
			json_add(array, json_string(form_name(form)));
	return array;
}

/* For devices with queues, for those without, or null for both */
static json_t *json_kinds(int kinds)
{
	return !kinds || kinds == KIND_ALL ? json_null() :
					     json_boolean(kinds == KIND_QUEUES);
}

static json_t *json_entry(const struct entry *entry)
{
	const struct check *check = entry->check;

	return json_pack("{s:s, s:o, s:o, s:s, s:s, s:s, s:s, s:s}",
			 "id", check->id, "forms", json_forms(entry->forms),
			 "queues", json_kinds(entry->kinds),
			 "name", check->name,
			 "severity", severity_words[check->severity],
			 "place", entry->place, "expected", entry->expected,
			 "advice", check->advice);
}

static void list_checks(const struct check *checks, unsigned int count,
			json_t *array)
{
	for (unsigned int i = 0; i < count;) {
		struct entry entry;

		i += make_entry(&entry, &checks[i], count - i);
		if (array)
			json_add(array, json_entry(&entry));
		else
			show_line(&entry);
	}
}

/* The checks of devices and of hosts; printed as text without an array */
static void list_all(json_t *array)
{
	unsigned int count;
	const struct check *checks = device_checks(&count);

	list_checks(checks, count, array);
	checks = host_checks(&count);
	list_checks(checks, count, array);
}

static void show_list_json(void)
{
	json_t *json = json_head(), *array = json_array();

	list_all(array);
	json_set(json, "all_checks", array);
	json_print(json, 0);
	putchar('\n');
}

int run_list_checks(void)
{
	if (opt.output == OUTPUT_JSON)
		show_list_json();
	else
		list_all(NULL);
	return EXIT_PASSED;
}

/* The next two are identical to lspci's */
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
	struct pci_param *param = NULL;

	(void)data;
	puts("Known PCI access parameters:\n");
	while ((param = pci_walk_params(libpci, param)))
		printf("%-20s %s (%s)\n", param->param, param->help,
		       param->value);
}

int run_list_params(void)
{
	if (open_libpci())
		call_libpci(list_params, NULL);
	return EXIT_PASSED;
}
