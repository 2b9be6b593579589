// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measure the time to load a module, including its driver's probe().
 *
 *   load-time ROUNDS FILE NAME
 *
 * Loads the module NAME from FILE and unloads it, ROUNDS times, and prints the time of
 * each load in nanoseconds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static int load_once(int fd, const char *name)
{
	double start = now();

	if (syscall(SYS_finit_module, fd, "", 0)) {
		perror(name);
		return 1;
	}
	printf("%.0f\n", now() - start);
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? 1 : 0;
}

int main(int argc, char **argv)
{
	int fd = argc == 4 ? open(argv[2], O_RDONLY) : -1;

	if (fd < 0)
		return 2;
	for (int i = 0; i < atoi(argv[1]); i++)
		if (load_once(fd, argv[3]))
			return 1;
	return 0;
}
