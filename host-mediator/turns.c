// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "turns.h"

/* A slice of work takes a millisecond or so. One of that length does not end. */
#define STUCK_MS 10000
/* A worker that works may be without a processor for as long on a busy host */
#define STUCK_MIN_MS 100
/* How long others wait beyond the end of a turn before they get another one in its place */
#define OVERDUE_NS 100000000
/* How often those that wait are told that the supervisor is there */
#define ALIVE_MS 250

struct place {
	struct turn_page *page; /* NULL: no worker. The worker can write anything to it. */
	int fd; /* -1: the worker has closed its end */
	uint64_t weight, time_ms; /* 0: not known yet */
	bool has_turn;
	bool lent; /* another worker has got that turn as well */
	int64_t since; /* when it got the turn, or when others began to wait */
	uint64_t ns; /* how long it may take */
	uint64_t slices; /* progress, as last seen, ... */
	int64_t slices_at; /* ... and since when */
};

static struct place places[SCHEDULE_MAX];
static struct schedule schedule;
static unsigned int turns; /* that are free */
static bool is_contended;

void turns_init(unsigned int count)
{
	cpu_set_t processors;

	if (!count && !sched_getaffinity(0, sizeof(processors), &processors))
		count = CPU_COUNT(&processors);
	if (!count)
		count = 1;
	turns = count < SCHEDULE_MAX ? count : SCHEDULE_MAX;
	for (unsigned int i = 0; i < SCHEDULE_MAX; i++)
		places[i].fd = -1;
}

/* Workers */

/* The first commands after the death of a worker need not wait for the supervisor */
static void give_first(struct place *place)
{
	if (!turns || is_contended)
		return;
	turns--;
	place->has_turn = true;
	place->since = turn_now();
	place->page->word = TURN_HELD;
}

