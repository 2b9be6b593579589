// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long one access to a BAR takes, as the guest sees it.
 *
 *   bar-latency ROUNDS ACCESSES NAME=SLOT=OFFSET...
 *
 * Maps BAR0 of each device and times ACCESSES 32-bit reads, then writes, at
 * OFFSET of one after the other, ROUNDS times, so that a change of the machine's
 * load strikes them all. Prints "NAME read|write NANOSECONDS" for each round.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAX	8

static struct device {
	char name[32];
	volatile uint32_t *reg;
} devices[MAX];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static double time_reads(volatile uint32_t *reg, int accesses)
{
	double start = now();

	for (int i = 0; i < accesses; i++)
		(void)*reg;
	return (now() - start) / accesses;
}

static double time_writes(volatile uint32_t *reg, int accesses)
{
	double start = now();

	for (int i = 0; i < accesses; i++)
		*reg = i;
	return (now() - start) / accesses;
}

static void open_device(struct device *d, const char *argument)
{
	unsigned int offset;
	char slot[32], path[128];
	void *bar;
	int fd;

	if (sscanf(argument, "%31[^=]=%31[^=]=%x", d->name, slot, &offset) != 3) {
		fprintf(stderr, "bar-latency: not NAME=SLOT=OFFSET: %s\n", argument);
		exit(2);
	}
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", slot);
	fd = open(path, O_RDWR | O_SYNC);
	bar = fd < 0 ? MAP_FAILED :
	      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bar == MAP_FAILED) {
		perror(path);
		exit(1);
	}
	d->reg = (volatile uint32_t *)((char *)bar + offset);
}

int main(int argc, char **argv)
{
	int count = argc - 3;

	if (count < 1 || count > MAX)
		return 2;
	for (int i = 0; i < count; i++)
		open_device(&devices[i], argv[3 + i]);
	for (int round = 0; round < atoi(argv[1]); round++) {
		for (int i = 0; i < count; i++) {
			struct device *d = &devices[i];

			printf("%s read %.0f\n", d->name,
			       time_reads(d->reg, atoi(argv[2])));
			printf("%s write %.0f\n", d->name,
			       time_writes(d->reg, atoi(argv[2])));
		}
	}
	return 0;
}
