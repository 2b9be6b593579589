// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Time requests to the host, as a program in the guest sees them.
 *
 *   ring-bench TARGET PATH DEPTH SIZE MILLISECONDS
 *
 * Keeps DEPTH requests in flight for MILLISECONDS. Prints the number of requests,
 * nanoseconds in all, and the median and the 99th percentile of the latency in
 * nanoseconds. TARGET is one of the names below.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "target.h"

#define MAX_REQUESTS	(1 << 20)

static const struct target *const targets[] = {
	&target_vgpu, &target_uring, &target_block, &target_echo,
	&target_ivshmem, &target_edu, &target_edu_sleep, &target_memcpy,
	&target_wake,
};

void die(const char *what)
{
	fprintf(stderr, "ring-bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

void *zeroed_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		die("memory");
	return memory;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void submit(const struct target *target, uint64_t *started,
		   const unsigned int *slots, unsigned int count)
{
	uint64_t time = now();

	for (unsigned int i = 0; i < count; i++)
		started[slots[i]] = time;
	target->submit(slots, count);
}

/* The number of requests; their latencies go to latency[] */
static unsigned int run(const struct target *target, unsigned int depth,
			uint64_t end, uint32_t *latency)
{
	unsigned int slots[MAX_DEPTH], count, in_flight = depth, done = 0;
	uint64_t started[MAX_DEPTH], time = 0;

	for (unsigned int i = 0; i < depth; i++)
		slots[i] = i;
	submit(target, started, slots, depth);
	while (in_flight) {
		count = target->reap(slots);
		time = now();
		for (unsigned int i = 0; i < count; i++)
			latency[done++] = time - started[slots[i]];
		in_flight -= count;
		if (time >= end || done > MAX_REQUESTS - MAX_DEPTH)
			continue;
		submit(target, started, slots, count);
		in_flight += count;
	}
	return done;
}

static const struct target *find_target(const char *name)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		if (!strcmp(targets[i]->name, name))
			return targets[i];
	errno = EINVAL;
	die(name);
}

int main(int argc, char **argv)
{
	uint32_t *latency = zeroed_memory(MAX_REQUESTS * sizeof(*latency));
	const struct target *target;
	unsigned int depth, done;
	uint64_t start;

	if (argc != 6)
		return 2;
	target = find_target(argv[1]);
	depth = atoi(argv[3]);
	errno = EINVAL;
	if (depth < 1 || depth > target->max_depth)
		die(argv[3]);
	target->open(argv[2], depth, strtoul(argv[4], NULL, 0));
	alarm(20 + atoi(argv[5]) / 1000);	/* a request that never ends */
	start = now();
	done = run(target, depth, start + atoi(argv[5]) * 1000000ULL, latency);
	start = now() - start;
	qsort(latency, done, sizeof(*latency), compare);
	printf("%u %llu %u %u\n", done, (unsigned long long)start,
	       latency[done / 2], latency[(uint64_t)done * 99 / 100]);
	return 0;
}
