// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process that serves one connection. It has one thread: commands are executed in
 * slices, and between them the worker looks at its messages.
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include "log.h"
#include "worker.h"
#include "worker-state.h"

/* Messages between two looks at the queues */
#define MESSAGES 16
/* How long queues are served before the next look at messages, some of which are urgent */
#define SERVE_NS 20000000

static struct worker worker = { .lifeline = { -1, -1 } };

static void log_channel(const char *line)
{
	metrics_add(&worker.metrics->faults, 1);
	log_line(LOG_WARNING, "%s", line);
}

static void receive(void)
{
	for (unsigned int i = 0; i < MESSAGES; i++) {
		if (channel_receive(&worker.channel) != CHANNEL_MESSAGE)
			return;
		worker_handle(&worker, &worker.channel.in);
		__atomic_store_n(&worker.metrics->memory, worker.memory.bytes, __ATOMIC_RELAXED);
	}
}

static void send_queued(void)
{
	channel_send_queued(&worker.channel);
	/* the device has it now */
	if (!worker.channel.queued && worker.lifeline[0] >= 0) {
		close(worker.lifeline[0]);
		worker.lifeline[0] = -1;
	}
}

static bool has_commands(void)
{
	for (unsigned int i = 0; i < worker.queues; i++) {
		if (worker.services[i].more)
			return true;
	}
	return false;
}

/*
 * Begin behind the queue that was served last: one that always has commands would use up
 * each turn, and those behind it would never be served.
 */
static void serve_queues(void)
{
	static unsigned int first;
	unsigned int i = first;
	int64_t since = turn_now();

	for (unsigned int n = 0; n < worker.queues; n++, i = (i + 1) % worker.queues) {
		if (!worker.services[i].more)
			continue;
		service_serve(&worker.services[i]);
		first = (i + 1) % worker.queues;
		if (turn_is_over(worker.turn) || turn_now() - since >= SERVE_NS)
			break;
	}
}

/* Returns whether there is more to do than to wait */
static bool execute(void)
{
	bool framed;

	serve_queues();
	framed = frames_serve(&worker.frames);
	send_queued();
	/* if the device does not receive, poll() says when it does */
	return has_commands() || (framed && !worker.channel.queued);
}

/* The same, if it is the turn of this worker */
static bool serve(void)
{
	bool more = has_commands() || frames_have_work(&worker.frames);

	worker.waits = more && !turn_take(worker.turn);
	if (worker.waits)
		return false;
	if (more)
		more = execute();
	turn_end(worker.turn, more);
	return more;
}

static int milliseconds_left(bool more)
{
	int64_t deadline = channel_deadline(&worker.channel), now = channel_now();

	if (worker.waits && turn_deadline(worker.turn) < deadline)
		deadline = turn_deadline(worker.turn);
	if (more || deadline <= now)
		return 0;
	return deadline == INT64_MAX ? -1 : (int)(deadline - now);
}

static void wait(bool more)
{
	struct pollfd fds[2 + VGPU_STUB_QUEUES_MAX], *kicks = fds + 2;
	uint64_t count;

	fds[0] = (struct pollfd){ worker.channel.fd, channel_events(&worker.channel), 0 };
	fds[1] = (struct pollfd){ worker.turn->fd, POLLIN, 0 };
	for (unsigned int i = 0; i < worker.queues; i++) {
		struct service *service = &worker.services[i];

		kicks[i] = (struct pollfd){ service->running ? service->kick : -1, POLLIN, 0 };
	}
	if (poll(fds, 2 + worker.queues, milliseconds_left(more)) < 0)
		return;
	for (unsigned int i = 0; i < worker.queues; i++) {
		if (kicks[i].revents && read(kicks[i].fd, &count, sizeof(count)) > 0)
			worker.services[i].more = true;
	}
	if (fds[1].revents)
		turn_wake(worker.turn);
	if (fds[0].revents & ~POLLOUT)
		receive();
}

static void connect_parts(struct turn *turn, struct metrics *metrics)
{
	worker.turn = turn;
	worker.metrics = worker.frames.metrics = metrics;
	turn->busy_ns = &metrics->busy_ns;
	worker.frames.channel = &worker.channel;
	for (unsigned int i = 0; i < VGPU_STUB_QUEUES_MAX; i++) {
		struct service *service = &worker.services[i];

		service->channel = &worker.channel;
		service->number = i;
		service->turn = turn;
		service->metrics = metrics;
		service->limits = &worker.limits;
		service->load = &metrics->load;
		engine_init(&service->engine, &worker.memory, &worker.buffers);
	}
}

static void set_vm(const struct config *config, const char *vm)
{
	worker.config = config;
	worker.vm = vm;
	if (vm)
		snprintf(worker.name, sizeof(worker.name), "%s", vm);
	else
		snprintf(worker.name, sizeof(worker.name), "unknown (worker %d)", (int)getpid());
}

/* After a fault there is a line already; a device without a path connects and leaves */
static void log_end(void)
{
	if (worker.channel.ready && !worker.metrics->faults)
		log_line(LOG_INFO, "VM %s: disconnected, worker %d", worker.name, (int)getpid());
}

void worker_run(int fd, struct turn *turn, struct metrics *metrics, const struct config *config,
		const char *vm)
{
	bool more = false;

	set_vm(config, vm);
	connect_parts(turn, metrics);
	frames_clear(&worker.frames);
	channel_open(&worker.channel, fd, FROM_DEVICE, worker.name, log_channel);
	while (worker.channel.fd >= 0) {
		wait(more);
		send_queued();
		/* what cannot be sent now waits for room: send no more until the next wait */
		more = serve();
		worker_end_removals(&worker);
		channel_check_time(&worker.channel, channel_now());
	}
	log_end();
}
