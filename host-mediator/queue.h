/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue that is served in the guest's memory, and its in-flight record. A worker can be
 * killed at any instruction: the next one recovers the queue, and each command gets exactly
 * one completion. The chapter "The in-flight record" of the specification has the steps.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include "executor.h"
#include "metrics.h"
#include "vgpu_mediator.h"

struct queue {
	/* the guest can change its memory at any time: each value is read once */
	struct vgpu_stub_index *index;
	const struct vgpu_stub_sqe *sq;
	struct vgpu_stub_cqe *cq;
	struct vgpu_mediator_record *record; /* the slots follow it */
	uint32_t size;
	int call; /* eventfd */

	uint32_t head; /* first command that is not complete and published */
	uint32_t next; /* command to fetch */
	uint32_t tail; /* index of the next completion */
	uint32_t published; /* CQ_TAIL, as the driver sees it */
	uint32_t sq_tail, cq_head; /* of the driver, as last read */
	bool full; /* INDEX_CQ_FULL is set */
	uint32_t replay, replay_end; /* commands that an earlier worker may have started */
	bool busy; /* the executor has this command */
	uint32_t running;
	struct vgpu_stub_sqe entry; /* of it, in the byte order of the host */
	struct meter meter;
	unsigned int error; /* QERR: the queue has stopped */
};

/*
 * With the fields up to call set. Publishes what is complete; queue_serve() executes what
 * was started. Returns a STATUS of the answer to QUEUE_START.
 */
unsigned int queue_recover(struct queue *queue);

/*
 * Execute up to @max commands, or a part of one. Returns whether there may be more; if not,
 * the driver will kick, the executor waits, or the queue has an error.
 */
bool queue_serve(struct queue *queue, const struct executor *executor, unsigned int max);

/*
 * End the commands that were started, and publish: all before head are complete then, and
 * no other. The caller makes the executor abandon the one that it has.
 */
void queue_stop(struct queue *queue, const struct executor *executor);

#endif
