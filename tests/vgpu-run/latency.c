/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Percentiles of vgpu-run's histogram. Reads numbers, one a line, and prints the
 * minimum, the percentiles that are its arguments, and the maximum.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "latency.h"

int main(int argc, char **argv)
{
	static struct latency latency;
	uint64_t ns;

	while (scanf("%" SCNu64, &ns) == 1)
		add_latency(&latency, ns);
	printf("%" PRIu64 "\n", latency.min_ns);
	for (int i = 1; i < argc; i++)
		printf("%" PRIu64 "\n", latency_percentile(&latency, atoi(argv[i])));
	printf("%" PRIu64 "\n", latency.max_ns);
	return 0;
}
