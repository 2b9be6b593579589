// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe host: checks of the host that runs the virtual machine
 */
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../error.h"
#include "../options.h"
#include "command.h"

#define DEVICE_TYPE	"vgpu-stub"	/* as QEMU's -device takes it */
#define TIME_LIMIT	"10"		/* seconds, for a program that is asked */

/* Where things lie, below what VGPU_PROBE_ROOT names */
static void format_path(char *path, size_t size, const char *below)
{
	const char *root = getenv("VGPU_PROBE_ROOT");

	snprintf(path, size, "%s%s", root ? root : "", below);
}

/* A line of somebody else's, without what a terminal would obey */
static void copy_line(char *text, size_t size, const char *line)
{
	size_t len = strcspn(line, "\r\n");

	if (len >= size)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		text[i] = isprint((unsigned char)line[i]) ? line[i] : '?';
	text[len] = '\0';
}

/*** The emulator ***/

/* Which QEMU, where none is named: what a host has at most one of */
static const char *const emulators[] = {
	"/usr/lib64/xen/bin/qemu-system-i386",		/* XCP-ng */
	"/usr/libexec/xen-qemu-system-i386",		/* Debian's Xen */
	"/usr/local/bin/qemu-system-x86_64",
	"/usr/bin/qemu-system-x86_64",
};

static const char *emulator(void)
{
	if (opt.argument_count > 1)
		return opt.arguments[1];
	for (size_t i = 0; i < ARRAY_SIZE(emulators); i++)
		if (!access(emulators[i], X_OK))
			return emulators[i];
	return "qemu-system-x86_64";
}

static void look_for_type(const char *line, void *data)
{
	bool *listed = data;

	if (!strncmp(line, "name \"" DEVICE_TYPE "\"",
		     strlen("name \"" DEVICE_TYPE "\"")))
		*listed = true;
}

static CHECK_FUNCTION(check_compiled)
{
	const char *qemu = emulator();
	const char *const argv[] = { "timeout", "-k", "1", TIME_LIMIT, qemu,
				     "-device", "help", NULL };
	bool listed = false;
	int status = read_program(argv, look_for_type, &listed);

	(void)check;
	(void)device;
	if (listed)
		found(finding, RESULT_PASS, "%s", qemu);
	else if (status)
		found(finding, RESULT_UNKNOWN, "%s -device help ends with %d",
		      qemu, status);
	else
		found(finding, RESULT_FAIL, "not in %s -device help", qemu);
}

/*** Running machines ***/

/* "vgpu-stub", "vgpu-stub,addr=1e" or "{"driver":"vgpu-stub"...", as libvirt has it */
static bool is_device(const char *argument)
{
	size_t len = strlen(DEVICE_TYPE);

	if (argument[0] == '{')
		return strstr(argument, "\"driver\":\"" DEVICE_TYPE "\"");
	return !strncmp(argument, DEVICE_TYPE, len) &&
	       (!argument[len] || argument[len] == ',');
}

/* Not what starts or watches QEMU and has its arguments, such as timeout(1) */
static bool is_emulator(const char *line)
{
	const char *slash = strrchr(line, '/');
	const char *name = slash ? slash + 1 : line;

	return strstr(name, "qemu") || strstr(name, "kvm");
}

/* The arguments of a process, each ended by a NUL */
static bool has_device(const char *line, size_t len)
{
	const char *last = "";

	if (!len || !is_emulator(line))
		return false;
	for (const char *p = line; p < line + len; p += strlen(p) + 1) {
		if (!strcmp(last, "-device") && is_device(p))
			return true;
		last = p;
	}
	return false;
}

static bool read_arguments(const char *path, char **line, size_t *size,
			   size_t *len)
{
	FILE *file = fopen(path, "r");
	ssize_t got;

	if (!file)
		return errno == ENOENT || errno == ESRCH;
	/* there is no such character, so this is the whole of it */
	got = getdelim(line, size, '\377', file);
	*len = got < 0 ? 0 : got;
	fclose(file);
	return true;
}

static CHECK_FUNCTION(check_running)
{
	unsigned int running = 0, hidden = 0;
	char pattern[256], *line = NULL;
	size_t size = 0;
	glob_t paths;

	(void)check;
	(void)device;
	format_path(pattern, sizeof(pattern), "/proc/[0-9]*/cmdline");
	if (glob(pattern, 0, NULL, &paths))
		return found(finding, RESULT_UNKNOWN, "no /proc");
	for (size_t i = 0; i < paths.gl_pathc; i++) {
		size_t len = 0;

		hidden += !read_arguments(paths.gl_pathv[i], &line, &size, &len);
		running += has_device(line, len);
	}
	globfree(&paths);
	free(line);
	found(finding, running ? RESULT_PASS :
	      hidden ? RESULT_UNKNOWN : RESULT_FAIL, "processes: %u", running);
}

