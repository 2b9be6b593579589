// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "log.h"
#include "parse.h"

/* What libinih has room for; it cuts off the rest without a word */
#define LINE_LENGTH_MAX 197
#define SECTION_LENGTH_MAX 49

struct reader {
	struct config *config;
	FILE *file;
	const char *path;
	int line;
	bool good;
};

/* Faults */

__attribute__((format(printf, 2, 3)))
static void report(struct reader *reader, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_line(LOG_ERR, "%s:%d: %s", reader->path, reader->line, text);
	reader->good = false;
}

/* Values */

static void set_number(struct reader *reader, uint64_t *number, const char *key,
		       const char *value, uint64_t min, uint64_t max)
{
	if (*number != CONFIG_UNSET)
		report(reader, "%s is given twice", key);
	else if (!parse_number(value, false, number) || *number < min || *number > max)
		report(reader, "%s = %s: allowed are numbers from %ju to %ju", key, value,
		       (uintmax_t)min, (uintmax_t)max);
}

static void set_size(struct reader *reader, uint64_t *number, const char *key,
		     const char *value)
{
	if (*number != CONFIG_UNSET)
		report(reader, "%s is given twice", key);
	else if (!parse_number(value, true, number) || *number == CONFIG_UNSET)
		report(reader, "%s = %s: allowed are bytes, also with K, M or G, and 0 for no limit",
		       key, value);
}

static void set_path(struct reader *reader, struct socket_config *socket, const char *value)
{
	if (socket->path[0])
		report(reader, "socket is given twice");
	else if (value[0] != '/' || strlen(value) >= sizeof(socket->path))
		report(reader, "socket = %s: allowed is an absolute path of up to %zu bytes",
		       value, sizeof(socket->path) - 1);
	else
		strcpy(socket->path, value);
}

static void set_owner(struct reader *reader, struct socket_config *socket, const char *value)
{
	if (socket->owner != (uid_t)-1)
		report(reader, "owner is given twice");
	else if (!parse_user(value, &socket->owner))
		report(reader, "owner = %s: allowed is a user of this host, or a number", value);
}

static void set_group(struct reader *reader, struct socket_config *socket, const char *value)
{
	if (socket->group != (gid_t)-1)
		report(reader, "group is given twice");
	else if (!parse_group(value, &socket->group))
		report(reader, "group = %s: allowed is a group of this host, or a number", value);
}

/* Keys. The functions return whether there is such a key. */

static bool set_limit(struct reader *reader, struct limits *limits, const char *key,
		      const char *value)
{
	if (!strcmp(key, "weight"))
		set_number(reader, &limits->weight, key, value, 1, WEIGHT_MAX);
	else if (!strcmp(key, "commands"))
		set_number(reader, &limits->commands, key, value, 0, UINT32_MAX);
	else if (!strcmp(key, "bytes"))
		set_size(reader, &limits->bytes, key, value);
	else if (!strcmp(key, "memory"))
		set_size(reader, &limits->memory, key, value);
	else if (!strcmp(key, "command-time-ms"))
		set_number(reader, &limits->time_ms, key, value, 0, INT32_MAX);
	else
		return false;
	return true;
}

static bool set_socket(struct reader *reader, struct socket_config *socket, const char *key,
		       const char *value)
{
	if (!strcmp(key, "socket"))
		set_path(reader, socket, value);
	else if (!strcmp(key, "owner"))
		set_owner(reader, socket, value);
	else if (!strcmp(key, "group"))
		set_group(reader, socket, value);
	else
		return false;
	return true;
}

static void set_mediator(struct reader *reader, const char *key, const char *value)
{
	struct config *config = reader->config;

	if (!strcmp(key, "connections"))
		set_number(reader, &config->connections, key, value, 1, CONNECTIONS_MAX);
	else if (!set_socket(reader, &config->socket, key, value))
		report(reader, "%s: allowed in [mediator] are socket, owner, group, connections",
		       key);
}