bool turns_open(unsigned int i, struct turn *turn)
{
	struct place *place = &places[i];
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
		return false;
	place->page = mmap(NULL, sizeof(*place->page), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (place->page == MAP_FAILED) {
		place->page = NULL;
		close(fds[0]);
		close(fds[1]);
		return false;
	}
	place->fd = fds[0];
	place->slices_at = turn_now();
	give_first(place);
	*turn = (struct turn){ .page = place->page, .fd = fds[1] };
	return true;
}

void turns_started(struct turn *turn)
{
	close(turn->fd);
	/* other workers do not get this page */
	madvise(turn->page, sizeof(*turn->page), MADV_DONTFORK);
}

void turns_close(unsigned int i)
{
	struct place *place = &places[i];

	if (!place->page)
		return;
	munmap(place->page, sizeof(*place->page));
	if (place->fd >= 0)
		close(place->fd);
	turns += place->has_turn && !place->lent;
	schedule_remove(&schedule, i);
	*place = (struct place){ .fd = -1 };
}

/* Words */

static uint32_t load(const struct place *place)
{
	return __atomic_load_n(&place->page->word, __ATOMIC_ACQUIRE);
}

static bool change(struct place *place, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&place->page->word, &from, to, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* Limits are read once, before the guest had a command executed */
static void read_limits(struct place *place)
{
	uint64_t weight = __atomic_load_n(&place->page->weight, __ATOMIC_ACQUIRE);

	if (place->weight || !weight)
		return;
	place->weight = weight < WEIGHT_MAX ? weight : WEIGHT_MAX;
	place->time_ms = place->page->time_ms;
}

static void take_back(unsigned int i, bool idle, int64_t now)
{
	struct place *place = &places[i];

	place->has_turn = false;
	turns += !place->lent;
	place->lent = false;
	schedule_charge(&schedule, i, is_contended ? now - place->since : 0, idle);
}

static void read_word(unsigned int i, int64_t now)
{
	struct place *place = &places[i];
	uint32_t word = load(place);

	read_limits(place);
	if (place->has_turn && !(word & TURN_HELD))
		take_back(i, !(word & TURN_ASKED), now);
	if (!place->has_turn && word & TURN_ASKED && place->weight)
		schedule_wait(&schedule, i, place->weight);
}

/* Turns */

static bool is_any_waiting(void)
{
	for (unsigned int i = 0; i < SCHEDULE_MAX; i++) {
		if (schedule.entries[i].state == SCHEDULE_WAITING)
			return true;
	}
	return false;
}

static void give(unsigned int i, uint64_t ns, int64_t now)
{
	struct place *place = &places[i];

	turns--;
	place->has_turn = true;
	place->since = now;
	place->ns = place->page->ns = ns;
	__atomic_store_n(&place->page->word, TURN_HELD | TURN_BUSY, __ATOMIC_RELEASE);
	/* if the socket is full, the worker has a byte to read anyway */
	if (write(place->fd, "", 1) < 0)
		return;
}

static void give_free(int64_t now)
{
	uint64_t ns;
	int i;

	while (turns && (i = schedule_next(&schedule, &ns)) >= 0)
		give(i, ns, now);
}

/*
 * A worker that sleeps in its turn, for example in a write that its device makes block, is
 * killed only after STUCK_MS. Until then the others use the processor that it does not.
 */
static void lend_overdue(struct place *place, int64_t now)
{
	if (!place->has_turn || place->lent ||
	    now - place->since - (int64_t)place->ns < OVERDUE_NS)
		return;
	place->lent = true;
	turns++;
}

/*
 * Tell a worker whether others wait for its turn. If they do and it is idle, it loses the
 * turn. A worker that changes the word all the time is hostile, and is killed later.
 */
static void mark(unsigned int i, bool wanted, int64_t now)
{
	struct place *place = &places[i];

	for (int tries = 0; place->has_turn && tries < 100; tries++) {
		uint32_t word = load(place), marked = word & ~TURN_WANTED;

		if (wanted)
			marked |= TURN_WANTED;
		if (!(word & TURN_HELD) || (wanted && !(word & TURN_BUSY) && change(place, word, 0)))
			take_back(i, !(word & TURN_ASKED), now);
		else if (word == marked || change(place, word, marked))
			return;
	}
}

static void mark_all(int64_t now)
{
	bool wanted = is_any_waiting();

	for (unsigned int i = 0; i < SCHEDULE_MAX; i++) {
		if (!places[i].page)
			continue;
		/* time before that was nobody's loss */
		if (wanted && !is_contended)
			places[i].since = now;
		mark(i, wanted, now);
		if (wanted)
			lend_overdue(&places[i], now);
		if (schedule.entries[i].state == SCHEDULE_WAITING)
			__atomic_fetch_add(&places[i].page->alive, 1, __ATOMIC_RELAXED);
	}
	is_contended = wanted;
}

static void distribute(int64_t now)
{
	do {
		give_free(now);
		mark_all(now);
	} while (turns && is_contended);
}

/* The loop of the supervisor */

void turns_watch(struct pollfd *fds)
{
	for (unsigned int i = 0; i < SCHEDULE_MAX; i++)
		fds[i] = (struct pollfd){ places[i].fd, POLLIN, 0 };
}

static void receive(struct place *place)
{
	char bytes[64];

	ssize_t length = read(place->fd, bytes, sizeof(bytes));

	if (length > 0 || (length < 0 && errno == EAGAIN))
		return;
	/* the worker ends, or is not ours any more */
	close(place->fd);
	place->fd = -1;
}

void turns_check(const struct pollfd *fds)
{
	int64_t now = turn_now();

	for (unsigned int i = 0; i < SCHEDULE_MAX; i++) {
		if (!places[i].page)
			continue;
		if (fds[i].revents && places[i].fd >= 0)
			receive(&places[i]);
		read_word(i, now);
	}
	distribute(now);
}

/* Workers look at a shorter limit between slices */
static uint64_t limit_of(const struct place *place)
{
	if (!place->time_ms || place->time_ms > STUCK_MS)
		return STUCK_MS;
	return place->time_ms > STUCK_MIN_MS ? place->time_ms : STUCK_MIN_MS;
}

int64_t turns_deadline(int64_t now)
{
	int64_t next = is_contended ? now + ALIVE_MS : INT64_MAX;

	for (unsigned int i = 0; i < SCHEDULE_MAX; i++) {
		/* late by a quarter of the time at most */
		if (places[i].page && now + (int64_t)limit_of(&places[i]) / 4 < next)
			next = now + limit_of(&places[i]) / 4;
	}
	return next;
}

bool turns_is_stuck(unsigned int i)
{
	struct place *place = &places[i];
	uint64_t slices = __atomic_load_n(&place->page->slices, __ATOMIC_RELAXED);
	int64_t now = turn_now(), limit = limit_of(place) * 1000000;

	if (slices != place->slices || !(load(place) & TURN_BUSY))
		place->slices_at = now;
	place->slices = slices;
	return now - place->slices_at >= limit ||
	       (is_contended && place->has_turn && now - place->since - (int64_t)place->ns >= limit);
}
