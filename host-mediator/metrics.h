/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker counts, in a page that it shares with the supervisor. Only the worker
 * writes it. The supervisor copies it and does not rely on any value.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include "vgpu_mediator.h"

/* Eight for each power of two of nanoseconds; the last one is for a minute and more */
#define METRICS_BUCKETS 272

enum metrics_path {
	PATH_NONE,
	PATH_SHARED,
	PATH_FRAMED,
};

/* Commands that the queues execute now, on the shared path */
struct load {
	uint64_t commands, bytes;
};

struct metrics {
	char name[VGPU_MEDIATOR_NAME_MAX]; /* of the VM; "" before HELLO */
	uint32_t path; /* that was used last */
	uint32_t queues; /* that run on the shared path */
	struct load load;
	uint64_t memory; /* bytes of the guest that are mapped */
	uint64_t commands, failed, bytes;
	uint64_t busy_ns; /* for how long it has worked */
	uint64_t faults; /* messages for which a connection was closed */
	uint64_t latency[METRICS_BUCKETS];
};

static inline unsigned int metrics_bucket(uint64_t ns)
{
	unsigned int power, bucket;

	if (ns < 8)
		return ns;
	power = 63 - __builtin_clzll(ns);
	bucket = (power - 2) * 8 + ((ns >> (power - 3)) & 7);
	return bucket < METRICS_BUCKETS ? bucket : METRICS_BUCKETS - 1;
}

/* The least time that is longer than all in the bucket */
static inline uint64_t metrics_limit(unsigned int bucket)
{
	if (bucket < 8)
		return bucket + 1;
	return (uint64_t)(8 + bucket % 8 + 1) << (bucket / 8 - 1);
}

/* The supervisor reads at any time, so no store may be torn */
static inline void metrics_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n,
			 __ATOMIC_RELAXED);
}

static inline uint64_t metrics_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/*
 * The commands of a queue. The driver sees completions in batches, so the clock is read
 * once for a batch: the latency is the time from the first fetch of the batch until it is
 * published.
 */
struct meter {
	struct metrics *metrics; /* NULL: nothing is counted */
	uint64_t since; /* 0: no command was begun since the last batch */
	uint64_t count;
};

static inline void meter_begin(struct meter *meter)
{
	if (meter->metrics && !meter->since)
		meter->since = metrics_clock();
}

static inline void meter_end(struct meter *meter, bool good, uint64_t bytes)
{
	if (!meter->metrics)
		return;
	metrics_add(&meter->metrics->commands, 1);
	if (good)
		metrics_add(&meter->metrics->bytes, bytes);
	else
		metrics_add(&meter->metrics->failed, 1);
	meter->count++;
}

/* @busy: one more was begun */
static inline void meter_publish(struct meter *meter, bool busy)
{
	uint64_t now;

	if (!meter->count)
		return;
	now = metrics_clock();
	if (meter->since)
		metrics_add(&meter->metrics->latency[metrics_bucket(now - meter->since)],
			    meter->count);
	meter->since = busy ? now : 0;
	meter->count = 0;
}

#endif
