// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process that serves one connection. It has one thread: commands are executed in
 * slices, and between them the worker looks at its messages.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "buffers.h"
#include "frames.h"
#include "log.h"
#include "service.h"
#include "worker.h"

/* Messages between two looks at the queues */
#define MESSAGES 16

static struct worker {
	struct channel channel;
	char name[VGPU_MEDIATOR_NAME_MAX];
	const struct config *config;
	const char *vm; /* whose socket this is, or NULL */
	struct limits limits;
	struct metrics *metrics;
	struct turn *turn;
	bool waits; /* for its turn */
	unsigned int features, queues;
	int lifeline[2]; /* the device waits until the write end is closed */
	struct memory memory;
	struct buffers buffers;
	uint32_t removing[VGPU_STUB_BUFFERS_MAX]; /* SERIAL of BUFFER_REMOVE */
	unsigned int removals;
	struct service services[VGPU_STUB_QUEUES_MAX];
	struct load load;
	struct frames frames;
} worker = { .lifeline = { -1, -1 } };

static void log_channel(const char *line)
{
	metrics_add(&worker.metrics->faults, 1);
	log_line(LOG_WARNING, "%s", line);
}

static void answer(unsigned int status)
{
	union message message = { .answer.status = status };

	channel_answer(&worker.channel, &message, sizeof(message.answer), -1);
}

static void answer_or_fault(unsigned int status, unsigned int fault)
{
	if (fault)
		channel_fault(&worker.channel, fault, "");
	else
		answer(status);
}

static bool is_any_running(void)
{
	for (unsigned int i = 0; i < worker.queues; i++) {
		if (worker.services[i].running)
			return true;
	}
	return false;
}

/* Messages */

static void answer_hello(void)
{
	union message message = { .hello_answer = {
		.version = VGPU_MEDIATOR_VERSION,
		.features = worker.features,
		.command_sets = 1 << VGPU_STUB_SET_BASIC,
		.credit_out = worker.features & VGPU_MEDIATOR_FEATURE_FRAMED ? worker.frames.credit : 0,
	} };

	channel_answer(&worker.channel, &message, sizeof(message.hello_answer),
		       worker.lifeline[0]);
}

/* A frame has to fit into the credit */
static uint32_t credit(void)
{
	if (!worker.limits.bytes || worker.limits.bytes > FRAMES_CREDIT)
		return FRAMES_CREDIT;
	return worker.limits.bytes > VGPU_MEDIATOR_DATA_MAX ? worker.limits.bytes
							     : VGPU_MEDIATOR_DATA_MAX;
}

static void set_limits(void)
{
	worker.memory.limit = worker.limits.memory;
	worker.frames.out_credit = worker.frames.credit = credit();
	turn_set_limits(worker.turn, &worker.limits);
}

/* The name of HELLO is a claim, and the socket of a VM is not */
static void identify(const char *name)
{
	worker.limits = *config_limits(worker.config, worker.vm, name);
	if (!worker.vm)
		snprintf(worker.name, sizeof(worker.name), "%s", name);
	else if (strcmp(worker.vm, name))
		log_line(LOG_INFO, "VM %s: its name is %s in QEMU", worker.vm, name);
	memcpy(worker.metrics->name, worker.name, sizeof(worker.name));
}

static void hello(const struct vgpu_mediator_hello *message)
{
	if (message->version_min > VGPU_MEDIATOR_VERSION ||
	    message->version_max < VGPU_MEDIATOR_VERSION) {
		channel_fault(&worker.channel, VGPU_MEDIATOR_BAD_VERSION,
			      "this back end speaks version 1");
		return;
	}
	if (pipe2(worker.lifeline, O_CLOEXEC)) {
		channel_fault(&worker.channel, VGPU_MEDIATOR_INTERNAL, "no pipe");
		return;
	}
	identify((const char *)message->name);
	worker.features = message->features & WORKER_FEATURES;
	worker.queues = message->queues;
	set_limits();
	answer_hello();
	log_line(LOG_INFO, "VM %s: connected, worker %d", worker.name, (int)getpid());
}

static void add_memory(const struct vgpu_mediator_memory_add *message)
{
	unsigned int fault = VGPU_MEDIATOR_BAD_STATE, status = VGPU_MEDIATOR_OK;

	if (!is_any_running())
		status = memory_add(&worker.memory, message, worker.channel.fds[0], &fault);
	answer_or_fault(status, fault);
}

