// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>
#include "status.h"

struct text {
	char text[32];
};

static struct text time_text(uint64_t ns)
{
	struct text text;

	if (!ns)
		snprintf(text.text, sizeof(text.text), "-");
	else if (ns < 1000000)
		snprintf(text.text, sizeof(text.text), "%.1fus", ns / 1e3);
	else if (ns < 1000000000)
		snprintf(text.text, sizeof(text.text), "%.1fms", ns / 1e6);
	else
		snprintf(text.text, sizeof(text.text), "%.1fs", ns / 1e9);
	return text;
}

static struct text size_text(uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	double size = bytes;
	unsigned int unit = 0;
	struct text text;

	for (; size >= 1024 && units[unit + 1]; unit++)
		size /= 1024;
	snprintf(text.text, sizeof(text.text), unit ? "%.1f%c" : "%.0f%c", size, units[unit]);
	return text;
}

static void print_vm(const struct status_vm *vm)
{
	printf("%-20s %7" PRIu32 " %-6s %6" PRIu32 " %12" PRIu64 " %7" PRIu64 " %8s %8s %8s %8s %8s"
	       " %6" PRIu64 " %7" PRIu64 " %7" PRIu64 " %5" PRIu64 "\n",
	       vm->name, vm->devices, status_path(vm), vm->queues, vm->commands, vm->failed,
	       size_text(vm->bytes).text, time_text(vm->busy_ns).text, time_text(vm->p50_ns).text,
	       time_text(vm->p90_ns).text, time_text(vm->p99_ns).text, vm->faults, vm->workers, vm->crashes, vm->kills);
}

bool status_print_text(const struct status *status)
{
	printf("up %.0f s, %" PRIu32 " of %" PRIu32 " connections\n", status->uptime_ms / 1e3,
	       status->connections, status->connections_max);
	printf("%-20s %7s %-6s %6s %12s %7s %8s %8s %8s %8s %8s %6s %7s %7s %5s\n", "VM", "DEVICES",
	       "PATH", "QUEUES", "COMMANDS", "FAILED", "BYTES", "BUSY", "P50", "P90", "P99", "FAULTS",
	       "WORKERS", "CRASHES", "KILLS");
	for (uint32_t i = 0; i < status->vm_count; i++)
		print_vm(&status->vms[i]);
	return !ferror(stdout);
}
