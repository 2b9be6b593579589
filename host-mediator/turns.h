/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The turns of the supervisor, which it gives to workers; turn.h is the worker's side */
#ifndef TURNS_H
#define TURNS_H

#include <poll.h>
#include "schedule.h"
#include "turn.h"

/* How many workers may work at a time; 0: as many as there are processors for this process */
void turns_init(unsigned int count);

/* For a worker that is to be started, the i-th. False: the host has no resources. */
bool turns_open(unsigned int i, struct turn *turn);
/* The worker has its end, or there is no worker */
void turns_started(struct turn *turn);
/* It has ended */
void turns_close(unsigned int i);

/* SCHEDULE_MAX descriptors, for poll() until turns_deadline(), in milliseconds */
void turns_watch(struct pollfd *fds);
int64_t turns_deadline(int64_t now);
/* Give turns to those that wait */
void turns_check(const struct pollfd *fds);
/* Whether to kill the worker, because it executes something that does not end */
bool turns_is_stuck(unsigned int i);

#endif
