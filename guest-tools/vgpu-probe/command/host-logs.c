// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe host: libxl's and libvirt's logs of QEMU's standard error, one file per
 * machine
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../error.h"
#include "host.h"

/* Ignore the log of a machine that is not running if it is older than this */
#define OLD	(24 * 60 * 60)

/* libvirt writes this line at each start; what precedes it is from an earlier one */
#define LIBVIRT_START	": starting up libvirt version"

static const struct {
	const char *folder, *before, *behind;	/* around the machine's name */
} logs[] = {
	{ "/var/log/xen", "qemu-dm-", ".log" },
	{ "/var/log/libvirt/qemu", "", ".log" },
};

struct logs {
	unsigned int read, old, hidden;
	char line[100];			/* the last complaint */
};

/* QEMU's messages about a device start with the option */
static bool is_complaint(const char *line)
{
	return strcasestr(line, ": -device " DEVICE_TYPE) ||
	       strcasestr(line, "'" DEVICE_TYPE) ||
	       strcasestr(line, DEVICE_TYPE ": ");
}

static void search_log(FILE *file, struct logs *found)
{
	char *line = NULL, last[sizeof(found->line)] = "";
	size_t size = 0;

	errno = 0;
	while (getline(&line, &size, file) >= 0) {
		if (strstr(line, LIBVIRT_START))
			last[0] = '\0';
		else if (is_complaint(line))
			copy_line(last, sizeof(last), line);
	}
	if (errno == ENOMEM)
		out_of_memory();
	free(line);
	if (last[0])
		snprintf(found->line, sizeof(found->line), "%s", last);
}

static bool is_running(const char *name, size_t len)
{
	for (unsigned int i = 0; i < machines.count; i++)
		if (strlen(machines.list[i].name) == len &&
		    !strncmp(machines.list[i].name, name, len))
			return true;
	return false;
}

static void take_log(const char *path, bool is_today, struct logs *found)
{
	struct stat st;
	FILE *file;
	int fd;

	/* a log is a regular file */
	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return;
	if (!is_today && st.st_mtime < time(NULL) - OLD) {
		found->old++;
		return;
	}
	fd = open_regular(path);
	file = fd < 0 ? NULL : fdopen(fd, "r");
	if (file) {
		search_log(file, found);
		found->read++;
		fclose(file);
		return;
	}
	found->hidden++;
	if (fd >= 0)
		close(fd);
}

static void search_folder(size_t i, struct logs *found)
{
	size_t before = strlen(logs[i].before), behind = strlen(logs[i].behind);
	char folder[300], path[600];
	struct dirent *entry;
	DIR *dir;

	host_path(folder, sizeof(folder), logs[i].folder);
	dir = opendir(folder);
	if (!dir) {
		found->hidden += errno == EACCES || errno == EPERM;
		return;
	}
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;
		size_t len = strlen(name);

		if (len <= before + behind || strncmp(name, logs[i].before, before) ||
		    strcmp(name + len - behind, logs[i].behind))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, name);
		take_log(path, is_running(name + before, len - before - behind),
			 found);
	}
	closedir(dir);
}

CHECK_FUNCTION(check_logs)
{
	struct logs found_logs = { 0 };

	(void)check;
	(void)device;
	for (size_t i = 0; i < ARRAY_SIZE(logs); i++)
		search_folder(i, &found_logs);
	if (found_logs.line[0])
		return found(finding, RESULT_FAIL, "%s", found_logs.line);
	found(finding, found_logs.hidden ? RESULT_UNKNOWN : RESULT_PASS,
	      "logs: %u, of machines that are gone: %u, not readable: %u",
	      found_logs.read, found_logs.old, found_logs.hidden);
}