static void clear_memory(void)
{
	if (is_any_running()) {
		channel_fault(&worker.channel, VGPU_MEDIATOR_BAD_STATE, "a queue is running");
		return;
	}
	memory_clear(&worker.memory);
	answer(VGPU_MEDIATOR_OK);
}

static void add_buffer(const struct vgpu_mediator_buffer_add *message)
{
	unsigned int fault, status;

	status = buffers_add(&worker.buffers, message, worker.channel.fds[0], &fault);
	answer_or_fault(status, fault);
}

static void remove_buffer(unsigned int handle)
{
	struct buffer *buffer = &worker.buffers.buffers[handle];

	if (!buffer->segments || buffer->removed) {
		channel_fault(&worker.channel, VGPU_MEDIATOR_BAD_STATE, "no such buffer");
		return;
	}
	buffer->removed = true;
	worker.removing[handle] = worker.channel.in.header.serial;
	worker.removals++;
}

static bool is_used(unsigned int handle)
{
	for (unsigned int i = 0; i < worker.queues; i++) {
		if (service_uses(&worker.services[i], handle))
			return true;
	}
	return false;
}

static void end_removals(void)
{
	for (unsigned int i = 0; worker.removals && i < VGPU_STUB_BUFFERS_MAX; i++) {
		union message message = { 0 };

		if (!worker.buffers.buffers[i].removed || is_used(i))
			continue;
		buffers_remove(&worker.buffers, i);
		worker.removals--;
		channel_answer_later(&worker.channel, VGPU_MEDIATOR_BUFFER_REMOVE,
				     worker.removing[i], &message, sizeof(message.answer));
	}
}

static void answer_queue(const struct service *service, unsigned int type, uint32_t serial,
			 unsigned int status)
{
	union message message = { .queue_answer = {
		.status = status,
		.queue = service->number,
		.sq_head = service->running ? service->queue.head : service->sq_head,
		.cq_tail = service->running ? service->queue.published : service->cq_tail,
	} };

	channel_answer_later(&worker.channel, type, serial, &message,
			     sizeof(message.queue_answer));
}

/* The service of a queue that the device has; NULL, and the channel is closed, if none */
static struct service *find_service(unsigned int queue)
{
	if (queue < worker.queues)
		return &worker.services[queue];
	channel_fault(&worker.channel, VGPU_MEDIATOR_BAD_VALUE, "no such queue");
	return NULL;
}

static void start_queue(const struct vgpu_mediator_queue_start *message)
{
	unsigned int fault = VGPU_MEDIATOR_BAD_STATE, status = VGPU_MEDIATOR_OK;
	struct service *service = find_service(message->queue);

	if (!service)
		return;
	if (worker.features & VGPU_MEDIATOR_FEATURE_SHARED && !service->running &&
	    !frames_in_flight(&worker.frames))
		status = service_start(service, message, &worker.memory, &fault);
	if (fault)
		channel_fault(&worker.channel, fault, "");
	else
		answer_queue(service, VGPU_MEDIATOR_QUEUE_START, message->header.serial, status);
}

static void end_stop(struct service *service, uint32_t serial)
{
	if (service_stop(service))
		answer_queue(service, VGPU_MEDIATOR_QUEUE_STOP, serial, VGPU_MEDIATOR_OK);
	else
		service->stop_serial = serial;
}

static void stop_queue(const struct vgpu_mediator_queue_stop *message)
{
	struct service *service = find_service(message->queue);

	if (!service)
		return;
	if (service->stop_serial)
		channel_fault(&worker.channel, VGPU_MEDIATOR_BAD_STATE, "the queue is stopping");
	else
		end_stop(service, message->header.serial);
}

static void executed(const struct vgpu_mediator_execute_answer *message)
{
	struct service *service = worker.services;

	while (service < worker.services + worker.queues && !service_executed(service, message))
		service++;
	if (service < worker.services + worker.queues && service->stop_serial)
		end_stop(service, service->stop_serial);
}