static void set_default(struct reader *reader, const char *key, const char *value)
{
	if (!set_limit(reader, &reader->config->defaults, key, value))
		report(reader, "%s: allowed in [defaults] are weight, commands, bytes, memory, "
		       "command-time-ms", key);
}

static void set_vm(struct reader *reader, struct vm_config *vm, const char *key,
		   const char *value)
{
	if (vm && !set_limit(reader, &vm->limits, key, value) &&
	    !set_socket(reader, &vm->socket, key, value))
		report(reader, "%s: allowed in [vm NAME] are weight, commands, bytes, memory, "
		       "command-time-ms, socket, owner, group", key);
}

/* Sections */

static struct vm_config *find_vm(struct config *config, const char *name)
{
	for (unsigned int i = 0; i < config->vm_count; i++) {
		if (!strcmp(config->vms[i].name, name))
			return &config->vms[i];
	}
	return NULL;
}

static struct vm_config *find_or_add_vm(struct reader *reader, const char *name)
{
	struct config *config = reader->config;
	struct vm_config *vm = find_vm(config, name);

	if (vm)
		return vm;
	if (config->vm_count == VMS_MAX) {
		report(reader, "more than %d VMs", VMS_MAX);
		return NULL;
	}
	vm = &config->vms[config->vm_count++];
	*vm = (struct vm_config){ .limits = config_unset_limits,
				   .socket = config_unset_socket };
	snprintf(vm->name, sizeof(vm->name), "%s", name);
	return vm;
}

static int take_value(void *opaque, const char *section, const char *key, const char *value)
{
	struct reader *reader = opaque;

	if (!strcmp(section, "mediator"))
		set_mediator(reader, key, value);
	else if (!strcmp(section, "defaults"))
		set_default(reader, key, value);
	else if (!strncmp(section, "vm ", 3) && section[3 + strspn(section + 3, " \t")])
		set_vm(reader, find_or_add_vm(reader, section + 3 + strspn(section + 3, " \t")),
		       key, value);
	else
		report(reader, "%s in [%s]: allowed sections are [mediator], [defaults], "
		       "[vm NAME]", key, section);
	return 1;
}

/* Lines */

static void skip_rest(FILE *file)
{
	int byte;

	do
		byte = getc(file);
	while (byte != '\n' && byte != EOF);
}

static void check_length(struct reader *reader, char *text)
{
	size_t length = strcspn(text, "\n");

	if (length <= LINE_LENGTH_MAX &&
	    (text[0] != '[' || strcspn(text, "]\n") <= SECTION_LENGTH_MAX + 1))
		return;
	report(reader, "too long: allowed are %d bytes in a line, %d in the name of a section",
	       LINE_LENGTH_MAX, SECTION_LENGTH_MAX);
	if (text[length] != '\n')
		skip_rest(reader->file);
	text[0] = 0;
}

/*
 * libinih asks for each line here, so take_value() knows its number. To libinih, a line that
 * begins with a blank continues the value before it.
 */
static char *read_line(char *text, int size, void *opaque)
{
	struct reader *reader = opaque;
	size_t blanks;

	if (!fgets(text, size, reader->file))
		return NULL;
	reader->line++;
	check_length(reader, text);
	blanks = strspn(text, " \t");
	memmove(text, text + blanks, strlen(text) + 1 - blanks);
	return text;
}

bool config_load(struct config *config, const char *path)
{
	struct reader reader = { config, fopen(path, "re"), path, 0, true };
	int line;

	config_clear(config);
	if (!reader.file) {
		log_line(LOG_ERR, "cannot open the configuration %s: %s", path, strerror(errno));
		return false;
	}
	line = ini_parse_stream(read_line, &reader, take_value, &reader);
	if (line > 0) {
		reader.line = line;
		report(&reader, "allowed is a section in brackets, KEY = VALUE, or a comment with #");
	}
	if (ferror(reader.file)) {
		log_line(LOG_ERR, "cannot read the configuration %s: %s", path, strerror(errno));
		reader.good = false;
	}
	fclose(reader.file);
	config_resolve(config);
	return reader.good;
}
