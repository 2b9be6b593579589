// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the kernel modules that could drive a device
 *
 * libkmod could do this, but would load libcrypto at every start.
 */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/utsname.h>

#include "../error.h"
#include "read.h"

/* "alias PATTERN MODULE": the module, if it is for this device */
static const char *match_alias(char *line, const char *modalias)
{
	char *pattern, *save;

	if (strncmp(line, "alias pci:", 10))
		return NULL;
	strtok_r(line, " \n", &save);
	pattern = strtok_r(NULL, " \n", &save);
	if (!pattern || fnmatch(pattern, modalias, 0))
		return NULL;
	return strtok_r(NULL, " \n", &save);
}

static FILE *open_aliases(void)
{
	struct utsname kernel;
	char path[200];
	FILE *file;

	if (uname(&kernel))
		return NULL;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.alias",
		 kernel.release);
	file = fopen(path, "re");
	if (!file && errno == ENOMEM)
		out_of_memory();
	return file;
}

void find_modules(const struct kernel *kernel,
		  void (*take)(const char *module, void *data), void *data)
{
	char path[400], modalias[128], line[512];
	const char *module;
	FILE *file;

	snprintf(path, sizeof(path), "%s/modalias", kernel->dir);
	if (!read_text(path, modalias, sizeof(modalias)))
		return;
	file = open_aliases();
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		module = match_alias(line, modalias);
		if (module)
			take(module, data);
	}
	fclose(file);
}
