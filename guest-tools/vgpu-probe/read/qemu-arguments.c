// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: QEMU's arguments, and the configuration files that they name
 */
#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "qemu.h"

static void set_name(struct machine *machine, const char *name)
{
	snprintf(machine->name, sizeof(machine->name), "%s", name);
	make_printable(machine->name);
}

/*** -readconfig ***/

/* A line of a -readconfig file: [group "id"], or key = "value" */
static void read_line(const char *line, char group[64], bool *is_ours,
		      struct machine *machine)
{
	char key[64], value[128] = "";

	if (*line == '[') {
		*group = '\0';
		sscanf(line, "[%63[^] ]", group);
		*is_ours = false;
	} else if (sscanf(line, " %63s = \"%127[^\"]\"", key, value) < 1) {
		return;
	} else if (!strcmp(group, "device") && !strcmp(key, "driver")) {
		*is_ours = !strcmp(value, DEVICE_TYPE);
	} else if (!strcmp(group, "name") && !strcmp(key, "guest")) {
		set_name(machine, value);
	}
	if (*is_ours)
		machine->device = PRESENCE_YES;
}

static void read_config_file(const struct bytes *file, struct machine *machine)
{
	char group[64] = "";
	bool is_ours = false;

	for (const char *line = file->data; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		read_line(line, group, &is_ours, machine);
	}
}

/* The path is the process's, which may have another root directory */
static bool take_config(const char *process, const char *path,
			struct machine *machine)
{
	struct bytes file = { 0 };
	char full[4400];

	snprintf(full, sizeof(full), "%s/%s/%s", process,
		 *path == '/' ? "root" : "cwd", path);
	if (read_bytes(full, &file))
		read_config_file(&file, machine);
	else if (machine->device == PRESENCE_NO)
		machine->device = PRESENCE_UNKNOWN;
	free(file.data);
	return !has_failed();
}

/*** The arguments ***/

/* QEMU accepts options with one dash or two */
static const char *option_name(const char *argument)
{
	if (*argument != '-')
		return "";
	return argument + (argument[1] == '-' ? 2 : 1);
}

static bool take_option(const char *name, const char *value,
			const char *process, struct machine *machine)
{
	char text[sizeof(machine->name)];

	if (!strcmp(name, "device") && is_device_option(value))
		machine->device = PRESENCE_YES;
	else if (!strcmp(name, "readconfig"))
		return take_config(process, value, machine);
	else if (!strcmp(name, "name") &&
		 find_option(value, "guest", text, sizeof(text)))
		set_name(machine, text);
	else if (!strcmp(name, "xen-domid") && !machine->name[0])
		snprintf(machine->name, sizeof(machine->name), "domain %.20s",
			 value);
	return !has_failed();
}

/* Arguments are NUL-terminated and may contain any other byte */
bool read_arguments(const struct bytes *arguments, const char *process,
		    struct machine *machine)
{
	const char *end = arguments->data + arguments->len;
	const char *option = "";

	for (const char *p = arguments->data; p < end; p += strlen(p) + 1) {
		if (*option && !take_option(option, p, process, machine))
			return false;
		option = option_name(p);
	}
	return true;
}
