// SPDX-License-Identifier: GPL-2.0-or-later
#include <time.h>
#include <unistd.h>
#include "metrics.h"
#include "turn.h"

int64_t turn_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static uint32_t load(const struct turn *turn)
{
	return __atomic_load_n(&turn->page->word, __ATOMIC_ACQUIRE);
}

static bool change(struct turn *turn, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&turn->page->word, &from, to, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* If the socket is full, the supervisor has a byte to read anyway */
static void wake_supervisor(struct turn *turn)
{
	if (write(turn->fd, "", 1) < 0)
		return;
}

void turn_set_limits(struct turn *turn, const struct limits *limits)
{
	turn->page->time_ms = limits->time_ms;
	__atomic_store_n(&turn->page->weight, limits->weight, __ATOMIC_RELEASE);
	wake_supervisor(turn);
}

/* Taking */

static void ask(struct turn *turn, int64_t now)
{
	turn->waits = true;
	turn->alive = __atomic_load_n(&turn->page->alive, __ATOMIC_RELAXED);
	turn->alive_at = now;
	/* the supervisor does not change the word of a worker that has not asked */
	__atomic_store_n(&turn->page->word, TURN_ASKED, __ATOMIC_RELEASE);
	wake_supervisor(turn);
}

/* A supervisor that was stopped gives no turns. VMs need not wait for it. */
static bool is_alone(struct turn *turn, int64_t now)
{
	uint32_t alive = __atomic_load_n(&turn->page->alive, __ATOMIC_RELAXED);

	if (alive != turn->alive)
		turn->alive_at = now;
	turn->alive = alive;
	return now - turn->alive_at >= TURN_ALONE_NS;
}

bool turn_take(struct turn *turn)
{
	uint32_t word = load(turn);
	int64_t now = turn_now();

	while (word & TURN_HELD && !change(turn, word, word | TURN_BUSY))
		word = load(turn);
	if (word & TURN_HELD) {
		/* one that is granted is BUSY already */
		if (turn->waits || !(word & TURN_BUSY))
			turn->since = now;
		turn->waits = false;
		turn->taken_at = now;
		return true;
	}
	if (!(word & TURN_ASKED))
		ask(turn, now);
	turn->taken_at = is_alone(turn, now) ? now : 0;
	return turn->taken_at;
}

/* Working */

bool turn_is_over(struct turn *turn)
{
	turn->page->slices++;
	return load(turn) & TURN_WANTED && turn_now() - turn->since >= (int64_t)turn->page->ns;
}

static void give_back(struct turn *turn, bool more)
{
	if (more) {
		ask(turn, turn_now());
		return;
	}
	__atomic_store_n(&turn->page->word, 0, __ATOMIC_RELEASE);
	wake_supervisor(turn);
}

static void count_time(struct turn *turn)
{
	if (turn->taken_at)
		metrics_add(turn->busy_ns, turn_now() - turn->taken_at);
	turn->taken_at = 0;
}

void turn_end(struct turn *turn, bool more)
{
	uint32_t word = load(turn);

	count_time(turn);
	if (!(word & TURN_BUSY))
		return;
	if (more && !turn_is_over(turn))
		return;
	/* this fails if another worker begins to wait */
	if (!more && change(turn, TURN_HELD | TURN_BUSY, TURN_HELD))
		return;
	give_back(turn, more);
}

/* Waiting */

int64_t turn_deadline(const struct turn *turn)
{
	return (turn->alive_at + TURN_ALONE_NS) / 1000000 + 1;
}

void turn_wake(struct turn *turn)
{
	char bytes[16];

	if (read(turn->fd, bytes, sizeof(bytes)) < 0)
		return;
}
