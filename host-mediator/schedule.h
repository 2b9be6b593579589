/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who works next: deficit round robin over the workers, by time. A worker that waits gets,
 * each time around, its weight in quanta of time. What it overran is subtracted from its
 * next turns; what it did not use is lost when it has nothing to do.
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#define SCHEDULE_MAX 256
/*
 * A VM waits for a turn of each other one, so its latency grows with the quantum; so does the
 * accuracy of the shares, because turns are overrun by a slice of work and by waiting for a
 * processor. tests/mediator/fairness measures both, docs/benchmarks.md has the figures: 4 ms
 * gain nothing that is needed, and double the latency.
 */
#define SCHEDULE_QUANTUM_NS 1000000
/* What a turn counts at most, so that a debt is paid some day */
#define SCHEDULE_CHARGE_MAX_NS 1000000000

enum schedule_state {
	SCHEDULE_IDLE,
	SCHEDULE_WAITING,
	SCHEDULE_WORKING, /* has a turn */
};

struct schedule_entry {
	enum schedule_state state;
	uint64_t weight;
	int64_t deficit; /* nanoseconds */
};

struct schedule {
	struct schedule_entry entries[SCHEDULE_MAX];
	unsigned int next;
};

/* A worker waits for a turn */
void schedule_wait(struct schedule *schedule, unsigned int i, uint64_t weight);
/* A worker has ended */
void schedule_remove(struct schedule *schedule, unsigned int i);
/* The worker that gets a turn, for *ns while others wait; -1 if none waits */
int schedule_next(struct schedule *schedule, uint64_t *ns);
/* A turn of that length has ended. @idle: the worker had nothing to do any more. */
void schedule_charge(struct schedule *schedule, unsigned int i, uint64_t ns, bool idle);

#endif
