// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: a worker as a whole, with a hostile guest and a hostile device. Whenever the
 * worker waits, the other side does what the input says. After each input, the worker must
 * serve a well-behaved device, have its descriptors closed, and have written nothing that
 * is not a writable region.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "guest.h"
/* to clear what is otherwise gone with the process */
#include "worker.c"

/* Calls of poll(), in which a worker must get the witness's commands done */
#define PATIENCE 1000

static struct input input;
static struct config config;
static struct metrics metrics;
static bool is_witness;
static unsigned int polls;

int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The log of a fuzzer is of no use */
void log_line(int priority, const char *format, ...)
{
	(void)priority;
	(void)format;
}

static bool is_done(void)
{
	if (is_witness) {
		check(polls++ < PATIENCE);
		return witness_works();
	}
	guest_receive(&input);
	if (!input.size)
		return polls++ > 4;
	/* several actions, as a guest is not slower than a worker */
	for (unsigned int i = take(&input, 1) % 4; input.size && i < 4; i++)
		guest_act(&input);
	return false;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	(void)timeout;
	if (is_done())
		guest_disconnect();
	guest_schedule();
	return __real_poll(fds, count, 0);
}

static void clear(void)
{
	for (unsigned int i = 0; i < VGPU_STUB_QUEUES_MAX; i++)
		service_abandon(&worker.services[i]);
	buffers_clear(&worker.buffers);
	frames_clear(&worker.frames);
	memory_clear(&worker.memory);
	check(!metrics.load.commands && !metrics.load.bytes && !worker.memory.bytes);
	for (unsigned int i = 0; i < 2; i++) {
		if (worker.lifeline[i] >= 0)
			close(worker.lifeline[i]);
	}
	memset(&worker, 0, sizeof(worker));
	worker.lifeline[0] = worker.lifeline[1] = -1;
}

static void run(bool witness)
{
	struct turn turn;
	int fd = guest_connect(&turn);

	is_witness = witness;
	polls = 0;
	if (witness)
		witness_start();
	else
		guest_start(&input);
	worker_run(fd, &turn, &metrics, &config, NULL);
	guest_disconnect();
	clear();
}

/* An input has a few descriptors at a time */
static unsigned int count_fds(void)
{
	unsigned int count = 0;

	for (int fd = 0; fd < 100; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void print_entries(void)
{
	printf("entries: %llu\n", (unsigned long long)guest_entries);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	guest_init();
	config_init(&config);
	atexit(print_entries);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int fds = count_fds();

	input = (struct input){ data, size };
	run(false);
	guest_check_memory();
	run(true);
	guest_check_memory();
	check(count_fds() == fds);
	return 0;
}
