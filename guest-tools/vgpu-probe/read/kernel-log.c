// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the lines of the kernel log about the device
 */
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>

#include "../error.h"
#include "read.h"

/* syslog(2) */
enum { SYSLOG_READ_ALL = 3, SYSLOG_SIZE_BUFFER = 10 };

static bool is_wanted(const char *line, const char *const *words)
{
	for (; *words; words++)
		if (strcasestr(line, *words))
			return true;
	return false;
}

/* Skip the level in "<6>[    1.5] text" */
static const char *skip_level(const char *line)
{
	const char *end = *line == '<' ? strchr(line, '>') : NULL;

	return end ? end + 1 : line;
}

bool read_kernel_log(const char *const *words,
		     void (*take)(const char *line, void *data), void *data)
{
	int size = klogctl(SYSLOG_SIZE_BUFFER, NULL, 0);
	char *log, *line, *save;
	int len;

	if (size <= 0)
		return false;
	log = malloc(size + 1);
	if (!log)
		return out_of_memory();
	len = klogctl(SYSLOG_READ_ALL, log, size);
	if (len >= 0) {
		log[len] = '\0';
		for (line = strtok_r(log, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			if (is_wanted(line, words))
				take(skip_level(line), data);
	}
	free(log);
	return len >= 0;
}
