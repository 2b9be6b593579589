/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the supervisor knows about VMs, by name, of all their workers so far */
#ifndef RECORDS_H
#define RECORDS_H

#include "metrics.h"

#define RECORDS_MAX 768

struct record {
	char name[VGPU_MEDIATOR_NAME_MAX];
	uint32_t devices; /* connected */
	uint32_t queues, paths; /* bits of enum metrics_path */
	struct load load; /* of those that are connected */
	uint64_t memory;
	int64_t since; /* of the oldest connection */
	int64_t last; /* when a worker ended */
	uint64_t workers, crashes, kills;
	uint64_t commands, failed, bytes, busy_ns, faults;
	uint64_t latency[METRICS_BUCKETS];
};

struct records {
	struct record records[RECORDS_MAX];
	unsigned int count;
};

enum worker_end {
	WORKER_CONNECTED, /* it goes on */
	WORKER_EXITED,
	WORKER_CRASHED,
	WORKER_KILLED, /* by the supervisor */
};

/* A copy of the name, in which each byte can be printed; "" before HELLO */
void record_name(const struct metrics *metrics, char name[VGPU_MEDIATOR_NAME_MAX]);
/* Add what a worker, connected since that time, has counted. No name: nothing is added. */
void records_add(struct records *records, const struct metrics *metrics, int64_t since,
		 int64_t now, enum worker_end end);
/* The time in nanoseconds that @percent of the commands did not exceed; 0: no command */
uint64_t record_percentile(const struct record *record, unsigned int percent);

#endif
