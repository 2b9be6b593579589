/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The turn of a worker: it executes commands only while it has one, and the supervisor has
 * as many as the host should work at a time. A worker keeps its turn until another one
 * waits, so that a command costs no call of the system as long as there are enough turns.
 *
 * Each worker shares a page of memory and a socket pair with the supervisor. A byte on the
 * socket only wakes the other side. The supervisor relies on nothing in the page: it has
 * its own record of who has a turn, its own clock, and kills a worker that keeps its turn.
 */
#ifndef TURN_H
#define TURN_H

#include <stdbool.h>
#include <stdint.h>
#include "limits.h"

/*
 * Bits of the word. ASKED is set by the worker and cleared by the supervisor together with
 * setting HELD; HELD is cleared by the worker, or by the supervisor if BUSY is not set.
 */
#define TURN_ASKED 1
#define TURN_HELD 2
#define TURN_BUSY 4 /* commands are executed */
#define TURN_WANTED 8 /* another worker waits */

struct turn_page {
	uint32_t word;
	uint32_t alive; /* counted by the supervisor while this worker waits */
	uint64_t ns; /* how long the turn is if it is wanted */
	/* from the worker: its progress, and its limits, which count from HELLO on */
	uint64_t slices;
	uint64_t weight, time_ms;
};

struct turn {
	struct turn_page *page;
	int fd;
	uint64_t *busy_ns; /* counts the time from turn_take() to turn_end() */
	int64_t taken_at; /* 0: not taken */
	int64_t since; /* nanoseconds */
	/* while it waits */
	bool waits;
	uint32_t alive;
	int64_t alive_at;
};

/* How long a worker waits for a supervisor that does nothing, before it works anyway */
#define TURN_ALONE_NS 1000000000

/* The monotonic clock, in nanoseconds */
int64_t turn_now(void);
/* Tell the supervisor the limits of the VM */
void turn_set_limits(struct turn *turn, const struct limits *limits);
/* There is work. False: wait until the descriptor is readable, or turn_deadline(). */
bool turn_take(struct turn *turn);
/* Whether to end the turn; called before each slice of work */
bool turn_is_over(struct turn *turn);
/* After the work. @more: there is more of it. */
void turn_end(struct turn *turn, bool more);
/* When to call turn_take() again, in milliseconds */
int64_t turn_deadline(const struct turn *turn);
/* The descriptor is readable */
void turn_wake(struct turn *turn);

#endif
