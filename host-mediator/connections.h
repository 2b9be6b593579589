/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connections of the supervisor, each with its worker */
#ifndef CONNECTIONS_H
#define CONNECTIONS_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include "config.h"
#include "records.h"

/* For the end of each connection, and for the turn of each worker */
#define CONNECTION_FDS (2 * CONNECTIONS_MAX)

/* Workers get this signal mask */
void connections_init(const sigset_t *mask);
unsigned int connections_count(void);

/*
 * Start a worker for @fd, which is taken; @vm is the VM whose socket it was, or NULL. False:
 * there is none, and the device was told.
 */
bool connections_start(int fd, const struct config *config, const char *vm);

/* CONNECTION_FDS descriptors that report the end of connections and more, for poll() ... */
void connections_watch(struct pollfd *fds);
/* ... which was called */
void connections_check(const struct pollfd *fds, int64_t now);

/* After SIGCHLD */
void connections_reap(void);
/* Kill workers that have no connection any more, and those that are stuck */
void connections_kill_late(int64_t now);
/* When to call it again */
int64_t connections_deadline(int64_t now);
void connections_kill_all(void);

/* All VMs, those that are connected and others */
void connections_report(struct records *report);

#endif
