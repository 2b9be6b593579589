// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the functions in a dump or in this machine, and selecting among them
 */
#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "../options.h"
#include "read.h"
#include "vgpu_stub.h"

/* More functions than a machine has; a dump may claim any number */
#define MAX_DEVICES	4096

/*** Selection ***/

/* A slot that the user names is selected whatever its IDs are */
static bool make_filter(struct pci_filter *filter)
{
	char *message = NULL;

	pci_filter_init(NULL, filter);
	if (!opt.slot && !opt.id) {
		filter->vendor = VGPU_STUB_VENDOR_ID;
		filter->device = VGPU_STUB_DEVICE_ID;
		return true;
	}
	/* up to 3.7, libpci modifies the text that it parses */
	if (opt.slot)
		message = pci_filter_parse_slot(filter, strdupa(opt.slot));
	if (message)
		return fail(EXIT_USAGE, "-s %s: %s", opt.slot, message);
	if (opt.id)
		message = pci_filter_parse_id(filter, strdupa(opt.id));
	if (message)
		return fail(EXIT_USAGE, "-d %s: %s", opt.id, message);
	return true;
}

/* libpci's filter needs a struct pci_dev, which a dump's function does not have */
static bool matches(struct pci_filter *filter, const struct function *function)
{
	struct pci_dev pci = {
		.domain = function->slot.domain, .bus = function->slot.bus,
		.dev = function->slot.dev, .func = function->slot.func,
		.vendor_id = function->vendor, .device_id = function->device,
		.device_class = function->class, .known_fields = ~0U,
	};

	return pci_filter_match(filter, &pci);
}

static bool select_functions(struct source *source)
{
	struct pci_filter filter;

	if (!make_filter(&filter))
		return false;
	for (unsigned int i = 0; i < source->function_count; i++) {
		struct function *f = &source->functions[i];

		f->is_selected = matches(&filter, f);
		source->selected += f->is_selected;
	}
	if (source->selected > MAX_DEVICES)
		return fail(EXIT_USAGE, "more than %d devices match",
			    MAX_DEVICES);
	return true;
}

/* The selection, for messages */
const char *selection_text(void)
{
	static char text[160];

	if (opt.slot || opt.id)
		snprintf(text, sizeof(text), "matches%s%.64s%s%.64s",
			 opt.slot ? " -s " : "", opt.slot ? opt.slot : "",
			 opt.id ? " -d " : "", opt.id ? opt.id : "");
	else
		snprintf(text, sizeof(text), "%04x:%04x", VGPU_STUB_VENDOR_ID,
			 VGPU_STUB_DEVICE_ID);
	return text;
}

/*** Functions ***/

static int compare_functions(const void *a, const void *b)
{
	const struct function *x = a, *y = b;
	int order = compare_slots(&x->slot, &y->slot);

	return order ? order : x->line < y->line ? -1 : x->line > y->line;
}

/* As lspci sorts them */
static void sort_functions(struct source *source)
{
	struct function *f = source->functions;

	if (!source->function_count)
		return;
	qsort(f, source->function_count, sizeof(*f), compare_functions);
	for (unsigned int i = 0; i < source->function_count; i++) {
		source->domains |= f[i].slot.domain;
		if (i && !compare_slots(&f[i].slot, &f[i - 1].slot))
			f[i].is_again = f[i - 1].is_again = true;
	}
}

/* "-A dump" also reads a dump, and is treated like -F */
static const char *dump_option(void)
{
	static const char name[] = "dump.name=";
	const char *value = NULL;

	if (!opt.method || strcmp(opt.method, "dump"))
		return NULL;
	for (unsigned int i = 0; i < opt.param_count; i++)
		if (!strncmp(opt.params[i], name, strlen(name)))
			value = opt.params[i] + strlen(name);
	if (!value || !*value)
		fail(EXIT_USAGE, "-A dump: name the file with -O dump.name=FILE");
	return value;
}

/* The dump of this name, or this machine if it is NULL */
bool open_source(struct source *source, const char *name)
{
	*source = (struct source){ .name = name ? name : dump_option() };
	if (source->name && opt.mmio)
		fail(EXIT_USAGE, "%s: --mmio reads a device, this is a dump",
		     source->name);
	if (has_failed() || !open_libpci())
		return false;
	if (!(source->name ? open_dump(source) : open_machine(source)))
		return false;
	sort_functions(source);
	return select_functions(source);
}

void close_source(struct source *source)
{
	free(source->functions);
	free(source->text);
	*source = (struct source){ 0 };
}
