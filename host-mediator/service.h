/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue on the shared path: what QUEUE_START hands over, and the commands of set 1, which
 * the device executes.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include "channel.h"
#include "engine.h"
#include "limits.h"
#include "queue.h"
#include "turn.h"

/* The device executes a command: EXECUTE ... */
enum ask {
	ASK_NONE,
	ASK_SENT,
	ASK_DONE, /* was answered */
	ASK_CANCELLED, /* QUEUE_STOP follows or was received */
};

struct service {
	struct channel *channel;
	struct turn *turn;
	const struct limits *limits;
	struct load *load;
	unsigned int number;
	bool running;
	bool more; /* there may be commands */
	int kick;
	struct metrics *metrics;
	struct queue queue;
	struct engine engine;
	size_t record_size;
	bool started; /* the engine has the command, which is part of the load */
	uint64_t bytes; /* of the command */
	int64_t spent; /* nanoseconds in which it was executed */

	enum ask ask;
	uint32_t ask_serial;
	unsigned int status; /* of the answer */
	uint64_t result;
	uint32_t stop_serial; /* of a QUEUE_STOP that waits for the answer, or 0 */

	uint32_t sq_head, cq_tail; /* at the last stop */
};

/*
 * Take the descriptors of the message, which is in the channel. Returns a STATUS of the
 * answer, or a CODE of ERROR in *fault.
 */
unsigned int service_start(struct service *service, const struct vgpu_mediator_queue_start *start,
			   const struct memory *memory, unsigned int *fault);
/* Execute some commands, or a part of one; it may report QUEUE_ERROR */
void service_serve(struct service *service);
/* Returns whether the answer was to an EXECUTE of this queue */
bool service_executed(struct service *service, const struct vgpu_mediator_execute_answer *answer);
/* False: the answer of the device to EXECUTE has to come first */
bool service_stop(struct service *service);
/* Do not access the rings any more, whatever state they are in */
void service_abandon(struct service *service);

#endif
