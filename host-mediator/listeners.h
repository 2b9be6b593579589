/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets on which the supervisor listens for devices */
#ifndef LISTENERS_H
#define LISTENERS_H

#include <poll.h>
#include "config.h"

#define LISTENERS_MAX (1 + VMS_MAX)

/*
 * Use an inherited socket that listens. If a VM has a socket of that path, it is that VM's.
 * False after logging why it cannot be used.
 */
bool listeners_inherit(int fd, const struct config *config);
/* Create the sockets of the configuration that were not inherited */
bool listeners_create(const struct config *config);
/* Remove the sockets that were created */
void listeners_close(void);

unsigned int listeners_count(void);
/* The path of the first one, or "" */
const char *listeners_path(void);
/* Whose socket the listener is: a VM, or NULL */
const char *listeners_vm(unsigned int i);
/* One for each listener, for poll() */
void listeners_watch(struct pollfd *fds, bool pause);

#endif