static void reset(void)
{
	for (unsigned int i = 0; i < VGPU_STUB_QUEUES_MAX; i++) {
		service_abandon(&worker.services[i]);
		worker.services[i].sq_head = worker.services[i].cq_tail = 0;
	}
	buffers_clear(&worker.buffers);
	worker.removals = 0;
	frames_clear(&worker.frames);
	memory_clear(&worker.memory);
	channel_forget_requests(&worker.channel);
	answer(VGPU_MEDIATOR_OK);
}

/* A message of the framed path */
static unsigned int handle_framed(const union message *message)
{
	if (!(worker.features & VGPU_MEDIATOR_FEATURE_FRAMED))
		return VGPU_MEDIATOR_BAD_STATE;
	switch (message->header.type) {
	case VGPU_MEDIATOR_COMMAND:
		if (message->command.queue >= worker.queues)
			return VGPU_MEDIATOR_BAD_VALUE;
		if (is_any_running())
			return VGPU_MEDIATOR_BAD_STATE;
		return frames_start(&worker.frames, &message->command);
	case VGPU_MEDIATOR_DATA_OUT:
		return frames_receive(&worker.frames, &message->data);
	case VGPU_MEDIATOR_CREDIT_IN:
		return frames_credit(&worker.frames, message->credit.bytes);
	default: /* CANCEL */
		frames_cancel(&worker.frames, message->cancel.tag);
		answer(VGPU_MEDIATOR_OK);
		return 0;
	}
}

static void handle(const union message *message)
{
	unsigned int code;

	switch (message->header.type) {
	case VGPU_MEDIATOR_HELLO:
		return hello(&message->hello);
	case VGPU_MEDIATOR_MEMORY_ADD:
		return add_memory(&message->memory_add);
	case VGPU_MEDIATOR_MEMORY_CLEAR:
		return clear_memory();
	case VGPU_MEDIATOR_BUFFER_ADD:
		return add_buffer(&message->buffer_add);
	case VGPU_MEDIATOR_BUFFER_REMOVE:
		return remove_buffer(message->buffer_remove.handle);
	case VGPU_MEDIATOR_QUEUE_START:
		return start_queue(&message->queue_start);
	case VGPU_MEDIATOR_QUEUE_STOP:
		return stop_queue(&message->queue_stop);
	case VGPU_MEDIATOR_EXECUTE | VGPU_MEDIATOR_ANSWER:
		return executed(&message->execute_answer);
	case VGPU_MEDIATOR_RESET:
		return reset();
	case VGPU_MEDIATOR_PING:
		return answer(VGPU_MEDIATOR_OK);
	default:
		code = handle_framed(message);
		if (code)
			channel_fault(&worker.channel, code, "");
	}
}

/* The loop */

static void receive(void)
{
	for (unsigned int i = 0; i < MESSAGES; i++) {
		if (channel_receive(&worker.channel) != CHANNEL_MESSAGE)
			return;
		handle(&worker.channel.in);
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

/* Returns whether there is more to do than to wait */
static bool execute(void)
{
	bool framed;

	for (unsigned int i = 0; i < worker.queues; i++)
		service_serve(&worker.services[i]);
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

void worker_run(int fd, struct turn *turn, struct metrics *metrics, const struct config *config,
		const char *vm)
{
	bool more = false;

	worker.config = config;
	worker.vm = vm;
	if (vm)
		snprintf(worker.name, sizeof(worker.name), "%s", vm);
	else
		snprintf(worker.name, sizeof(worker.name), "unknown (worker %d)", (int)getpid());
	worker.turn = turn;
	worker.metrics = worker.frames.metrics = metrics;
	for (unsigned int i = 0; i < VGPU_STUB_QUEUES_MAX; i++) {
		worker.services[i].channel = &worker.channel;
		worker.services[i].number = i;
		worker.services[i].turn = turn;
		worker.services[i].metrics = metrics;
		worker.services[i].limits = &worker.limits;
		worker.services[i].load = &worker.load;
		worker.services[i].engine.memory = &worker.memory;
		worker.services[i].engine.buffers = worker.buffers.buffers;
	}
	worker.frames.channel = &worker.channel;
	frames_clear(&worker.frames);
	channel_open(&worker.channel, fd, FROM_DEVICE, worker.name, log_channel);
	while (worker.channel.fd >= 0) {
		wait(more);
		send_queued();
		/* what cannot be sent now waits for room: send no more until the next wait */
		more = serve();
		end_removals();
		channel_check_time(&worker.channel, channel_now());
	}
}
