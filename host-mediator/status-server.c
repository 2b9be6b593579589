// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "channel.h"
#include "connections.h"
#include "listen.h"
#include "log.h"
#include "status.h"

static struct socket_config status_socket;
static int listen_fd = -1;
static int64_t started;

bool status_listen(const char *path)
{
	started = channel_now();
	status_socket = (struct socket_config){ .owner = -1, .group = -1 };
	if (strlen(path) >= sizeof(status_socket.path)) {
		log_line(LOG_ERR, "cannot create the status socket %s: the path is too long", path);
		return false;
	}
	strcpy(status_socket.path, path);
	listen_fd = listen_on(&status_socket);
	return listen_fd >= 0;
}

int status_fd(void)
{
	return listen_fd;
}

void status_close(void)
{
	if (listen_fd < 0)
		return;
	close(listen_fd);
	unlink(status_socket.path);
	listen_fd = -1;
}

static struct status_vm describe(const struct record *record, int64_t now)
{
	struct status_vm vm = {
		.devices = record->devices,
		.queues = record->queues,
		.paths = record->paths,
		.connected_ms = record->devices ? now - record->since : 0,
		.workers = record->workers,
		.crashes = record->crashes,
		.kills = record->kills,
		.commands = record->commands,
		.failed = record->failed,
		.bytes = record->bytes,
		.load_commands = record->load.commands,
		.load_bytes = record->load.bytes,
		.memory = record->memory,
		.busy_ns = record->busy_ns,
		.faults = record->faults,
		.p50_ns = record_percentile(record, 50),
		.p90_ns = record_percentile(record, 90),
		.p99_ns = record_percentile(record, 99),
	};

	memcpy(vm.name, record->name, sizeof(vm.name));
	return vm;
}

static struct status *make_status(uint32_t connections_max, size_t *size)
{
	static struct records report; /* too large for a stack */
	int64_t now = channel_now();
	struct status *status;

	connections_report(&report);
	*size = sizeof(*status) + report.count * sizeof(status->vms[0]);
	status = malloc(*size);
	if (!status)
		return NULL;
	*status = (struct status){ STATUS_VERSION, report.count, now - started,
				   connections_count(), connections_max };
	for (unsigned int i = 0; i < report.count; i++)
		status->vms[i] = describe(&report.records[i], now);
	return status;
}

/* All of it fits into the buffer of a new socket, so this does not wait for the reader */
void status_serve(uint32_t connections_max)
{
	int reader = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct status *status;
	size_t size;

	if (reader < 0)
		return;
	status = make_status(connections_max, &size);
	if (!status || send(reader, status, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size)
		log_line(LOG_WARNING, "cannot send the status to a reader: %s", strerror(errno));
	free(status);
	close(reader);
}
