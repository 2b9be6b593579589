// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "peer.h"
#include "processes.h"

pid_t supervisor;

unsigned int find_workers(pid_t *pids, unsigned int max)
{
	char name[64];
	unsigned int count = 0;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", (int)supervisor, (int)supervisor);
	file = fopen(name, "r");
	while (file && count < max && fscanf(file, "%d", &pids[count]) == 1)
		count++;
	if (file)
		fclose(file);
	return count;
}

pid_t only_worker(void)
{
	pid_t pids[8];

	for (int i = 0; i < 500; i++) {
		if (find_workers(pids, 8) == 1)
			return pids[0];
		usleep(10000);
	}
	stop("there is not one worker");
}

bool workers_end(void)
{
	pid_t pids[8];

	for (int i = 0; i < 50; i++) {
		if (!find_workers(pids, 8))
			return true;
		usleep(100000);
	}
	return false;
}

int count_fds(pid_t pid)
{
	char name[64];
	int count = 0;
	DIR *dir;

	snprintf(name, sizeof(name), "/proc/%d/fd", (int)pid);
	dir = opendir(name);
	if (!dir)
		stop("cannot read a process's descriptors");
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

long memory_of(pid_t pid)
{
	long pages = 0;
	char name[64];
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/statm", (int)pid);
	file = fopen(name, "r");
	if (!file || fscanf(file, "%*d %ld", &pages) != 1)
		stop("cannot read the memory of a process");
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

bool has_line(pid_t pid, const char *file, const char *start)
{
	char name[64], line[256];
	bool found = false;
	FILE *lines;

	snprintf(name, sizeof(name), "/proc/%d/%s", (int)pid, file);
	lines = fopen(name, "r");
	while (lines && !found && fgets(line, sizeof(line), lines))
		found = !strncmp(line, start, strlen(start));
	if (lines)
		fclose(lines);
	return found;
}
