// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: names of classes, vendors and devices from pci.ids
 */
#include "../error.h"
#include "../options.h"
#include "read.h"

struct lookup {
	char *text;
	size_t size;
	int flags;
	unsigned int id[4];
	const char *name;
};

/* libpci reads only as many arguments as the flags need */
static void look_up(void *data)
{
	struct lookup *l = data;

	libpci->numeric_ids = opt.numeric;
	l->name = pci_lookup_name(libpci, l->text, l->size, l->flags, l->id[0],
				  l->id[1], l->id[2], l->id[3]);
}

/* Names from a file must not control the terminal */
static const char *name_of(struct lookup l)
{
	if (has_failed() || !call_libpci(look_up, &l) || !l.name)
		return NULL;
	if (l.name != l.text)
		snprintf(l.text, l.size, "%s", l.name);
	make_printable(l.text);
	return l.text;
}

const char *class_name(char *text, size_t size, unsigned int class)
{
	const char *name = name_of((struct lookup){
		text, size, PCI_LOOKUP_CLASS, { class } });

	return name ? name : "";
}

const char *prog_if_name(char *text, size_t size, unsigned int class,
			 unsigned int prog_if)
{
	return name_of((struct lookup){
		text, size, PCI_LOOKUP_PROGIF | PCI_LOOKUP_NO_NUMBERS,
		{ class, prog_if } });
}

const char *device_name(char *text, size_t size, unsigned int vendor,
			unsigned int device)
{
	const char *name = name_of((struct lookup){
		text, size, PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
		{ vendor, device } });

	return name ? name : "";
}

const char *subsystem_name(char *text, size_t size,
			   const struct function *function,
			   unsigned int vendor, unsigned int device)
{
	const char *name = name_of((struct lookup){
		text, size, PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_VENDOR |
		PCI_LOOKUP_DEVICE,
		{ function->vendor, function->device, vendor, device } });

	return name ? name : "";
}
