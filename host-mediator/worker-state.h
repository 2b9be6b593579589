/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker, and what it does with each message
 */
#ifndef WORKER_STATE_H
#define WORKER_STATE_H

#include "buffers.h"
#include "channel.h"
#include "config.h"
#include "frames.h"
#include "memory.h"
#include "metrics.h"
#include "service.h"
#include "turn.h"

struct worker {
	struct channel channel;
	char name[VGPU_MEDIATOR_NAME_MAX];
	const struct config *config;
	const char *vm; /* whose socket this is, or NULL */
	struct limits limits;
	struct metrics *metrics;
	struct turn *turn;
	bool waits; /* for its turn */
	unsigned int features, queues;
	int lifeline[2]; /* the device waits until the write end is closed */
	struct memory memory;
	struct vgpu_buffers buffers;
	uint32_t removing[VGPU_STUB_BUFFERS_MAX]; /* SERIAL of BUFFER_REMOVE */
	unsigned int removals;
	struct service services[VGPU_STUB_QUEUES_MAX];
	struct frames frames;
};

/* The message just received; a fault closes the channel */
void worker_handle(struct worker *worker, const union message *message);
/* Answer BUFFER_REMOVE for the buffers that no command uses any more */
void worker_end_removals(struct worker *worker);

#endif
