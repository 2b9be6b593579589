// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the supervisor does with a page in which a worker may have written anything.
 * Prints TAP.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "records.h"

static struct records records;
static unsigned int tests;

static void ok(bool good, const char *name)
{
	printf("%s %u - %s\n", good ? "ok" : "not ok", ++tests, name);
}

static struct metrics metrics_of(const char *name)
{
	struct metrics metrics = { .path = PATH_SHARED, .queues = 2, .commands = 10 };

	snprintf(metrics.name, sizeof(metrics.name), "%s", name);
	return metrics;
}

/* The bucket of a time contains it, and is not wider than an eighth */
static bool check_bucket(uint64_t ns)
{
	unsigned int bucket = metrics_bucket(ns);
	uint64_t limit = metrics_limit(bucket);

	if (bucket == METRICS_BUCKETS - 1)
		return true;
	return bucket < METRICS_BUCKETS && ns < limit && limit - ns <= ns / 8 + 1;
}

static void test_buckets(void)
{
	bool good = true;

	for (unsigned int shift = 0; shift < 64; shift++) {
		uint64_t ns = 1ULL << shift;

		good = good && check_bucket(ns - 1) && check_bucket(ns) && check_bucket(ns + 1) &&
		       check_bucket(ns | ns >> 1);
	}
	ok(good, "each time is in its bucket");
	ok(metrics_bucket(60000000000ULL) < METRICS_BUCKETS - 1, "a minute is no overflow");
}

static void test_percentiles(void)
{
	static struct record record;

	ok(record_percentile(&record, 99) == 0, "no command has no latency");
	record.latency[metrics_bucket(1000)] = 98;
	record.latency[metrics_bucket(1000000)] = 2;
	ok(record_percentile(&record, 50) < 1200, "the median");
	ok(record_percentile(&record, 90) < 1200, "90 percent");
	ok(record_percentile(&record, 99) > 1000000, "99 percent");
	memset(record.latency, 0, sizeof(record.latency));
	record.latency[5] = 1;
	ok(record_percentile(&record, 50) == 6 && record_percentile(&record, 99) == 6,
	   "one command is all percentiles");
}

static void test_sum(void)
{
	struct metrics metrics = metrics_of("a");
	struct record *record = records.records;

	records_add(&records, &metrics, 5, 10, WORKER_CRASHED);
	records_add(&records, &metrics, 5, 20, WORKER_KILLED);
	records_add(&records, &metrics, 25, 30, WORKER_CONNECTED);
	records_add(&records, &metrics, 22, 30, WORKER_CONNECTED);
	ok(records.count == 1 && record->commands == 40 && record->workers == 4, "a sum");
	ok(record->crashes == 1 && record->kills == 1, "crashes and kills");
	ok(record->devices == 2 && record->queues == 4 && record->since == 22 &&
	   record->paths == 1 << PATH_SHARED, "the devices that are connected");
	metrics.name[0] = 0;
	records_add(&records, &metrics, 0, 0, WORKER_EXITED);
	ok(records.count == 1, "a worker before HELLO is no VM");
}

static void test_many_names(void)
{
	char name[VGPU_MEDIATOR_NAME_MAX];
	bool found = false;

	for (unsigned int i = 0; i < 5000; i++) {
		struct metrics metrics;

		snprintf(name, sizeof(name), "name%u", i);
		metrics = metrics_of(name);
		records_add(&records, &metrics, 0, 100 + i, WORKER_EXITED);
	}
	ok(records.count <= RECORDS_MAX - 256, "names are bounded, with room for 256 connections");
	for (unsigned int i = 0; i < records.count; i++)
		found = found || !strcmp(records.records[i].name, name);
	ok(found, "the latest name is kept");
}

/* Sanitizers watch */
static void test_garbage(void)
{
	static struct metrics page;
	char name[VGPU_MEDIATOR_NAME_MAX];
	bool printable = true;

	srandom(1);
	for (unsigned int n = 0; n < 2000; n++) {
		for (size_t i = 0; i < sizeof(page); i++)
			((unsigned char *)&page)[i] = n % 3 ? random() : 0xff;
		records_add(&records, &page, n, n, n % 4);
		record_name(&page, name);
		for (size_t i = 0; name[i]; i++)
			printable = printable && (unsigned char)name[i] >= ' ' && name[i] != 0x7f;
		printable = printable && strlen(name) < sizeof(name);
	}
	for (unsigned int i = 0; i < records.count; i++)
		record_percentile(&records.records[i], 99);
	ok(records.count <= RECORDS_MAX, "garbage does not make more records than there can be");
	ok(printable, "names have no control characters, and an end");
}

int main(void)
{
	test_buckets();
	test_percentiles();
	test_sum();
	test_many_names();
	test_garbage();
	printf("1..%u\n", tests);
	return 0;
}
