// SPDX-License-Identifier: GPL-2.0-or-later
/* The supervisor and its workers, as /proc shows them */
#ifndef PROCESSES_H
#define PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

extern pid_t supervisor;

/* The workers of the supervisor */
unsigned int find_workers(pid_t *pids, unsigned int max);
/* Those of earlier connections end soon */
pid_t only_worker(void);
bool workers_end(void);
int count_fds(pid_t pid);
/* Resident, in KiB */
long memory_of(pid_t pid);
bool has_line(pid_t pid, const char *file, const char *start);

#endif
