// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compare the time of commands from start to exit:
 *
 *   bench-run ROUNDS 'COMMAND ARGUMENT...' ['COMMAND ARGUMENT...' ...]
 *
 * Each round runs every command once, so that other load on the machine affects all
 * of them. Prints a line for each: median, minimum and maximum time in
 * microseconds, maximum memory in KiB, the command. Commands run without a shell,
 * and their exit status must not change.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGUMENTS	16

static long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static void run_child(char *command)
{
	char *arguments[MAX_ARGUMENTS + 1] = { NULL }, *save;
	int null = open("/dev/null", O_WRONLY), count = 0;

	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	for (char *word = strtok_r(command, " ", &save);
	     word && count < MAX_ARGUMENTS; word = strtok_r(NULL, " ", &save))
		arguments[count++] = word;
	execvp(arguments[0], arguments);
	_exit(127);
}

static long run_once(char *command, long *memory)
{
	long start = now_us();
	struct rusage usage;
	pid_t pid = fork();
	int status;

	if (!pid)
		run_child(command);
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid ||
	    WEXITSTATUS(status) == 127) {
		fprintf(stderr, "bench-run: cannot run %s\n", command);
		exit(1);
	}
	if (usage.ru_maxrss > *memory)
		*memory = usage.ru_maxrss;
	return now_us() - start;
}

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[1]) : 0, count = argc - 2;
	long *times, memory[argc];

	if (rounds < 1) {
		fprintf(stderr, "usage: bench-run ROUNDS COMMAND...\n");
		return 2;
	}
	memset(memory, 0, sizeof(memory));
	times = calloc((size_t)rounds * count, sizeof(*times));
	for (int round = 0; times && round < rounds; round++)
		for (int i = 0; i < count; i++)
			times[i * rounds + round] = run_once(argv[i + 2],
							     &memory[i]);
	for (int i = 0; times && i < count; i++) {
		long *mine = times + i * rounds;

		qsort(mine, rounds, sizeof(*mine), compare);
		printf("%8ld %8ld %8ld %8ld  %s\n", mine[rounds / 2], mine[0],
		       mine[rounds - 1], memory[i], argv[i + 2]);
	}
	return !times;
}
