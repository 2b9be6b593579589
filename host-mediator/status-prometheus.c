// SPDX-License-Identifier: GPL-2.0-or-later
/* The text format of Prometheus, for the textfile collector of node_exporter */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include "status.h"

struct counter {
	const char *name, *help;
	size_t offset;
};

static const struct counter counters[] = {
	{ "workers", "Workers that were started.", offsetof(struct status_vm, workers) },
	{ "crashes", "Workers that were killed by a signal.", offsetof(struct status_vm, crashes) },
	{ "kills", "Workers that the supervisor killed, or that ended for command-time-ms.",
	  offsetof(struct status_vm, kills) },
	{ "faults", "Messages for which a connection was closed.",
	  offsetof(struct status_vm, faults) },
	{ "commands", "Commands that have ended.", offsetof(struct status_vm, commands) },
	{ "failed_commands", "Commands that have ended with an error.",
	  offsetof(struct status_vm, failed) },
	{ "bytes", "Bytes that commands have read and written.", offsetof(struct status_vm, bytes) },
};

static void head(const char *name, const char *type, const char *help)
{
	printf("# HELP vgpu_mediator_%s %s\n# TYPE vgpu_mediator_%s %s\n", name, help, name, type);
}

/* In the value of a label, these have to be escaped */
static void print_name(const char *name)
{
	for (; *name; name++) {
		if (*name == '\\' || *name == '"')
			putchar('\\');
		putchar(*name);
	}
}

static void sample(const char *name, const char *suffix, const struct status_vm *vm)
{
	printf("vgpu_mediator_%s%s{vm=\"", name, suffix);
	print_name(vm->name);
	putchar('"');
}

static void print_counter(const struct status *status, const struct counter *counter)
{
	char name[64];

	snprintf(name, sizeof(name), "vm_%s_total", counter->name);
	head(name, "counter", counter->help);
	for (uint32_t i = 0; i < status->vm_count; i++) {
		const struct status_vm *vm = &status->vms[i];

		sample(name, "", vm);
		printf("} %" PRIu64 "\n", *(const uint64_t *)((const char *)vm + counter->offset));
	}
}

static void print_busy(const struct status *status)
{
	head("vm_busy_seconds_total", "counter", "Time for which workers have worked.");
	for (uint32_t i = 0; i < status->vm_count; i++) {
		sample("vm_busy_seconds_total", "", &status->vms[i]);
		printf("} %.9g\n", status->vms[i].busy_ns / 1e9);
	}
}

static void print_gauges(const struct status *status)
{
	head("vm_devices", "gauge", "Devices that are connected.");
	for (uint32_t i = 0; i < status->vm_count; i++) {
		sample("vm_devices", "", &status->vms[i]);
		printf("} %" PRIu32 "\n", status->vms[i].devices);
	}
	head("vm_queues", "gauge", "Queues that run on the shared path.");
	for (uint32_t i = 0; i < status->vm_count; i++) {
		sample("vm_queues", "", &status->vms[i]);
		printf("} %" PRIu32 "\n", status->vms[i].queues);
	}
}

static void print_quantile(const struct status_vm *vm, const char *quantile, uint64_t ns)
{
	sample("vm_latency_seconds", "", vm);
	printf(",quantile=\"%s\"} %.9g\n", quantile, ns / 1e9);
}

static void print_latency(const struct status *status)
{
	head("vm_latency_seconds", "summary", "Time from fetching a command until it is complete.");
	for (uint32_t i = 0; i < status->vm_count; i++) {
		const struct status_vm *vm = &status->vms[i];

		if (!vm->p99_ns)
			continue;
		print_quantile(vm, "0.5", vm->p50_ns);
		print_quantile(vm, "0.9", vm->p90_ns);
		print_quantile(vm, "0.99", vm->p99_ns);
	}
}

bool status_print_prometheus(const struct status *status)
{
	head("uptime_seconds", "gauge", "Time since the mediator was started.");
	printf("vgpu_mediator_uptime_seconds %.3f\n", status->uptime_ms / 1e3);
	head("connections", "gauge", "Devices that are connected, of all VMs.");
	printf("vgpu_mediator_connections %" PRIu32 "\n", status->connections);
	print_gauges(status);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		print_counter(status, &counters[i]);
	print_busy(status);
	print_latency(status);
	return !ferror(stdout);
}
