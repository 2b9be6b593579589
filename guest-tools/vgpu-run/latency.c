// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-run: a histogram of latencies
 */
#include "latency.h"

/* Values below LATENCY_STEPS have a step each */
static unsigned int step_of(uint64_t ns)
{
	unsigned int shift;

	if (ns < LATENCY_STEPS)
		return ns;
	shift = 63 - __builtin_clzll(ns) - LATENCY_BITS;
	return (shift << LATENCY_BITS) + (ns >> shift);
}

/* The smallest value of a step */
static uint64_t value_of(unsigned int step)
{
	unsigned int shift;

	if (step < 2 * LATENCY_STEPS)
		return step;
	shift = (step >> LATENCY_BITS) - 1;
	return (uint64_t)(step - (shift << LATENCY_BITS)) << shift;
}

void add_latency(struct latency *latency, uint64_t ns)
{
	if (!latency->count || ns < latency->min_ns)
		latency->min_ns = ns;
	if (ns > latency->max_ns)
		latency->max_ns = ns;
	latency->count++;
	latency->steps[step_of(ns)]++;
}

uint64_t latency_percentile(const struct latency *latency, unsigned int percent)
{
	uint64_t rank = (latency->count * percent + 99) / 100;
	uint64_t seen = 0, value;
	unsigned int step = 0;

	if (!latency->count)
		return 0;
	if (rank >= latency->count)
		return latency->max_ns;
	while (seen + latency->steps[step] < rank)
		seen += latency->steps[step++];
	value = value_of(step);
	return value < latency->min_ns ? latency->min_ns : value;
}
