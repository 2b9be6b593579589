// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the virtual machines of a host as text
 */
#include "show.h"

static const char *presence_text(enum presence device)
{
	switch (device) {
	case PRESENCE_YES:
		return "with " DEVICE_TYPE;
	case PRESENCE_NO:
		return "without";
	case PRESENCE_UNKNOWN:
		break;
	}
	return "unknown: its -readconfig cannot be read";
}

void show_machines(const char *prefix)
{
	for (unsigned int i = 0; i < machines.count; i++) {
		const struct machine *machine = &machines.list[i];

		printf("%sprocess %-8u%-34s%s\n", prefix, machine->pid,
		       machine->name[0] ? machine->name : "(no name)",
		       presence_text(machine->device));
	}
}
