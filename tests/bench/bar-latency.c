// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measure the latency of register accesses in the guest.
 *
 *   bar-latency ROUNDS ACCESSES TARGET...
 *
 * TARGET  FILE=OFFSET, the 32-bit register at OFFSET in the BAR mapped from FILE, or
 *         FILE, a driver's sysfs file to read and write as text
 *
 * In each of ROUNDS rounds, times ACCESSES reads and ACCESSES writes of each target in
 * turn, so that changes of the machine's load affect all targets. Prints "INDEX
 * read|write NANOSECONDS" for each measurement.
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

static struct target {
	volatile uint32_t *reg;	/* NULL: read and write fd */
	int fd;
} targets[MAX];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void read_once(const struct target *t)
{
	char text[32];

	if (t->reg)
		(void)*t->reg;
	else if (pread(t->fd, text, sizeof(text), 0) <= 0)
		exit(1);
}

static void write_once(const struct target *t, int value)
{
	if (t->reg)
		*t->reg = value;
	else if (pwrite(t->fd, "0x12345678\n", 11, 0) != 11)
		exit(1);
}

static double time_reads(const struct target *t, int accesses)
{
	double start = now();

	for (int i = 0; i < accesses; i++)
		read_once(t);
	return (now() - start) / accesses;
}

static double time_writes(const struct target *t, int accesses)
{
	double start = now();

	for (int i = 0; i < accesses; i++)
		write_once(t, i);
	return (now() - start) / accesses;
}

static void open_target(struct target *t, char *argument)
{
	char *path = strtok(argument, "=");
	char *offset = strtok(NULL, "");
	char *bar;

	t->fd = open(path, O_RDWR | O_SYNC);
	if (t->fd >= 0 && !offset)
		return;
	bar = t->fd < 0 ? MAP_FAILED :
	      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);
	if (bar == MAP_FAILED) {
		perror(path);
		exit(1);
	}
	t->reg = (volatile uint32_t *)(bar + strtoul(offset, NULL, 0));
}

int main(int argc, char **argv)
{
	int count = argc - 3;

	if (count < 1 || count > MAX)
		return 2;
	for (int i = 0; i < count; i++)
		open_target(&targets[i], argv[3 + i]);
	for (int round = 0; round < atoi(argv[1]); round++) {
		for (int i = 0; i < count; i++) {
			printf("%d read %.1f\n", i,
			       time_reads(&targets[i], atoi(argv[2])));
			printf("%d write %.1f\n", i,
			       time_writes(&targets[i], atoi(argv[2])));
		}
	}
	return 0;
}
