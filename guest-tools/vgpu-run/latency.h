/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-run: a histogram of latencies
 *
 * Its memory is the same for any number of commands. Each power of two is divided into
 * LATENCY_STEPS, so a percentile is at most 1/LATENCY_STEPS, 0.8 %, too low.
 */
#ifndef LATENCY_H
#define LATENCY_H

#include <stdint.h>

#define LATENCY_BITS	7
#define LATENCY_STEPS	(1 << LATENCY_BITS)

struct latency {
	uint64_t count;
	uint64_t min_ns, max_ns;
	uint64_t steps[(64 - LATENCY_BITS + 1) * LATENCY_STEPS];
};

void add_latency(struct latency *latency, uint64_t ns);

/* The smallest latency that percent of all do not exceed (nearest rank), 0 of none */
uint64_t latency_percentile(const struct latency *latency, unsigned int percent);

#endif /* LATENCY_H */
