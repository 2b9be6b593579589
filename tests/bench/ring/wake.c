// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two threads that wake each other, each on a processor of its own if there are two: what
 * a round trip costs at least if both sides sleep
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "target.h"

static int there, back;

static void pass(int from, int to)
{
	uint64_t one;

	if (from >= 0 && read(from, &one, sizeof(one)) != sizeof(one))
		die("read an eventfd");
	one = 1;
	if (to >= 0 && write(to, &one, sizeof(one)) != sizeof(one))
		die("write an eventfd");
}

/* Fails if there is only one, and then the thread stays where it is */
static void use_processor(int number)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(number, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *answer(void *unused)
{
	(void)unused;
	use_processor(1);
	for (;;)
		pass(there, back);
	return NULL;
}

static void open_thread(const char *path, unsigned int depth, size_t size)
{
	pthread_t thread;

	(void)path;
	(void)depth;
	(void)size;
	use_processor(0);
	there = eventfd(0, 0);
	back = eventfd(0, 0);
	if (there < 0 || back < 0 || pthread_create(&thread, NULL, answer, NULL))
		die("a thread");
}

static void submit(const unsigned int *slots, unsigned int count)
{
	(void)slots;
	(void)count;
	pass(-1, there);
}

static unsigned int reap(unsigned int *slots)
{
	pass(back, -1);
	slots[0] = 0;
	return 1;
}

const struct target target_wake = {
	.name = "wake", .max_depth = 1,
	.open = open_thread, .submit = submit, .reap = reap,
};
