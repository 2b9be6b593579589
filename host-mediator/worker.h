/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WORKER_H
#define WORKER_H

#include "config.h"
#include "metrics.h"
#include "turn.h"

#define WORKER_FEATURES (VGPU_MEDIATOR_FEATURE_SHARED | VGPU_MEDIATOR_FEATURE_FRAMED)

/* Exit status of a worker that ends itself for "command-time-ms" */
#define WORKER_EXIT_TIME 3

/*
 * Serve the connection @fd, which is closed then, for @vm, or for the VM that HELLO names if
 * that is NULL. Returns when it has ended.
 */
void worker_run(int fd, struct turn *turn, struct metrics *metrics, const struct config *config,
		const char *vm);

#endif
