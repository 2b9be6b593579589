// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe host: checks of the host that runs the virtual machine
 */
#include <string.h>
#include <unistd.h>

#include "../error.h"
#include "host.h"

/*** Running machines ***/

static CHECK_FUNCTION(check_running)
{
	unsigned int with = count_machines(PRESENCE_YES);
	unsigned int unknown = count_machines(PRESENCE_UNKNOWN);

	(void)check;
	(void)device;
	if (machines.no_proc)
		return found(finding, RESULT_UNKNOWN, "no /proc");
	if (!machines.count && !machines.hidden)
		return found(finding, RESULT_FAIL, "no QEMU is running");
	found(finding, with ? RESULT_PASS : unknown || machines.hidden ?
	      RESULT_UNKNOWN : RESULT_FAIL, "with it: %u, without: %u%s", with,
	      machines.count - with - unknown,
	      unknown || machines.hidden ? ", not readable: some" : "");
}

/*** Xen ***/

static bool has_xen(const struct device *device)
{
	char path[256];

	(void)device;
	host_path(path, sizeof(path), "/proc/xen");
	return !access(path, F_OK);
}

static void search_line(const char *line, void *data)
{
	static const char *const words[] = {
		"domain_crash", "crashed", "triple fault", "unhandled",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(line, words[i]))
			copy_line(data, 100, line);
}

static CHECK_FUNCTION(check_xen)
{
	static const char *const argv[] = { "timeout", "-k", "1", TIME_LIMIT,
					    "xl", "dmesg", NULL };
	char line[100] = "";
	int status = read_program(argv, search_line, line);

	(void)check;
	(void)device;
	if (status)
		found(finding, RESULT_UNKNOWN, "xl dmesg exits with %d", status);
	else
		found(finding, line[0] ? RESULT_FAIL : RESULT_PASS, "%s",
		      line[0] ? line : "nothing");
}

/*** The table ***/

static const struct check checks[] = {
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

const struct check *host_checks(unsigned int *count)
{
	*count = ARRAY_SIZE(checks);
	return checks;
}

int run_host(void)
{
	static struct findings findings;
	const struct source host = { .name = NULL };
	int status;

	if (!find_machines())
		return error.status;
	run_checks(NULL, checks, ARRAY_SIZE(checks), &findings);
	if (has_failed())
		return error.status;
	status = worst_status(EXIT_PASSED, &findings);
	show_begin(&host);
	show_findings(&findings);
	show_end(status);
	return has_failed() ? error.status : status;
}
