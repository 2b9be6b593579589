// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include "config.h"

const struct limits config_unset_limits = { CONFIG_UNSET, CONFIG_UNSET, CONFIG_UNSET,
					    CONFIG_UNSET, CONFIG_UNSET };
const struct socket_config config_unset_socket = { "", -1, -1 };

static void inherit(uint64_t *limit, uint64_t from)
{
	if (*limit == CONFIG_UNSET)
		*limit = from;
}

static void inherit_limits(struct limits *limits, const struct limits *from)
{
	inherit(&limits->weight, from->weight);
	inherit(&limits->commands, from->commands);
	inherit(&limits->bytes, from->bytes);
	inherit(&limits->memory, from->memory);
	inherit(&limits->time_ms, from->time_ms);
}

static void inherit_owner(struct socket_config *socket, const struct socket_config *from)
{
	if (socket->owner == (uid_t)-1)
		socket->owner = from->owner;
	if (socket->group == (gid_t)-1)
		socket->group = from->group;
}

/* [defaults] and [mediator] may follow the VMs in the file */
void config_resolve(struct config *config)
{
	static const struct limits built_in = { .weight = 1, .time_ms = 30000 };

	inherit_limits(&config->defaults, &built_in);
	inherit(&config->connections, CONNECTIONS_MAX);
	for (unsigned int i = 0; i < config->vm_count; i++) {
		inherit_limits(&config->vms[i].limits, &config->defaults);
		inherit_owner(&config->vms[i].socket, &config->socket);
	}
}

void config_clear(struct config *config)
{
	*config = (struct config){ .socket = config_unset_socket, .connections = CONFIG_UNSET,
				   .defaults = config_unset_limits };
}

void config_init(struct config *config)
{
	config_clear(config);
	config_resolve(config);
}

const struct limits *config_limits(const struct config *config, const char *socket_vm,
				   const char *name)
{
	for (unsigned int i = 0; i < config->vm_count; i++) {
		const struct vm_config *vm = &config->vms[i];

		if (socket_vm ? !strcmp(vm->name, socket_vm) :
				!vm->socket.path[0] && !strcmp(vm->name, name))
			return &vm->limits;
	}
	return &config->defaults;
}
