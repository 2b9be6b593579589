// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe host: whether a QEMU on this host has the device
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../options.h"
#include "host.h"

#define PRELOADED	"qemu-vgpu-stub"	/* runs a QEMU with the device */

/*
 * Where distributions install it. Run only these: the executable of a running process
 * may belong to another user.
 */
static const char *const emulators[] = {
	"/usr/lib64/xen/bin/qemu-system-i386",		/* XCP-ng */
	"/usr/libexec/xen-qemu-system-i386",		/* Debian's Xen */
	"/usr/local/bin/qemu-system-x86_64",
	"/usr/bin/qemu-system-x86_64",
	"/usr/libexec/qemu-kvm",			/* Red Hat's */
};

struct asked {
	char names[96];		/* of those that do not have it */
	const char *silent;	/* one that failed, and its exit status */
	int status;
};

static void look_for_type(const char *line, void *data)
{
	bool *listed = data;

	if (!strncmp(line, "name \"" DEVICE_TYPE "\"",
		     strlen("name \"" DEVICE_TYPE "\"")))
		*listed = true;
}

static bool has_device(const char *qemu, struct asked *asked)
{
	const char *const argv[] = { "timeout", "-k", "1", TIME_LIMIT, qemu,
				     "-device", "help", NULL };
	size_t len = strlen(asked->names);
	bool listed = false;
	int status = read_program(argv, look_for_type, &listed);

	if (listed)
		return true;
	if (status) {
		asked->silent = qemu;
		asked->status = status;
	} else {
		snprintf(asked->names + len, sizeof(asked->names) - len, "%s%s",
			 len ? ", " : "", qemu);
	}
	return false;
}

/* This program is build/tools/vgpu-probe in the tree that it was built in */
static bool is_built_beside(char *path, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (len < 0)
		return false;
	path[len] = '\0';
	for (int up = 0; up < 2; up++) {
		slash = strrchr(path, '/');
		if (!slash)
			return false;
		*slash = '\0';
	}
	len = strlen(path);
	snprintf(path + len, size - len, "/device/" PRELOADED);
	return !access(path, X_OK);
}

static bool is_in_path(char *path, size_t size)
{
	const char *p = getenv("PATH");

	for (; p && *p; p += *p == ':') {
		size_t len = strcspn(p, ":");

		snprintf(path, size, "%.*s/" PRELOADED, (int)len, p);
		if (len && !access(path, X_OK))
			return true;
		p += len;
	}
	return false;
}

static const char *find_preloaded(void)
{
	static char path[4096];

	return is_built_beside(path, sizeof(path)) ||
	       is_in_path(path, sizeof(path)) ? path : NULL;
}

/* An installed QEMU that has the device */
static const char *find_emulator(struct asked *asked)
{
	const char *preloaded = find_preloaded();

	if (preloaded && has_device(preloaded, asked))
		return preloaded;
	for (size_t i = 0; i < ARRAY_SIZE(emulators); i++)
		if (!access(emulators[i], X_OK) && has_device(emulators[i], asked))
			return emulators[i];
	return NULL;
}

/* A QEMU that runs with the device has it, wherever it came from */
static const struct machine *find_running(void)
{
	for (unsigned int i = 0; i < machines.count; i++)
		if (machines.list[i].device == PRESENCE_YES)
			return &machines.list[i];
	return NULL;
}

static void found_without(const struct asked *asked, struct finding *finding)
{
	if (asked->names[0])
		found(finding, RESULT_FAIL, "not in %s", asked->names);
	else if (asked->silent)
		found(finding, RESULT_UNKNOWN, "%s -device help exits with %d",
		      asked->silent, asked->status);
	else
		found(finding, RESULT_UNKNOWN, "no QEMU found; name it");
}

CHECK_FUNCTION(check_compiled)
{
	const char *named = opt.argument_count > 1 ? opt.arguments[1] : NULL;
	struct asked asked = { 0 };
	const struct machine *machine;
	const char *qemu;

	(void)check;
	(void)device;
	if (named) {
		if (has_device(named, &asked))
			return found(finding, RESULT_PASS, "%s", named);
		return found_without(&asked, finding);
	}
	qemu = find_emulator(&asked);
	machine = qemu ? NULL : find_running();
	if (qemu)
		found(finding, RESULT_PASS, "%s", qemu);
	else if (machine)
		found(finding, RESULT_PASS, "%.90s, in process %u",
		      machine->program, machine->pid);
	else
		found_without(&asked, finding);
}
