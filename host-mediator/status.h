/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status of a mediator. A reader connects to the status socket; the supervisor sends
 * struct status with the VMs, and closes the connection.
 */
#ifndef STATUS_H
#define STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include "vgpu_mediator.h"

#define STATUS_SUFFIX ".status" /* behind the path of the socket for devices */
#define STATUS_DEFAULT "/run/vgpu-mediator/status"
#define STATUS_VERSION 3
#define STATUS_SIZE_MAX 0x40000

struct status_vm {
	char name[VGPU_MEDIATOR_NAME_MAX];
	uint32_t devices, queues;
	uint32_t paths; /* bits of enum metrics_path */
	int64_t connected_ms;
	uint64_t load_commands, load_bytes, memory;
	uint64_t workers, crashes, kills;
	uint64_t commands, failed, bytes, busy_ns, faults;
	uint64_t p50_ns, p90_ns, p99_ns;
};

struct status {
	uint32_t version; /* of this structure */
	uint32_t vm_count;
	int64_t uptime_ms;
	uint32_t connections, connections_max;
	struct status_vm vms[];
};

/* Of the supervisor: listen on that socket; poll() its descriptor, then serve a reader */
bool status_listen(const char *path);
int status_fd(void);
void status_serve(uint32_t connections_max);
void status_close(void);

/* The command "vgpu-mediator status": its exit status */
int status_main(int argc, char **argv);

/* A path of the VM, or what it has instead */
const char *status_path(const struct status_vm *vm);
/* The forms of its output; false if it cannot be written */
bool status_print_text(const struct status *status);
bool status_print_json(const struct status *status);
bool status_print_prometheus(const struct status *status);

#endif
