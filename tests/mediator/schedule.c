// SPDX-License-Identifier: GPL-2.0-or-later
/* In which order workers get their turns, and for how long. Prints TAP. */
#include <stdio.h>
#include <string.h>
#include "schedule.h"

#define MS 1000000

static struct schedule schedule;
static int tests, failures;

static void ok(bool good, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
	failures += !good;
}

static void start(const uint64_t *weights, unsigned int count)
{
	memset(&schedule, 0, sizeof(schedule));
	for (unsigned int i = 0; i < count; i++)
		schedule_wait(&schedule, i, weights[i]);
}

/* A turn that takes as long as it may, and @more nanoseconds; the worker then waits again */
static int turn(uint64_t weight, uint64_t *ns, int64_t more)
{
	int i = schedule_next(&schedule, ns);

	if (i < 0)
		return i;
	schedule_charge(&schedule, i, *ns + more, false);
	schedule_wait(&schedule, i, weight);
	return i;
}

static void test_order(void)
{
	const uint64_t weights[] = { 1, 1, 1, 1 };
	bool in_order = true;
	uint64_t ns;

	start(weights, 4);
	for (int i = 0; i < 40; i++)
		in_order = turn(1, &ns, 0) == i % 4 && ns == MS && in_order;
	ok(in_order, "equal weights: one after the other, each for a millisecond");
}

/* Jain's index of the shares, each divided by its weight */
static double fairness(const uint64_t *weights, const uint64_t *got, unsigned int count)
{
	double sum = 0, squares = 0;

	for (unsigned int i = 0; i < count; i++) {
		double share = (double)got[i] / weights[i];

		sum += share;
		squares += share * share;
	}
	return sum * sum / (count * squares);
}

/* One turn at a time: what each got, when each overruns in another way */
static void run(const uint64_t *weights, const int64_t *overruns, uint64_t *got,
		unsigned int count)
{
	start(weights, count);
	memset(got, 0, count * sizeof(*got));
	for (int n = 0; n < 1000; n++) {
		uint64_t ns;
		int i = schedule_next(&schedule, &ns);

		got[i] += ns + overruns[i];
		schedule_charge(&schedule, i, ns + overruns[i], false);
		schedule_wait(&schedule, i, weights[i]);
	}
}

static void test_weights(void)
{
	const uint64_t weights[] = { 1, 2, 4, 8 };
	const int64_t exact[4] = { 0 }, overruns[] = { 900000, 20 * MS, 0, 300000 };
	uint64_t got[4];

	run(weights, exact, got, 4);
	ok(got[1] == 2 * got[0] && got[3] == 8 * got[0], "weights 1:2:4:8");
	run(weights, overruns, got, 4);
	ok(fairness(weights, got, 4) > 0.99, "... and what was overrun is subtracted later");
	ok(fairness((uint64_t[]){ 1, 1 }, (uint64_t[]){ 1, 3 }, 2) < 0.95, "... as the index tells");
}

static void test_idle(void)
{
	const uint64_t weights[] = { 1, 4 };
	uint64_t ns;

	start(weights, 2);
	ok(schedule_next(&schedule, &ns) == 0 && schedule_next(&schedule, &ns) == 1 && ns == 4 * MS,
	   "two turns at a time");
	ok(schedule_next(&schedule, &ns) == -1, "nobody else waits");
	schedule_charge(&schedule, 1, MS, true);
	schedule_wait(&schedule, 1, 4);
	ok(schedule_next(&schedule, &ns) == 1 && ns == 4 * MS, "an idle worker saves nothing");
	schedule_charge(&schedule, 1, 9 * MS, true);
	schedule_charge(&schedule, 0, MS, false);
	schedule_wait(&schedule, 1, 4);
	schedule_wait(&schedule, 0, 1);
	ok(schedule_next(&schedule, &ns) == 0 && schedule_next(&schedule, &ns) == 1 && ns == 3 * MS,
	   "... and keeps its debt");
	ok(schedule.entries[0].deficit == MS, "a worker at work gets nothing on top");
}

static void test_end(void)
{
	const uint64_t weights[] = { 1, 1 };
	uint64_t ns;

	start(weights, 2);
	schedule_next(&schedule, &ns);
	schedule_charge(&schedule, 0, 1000ULL * 3600 * MS, false);
	ok(schedule.entries[0].deficit >= -SCHEDULE_CHARGE_MAX_NS, "a debt is limited");
	schedule_remove(&schedule, 0);
	schedule_remove(&schedule, 1);
	ok(schedule_next(&schedule, &ns) == -1, "workers that have ended get no turn");
	schedule_wait(&schedule, 0, 1);
	ok(schedule_next(&schedule, &ns) == 0 && ns == MS, "the next worker does not inherit the debt");
}

int main(void)
{
	test_order();
	test_weights();
	test_idle();
	test_end();
	printf("1..%d\n", tests);
	return failures != 0;
}