/*** What was logged ***/

/* The line with which libvirt begins where the last machine's log ends */
#define LIBVIRT_START	": starting up libvirt version"

struct search {
	const char *const *words;	/* a line that has one of them is bad */
	const char *start;		/* and what was before this is past */
	char line[100];			/* the last such line */
};

static void search_line(const char *line, void *data)
{
	struct search *search = data;

	if (strstr(line, search->start))
		search->line[0] = '\0';
	for (const char *const *word = search->words; *word; word++)
		if (strcasestr(line, *word))
			copy_line(search->line, sizeof(search->line), line);
}

static bool search_file(const char *path, struct search *search)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;

	if (!file)
		return false;
	while (getline(&line, &size, file) >= 0)
		search_line(line, search);
	free(line);
	fclose(file);
	return true;
}

/* What libxl and libvirt keep of QEMU's standard error, a file a machine */
static bool find_logs(glob_t *paths)
{
	static const char *const logs[] = {
		"/var/log/xen/qemu-dm-*.log", "/var/log/libvirt/qemu/*.log",
	};
	char pattern[256];

	*paths = (glob_t){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
		format_path(pattern, sizeof(pattern), logs[i]);
		glob(pattern, i ? GLOB_APPEND : 0, NULL, paths);
	}
	return paths->gl_pathc;
}

static CHECK_FUNCTION(check_logs)
{
	/* QEMU puts the option in front of what it says of a device */
	static const char *const words[] = {
		": -device " DEVICE_TYPE, "'" DEVICE_TYPE, DEVICE_TYPE ": ", NULL
	};
	char line[sizeof(finding->found)] = "";
	unsigned int hidden = 0;
	glob_t paths;

	(void)check;
	(void)device;
	if (!find_logs(&paths))
		return found(finding, RESULT_UNKNOWN, "no log");
	for (size_t i = 0; i < paths.gl_pathc; i++) {
		struct search search = { words, LIBVIRT_START, "" };

		hidden += !search_file(paths.gl_pathv[i], &search);
		if (search.line[0])
			snprintf(line, sizeof(line), "%s", search.line);
	}
	if (line[0])
		found(finding, RESULT_FAIL, "%s", line);
	else
		found(finding, hidden ? RESULT_UNKNOWN : RESULT_PASS,
		      "logs: %zu, not readable: %u", paths.gl_pathc, hidden);
	globfree(&paths);
}

/*** Xen ***/

static bool has_xen(const struct device *device)
{
	char path[256];

	(void)device;
	format_path(path, sizeof(path), "/proc/xen");
	return !access(path, F_OK);
}

static CHECK_FUNCTION(check_xen)
{
	static const char *const argv[] = { "timeout", "-k", "1", TIME_LIMIT,
					    "xl", "dmesg", NULL };
	static const char *const words[] = {
		"domain_crash", "crashed", "triple fault", "unhandled", NULL
	};
	struct search search = { words, LIBVIRT_START, "" };
	int status = read_program(argv, search_line, &search);

	(void)check;
	(void)device;
	if (status)
		found(finding, RESULT_UNKNOWN, "xl dmesg ends with %d", status);
	else
		found(finding, search.line[0] ? RESULT_FAIL : RESULT_PASS, "%s",
		      search.line[0] ? search.line : "nothing");
}

/*** The table ***/

static const struct check host_checks[] = {
	{ .id = "host-compiled", .space = SPACE_HOST,
	  .name = "device in QEMU",
	  .want = "listed by -device help", .run = check_compiled,
	  .advice = "build it in (docs/in-tree.md) or name the QEMU that has it: vgpu-probe host QEMU" },
	{ .id = "host-running", .space = SPACE_HOST,
	  .name = "on a running command line",
	  .want = "a process with -device " DEVICE_TYPE, .run = check_running,
	  .advice = "start the machine with -device " DEVICE_TYPE " (docs/attach.md); run as root to see every process" },
	{ .id = "host-logs", .space = SPACE_HOST,
	  .name = "QEMU's logs",
	  .want = "no complaint about " DEVICE_TYPE, .run = check_logs,
	  .advice = "read the log in /var/log/xen or /var/log/libvirt/qemu, as root; XCP-ng has it in syslog" },
	{ .id = "host-xen", .space = SPACE_HOST,
	  .name = "Xen's messages",
	  .want = "no guest that crashed", .run = check_xen, .applies = has_xen,
	  .advice = "read xl dmesg, as root" },
};

int run_host(void)
{
	static struct findings findings;
	const struct source host = { .name = NULL };
	int status;

	run_checks(NULL, host_checks, ARRAY_SIZE(host_checks), &findings);
	status = worst_status(EXIT_PASSED, &findings);
	show_begin(&host);
	show_findings(&findings);
	show_end(status);
	return status;
}
