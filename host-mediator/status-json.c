// SPDX-License-Identifier: GPL-2.0-or-later
#include <jansson.h>
#include "status.h"

/* Counters of a hostile worker may be larger than a number of JSON here */
static json_t *number(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *describe(const struct status_vm *vm)
{
	return json_pack("{s:s, s:i, s:s, s:i, s:{s:o, s:o}, s:o, s:f, s:o, s:o, s:o, s:f,"
			 " s:{s:o, s:o, s:o}, s:o, s:o, s:o, s:o}",
			 "name", vm->name, "devices", (int)vm->devices, "path", status_path(vm),
			 "queues", (int)vm->queues,
			 "in_flight", "commands", number(vm->load_commands),
			 "bytes", number(vm->load_bytes), "memory", number(vm->memory),
			 "connected_seconds", vm->connected_ms / 1e3,
			 "commands", number(vm->commands), "failed", number(vm->failed),
			 "bytes", number(vm->bytes), "busy_seconds", vm->busy_ns / 1e9,
			 "latency_ns", "p50", number(vm->p50_ns), "p90", number(vm->p90_ns),
			 "p99", number(vm->p99_ns),
			 "faults", number(vm->faults), "workers", number(vm->workers),
			 "crashes", number(vm->crashes), "kills", number(vm->kills));
}

bool status_print_json(const struct status *status)
{
	json_t *vms = json_array();
	json_t *root;
	bool good = true;

	for (uint32_t i = 0; i < status->vm_count; i++)
		good = !json_array_append_new(vms, describe(&status->vms[i])) && good;
	root = json_pack("{s:f, s:i, s:i, s:o}", "uptime_seconds", status->uptime_ms / 1e3,
			 "connections", (int)status->connections, "connections_max",
			 (int)status->connections_max, "vms", vms);
	good = root && good && !json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) &&
	       putchar('\n') != EOF;
	json_decref(root);
	return good;
}
