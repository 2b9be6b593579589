// SPDX-License-Identifier: GPL-2.0-or-later
/* The groups of tests that the program daemon runs */
#ifndef DAEMON_H
#define DAEMON_H

#include <stddef.h>
#include <stdint.h>

void test_work(void);
void test_long(void);
void test_kill(void);
void test_faults(void);
void test_framed(void);
void test_framed_memory(void);
void test_blocked_turn(void);
void test_peers(void);
void test_limits(void);
void test_memory_limit(void);
void test_queues(uint32_t count, int milliseconds);
void test_load(const char *start, const char *end);
void send_vector(const char *state, unsigned int fds, size_t at);

#endif
