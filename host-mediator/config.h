/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration file; vgpu-mediator(8) describes it */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>
#include "limits.h"
#include "vgpu_mediator.h"

#define CONNECTIONS_MAX 256
#define VMS_MAX 256
#define SOCKET_PATH_SIZE sizeof(((struct sockaddr_un *)0)->sun_path)

struct socket_config {
	char path[SOCKET_PATH_SIZE]; /* "": none */
	uid_t owner; /* -1: not given */
	gid_t group;
};

struct vm_config {
	char name[VGPU_MEDIATOR_NAME_MAX];
	struct limits limits;
	struct socket_config socket; /* whoever connects to it is this VM */
};

struct config {
	struct socket_config socket; /* for all VMs */
	uint64_t connections; /* at most */
	struct limits defaults;
	struct vm_config vms[VMS_MAX];
	unsigned int vm_count;
};

/* What a file has not set; config_resolve() replaces it */
#define CONFIG_UNSET UINT64_MAX
extern const struct limits config_unset_limits;
extern const struct socket_config config_unset_socket;
void config_clear(struct config *config);
void config_resolve(struct config *config);

/* Without a file */
void config_init(struct config *config);
/* Logs every fault of the file; false if there is one */
bool config_load(struct config *config, const char *path);

/*
 * The limits of a VM. @socket_vm is the VM whose socket it is connected to, or NULL. Only
 * then a VM that has a socket is known to be the one: NAME of HELLO is just a claim.
 */
const struct limits *config_limits(const struct config *config, const char *socket_vm,
				   const char *name);

#endif
