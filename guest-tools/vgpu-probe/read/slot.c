// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: slots, in the order and form in which lspci shows them
 */
#include "read.h"

int compare_slots(const struct slot *a, const struct slot *b)
{
	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	if (a->bus != b->bus)
		return a->bus < b->bus ? -1 : 1;
	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	return (int)a->func - (int)b->func;
}

void format_slot(char *text, size_t size, const struct slot *slot, bool domain)
{
	char prefix[16] = "";

	if (!slot) {
		snprintf(text, size, "host");
		return;
	}
	if (domain)
		snprintf(prefix, sizeof(prefix), "%04x:", slot->domain);
	snprintf(text, size, "%s%02x:%02x.%x", prefix, slot->bus, slot->dev,
		 slot->func);
}
