// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "log.h"
#include "worker.h"
#include "worker-state.h"

static void answer(struct worker *worker, unsigned int status)
{
	union message message = { .answer.status = status };

	channel_answer(&worker->channel, &message, sizeof(message.answer), -1);
}

static void answer_or_fault(struct worker *worker, unsigned int status, unsigned int fault)
{
	if (fault)
		channel_fault(&worker->channel, fault, "");
	else
		answer(worker, status);
}

static bool is_any_running(const struct worker *worker)
{
	for (unsigned int i = 0; i < worker->queues; i++) {
		if (worker->services[i].running)
			return true;
	}
	return false;
}

static void answer_hello(struct worker *worker)
{
	union message message = { .hello_answer = {
		.version = VGPU_MEDIATOR_VERSION,
		.features = worker->features,
		.command_sets = 1 << VGPU_STUB_SET_BASIC,
		.credit_out = worker->features & VGPU_MEDIATOR_FEATURE_FRAMED ? worker->frames.credit : 0,
	} };

	channel_answer(&worker->channel, &message, sizeof(message.hello_answer),
		       worker->lifeline[0]);
}

/* A frame has to fit into the credit */
static uint32_t credit(const struct worker *worker)
{
	if (!worker->limits.bytes || worker->limits.bytes > FRAMES_CREDIT)
		return FRAMES_CREDIT;
	return worker->limits.bytes > VGPU_MEDIATOR_DATA_MAX ? worker->limits.bytes
							     : VGPU_MEDIATOR_DATA_MAX;
}

static void set_limits(struct worker *worker)
{
	worker->memory.limit = worker->limits.memory;
	worker->frames.out_credit = worker->frames.credit = credit(worker);
	turn_set_limits(worker->turn, &worker->limits);
}

/* The name of HELLO is a claim, and the socket of a VM is not */
static void identify(struct worker *worker, const char *name)
{
	worker->limits = *config_limits(worker->config, worker->vm, name);
	if (!worker->vm)
		snprintf(worker->name, sizeof(worker->name), "%s", name);
	else if (strcmp(worker->vm, name))
		log_line(LOG_INFO, "VM %s: its name is %s in QEMU", worker->vm, name);
	memcpy(worker->metrics->name, worker->name, sizeof(worker->name));
}

static void hello(struct worker *worker, const struct vgpu_mediator_hello *message)
{
	if (message->version_min > VGPU_MEDIATOR_VERSION ||
	    message->version_max < VGPU_MEDIATOR_VERSION) {
		channel_fault(&worker->channel, VGPU_MEDIATOR_BAD_VERSION,
			      "this back end speaks version 1");
		return;
	}
	if (pipe2(worker->lifeline, O_CLOEXEC)) {
		channel_fault(&worker->channel, VGPU_MEDIATOR_INTERNAL, strerror(errno));
		return;
	}
	identify(worker, (const char *)message->name);
	worker->features = message->features & WORKER_FEATURES;
	worker->queues = message->queues;
	set_limits(worker);
	answer_hello(worker);
	log_line(LOG_INFO, "VM %s: connected, worker %d", worker->name, (int)getpid());
}

static void add_memory(struct worker *worker, const struct vgpu_mediator_memory_add *message)
{
	unsigned int fault = VGPU_MEDIATOR_BAD_STATE, status = VGPU_MEDIATOR_OK;

	if (!is_any_running(worker))
		status = memory_add(&worker->memory, message, worker->channel.fds[0], &fault);
	answer_or_fault(worker, status, fault);
}

static void clear_memory(struct worker *worker)
{
	if (is_any_running(worker)) {
		channel_fault(&worker->channel, VGPU_MEDIATOR_BAD_STATE, "a queue is running");
		return;
	}
	memory_clear(&worker->memory);
	answer(worker, VGPU_MEDIATOR_OK);
}

static void add_buffer(struct worker *worker, const struct vgpu_mediator_buffer_add *message)
{
	unsigned int fault, status;

	status = buffers_add(&worker->buffers, message, worker->channel.fds[0], &fault);
	answer_or_fault(worker, status, fault);
}

static void remove_buffer(struct worker *worker, unsigned int handle)
{
	struct vgpu_buffer *buffer = vgpu_buffers_find(&worker->buffers, handle);

	if (!buffer) {
		channel_fault(&worker->channel, VGPU_MEDIATOR_BAD_STATE, "no such buffer");
		return;
	}
	buffer->closing = true;
	worker->removing[handle] = worker->channel.in.header.serial;
	worker->removals++;
}

void worker_end_removals(struct worker *worker)
{
	for (unsigned int i = 0; worker->removals && i < VGPU_STUB_BUFFERS_MAX; i++) {
		const struct vgpu_buffer *buffer = worker->buffers.by_handle[i];
		union message message = { 0 };

		if (!buffer || !buffer->closing || buffer->users)
			continue;
		vgpu_buffers_remove(&worker->buffers, i);
		worker->removals--;
		channel_answer_later(&worker->channel, VGPU_MEDIATOR_BUFFER_REMOVE,
				     worker->removing[i], &message, sizeof(message.answer));
	}
}

static void answer_queue(struct worker *worker, const struct service *service, unsigned int type,
			 uint32_t serial, unsigned int status)
{
	union message message = { .queue_answer = {
		.status = status,
		.queue = service->number,
		.sq_head = service->running ? service->queue.head : service->sq_head,
		.cq_tail = service->running ? service->queue.published : service->cq_tail,
	} };

	channel_answer_later(&worker->channel, type, serial, &message,
			     sizeof(message.queue_answer));
}

/* The service of a queue that the device has; NULL, and the channel is closed, if none */
static struct service *find_service(struct worker *worker, unsigned int queue)
{
	if (queue < worker->queues)
		return &worker->services[queue];
	channel_fault(&worker->channel, VGPU_MEDIATOR_BAD_VALUE, "no such queue");
	return NULL;
}

static void start_queue(struct worker *worker, const struct vgpu_mediator_queue_start *message)
{
	unsigned int fault = VGPU_MEDIATOR_BAD_STATE, status = VGPU_MEDIATOR_OK;
	struct service *service = find_service(worker, message->queue);

	if (!service)
		return;
	if (worker->features & VGPU_MEDIATOR_FEATURE_SHARED && !service->running &&
	    !frames_in_flight(&worker->frames))
		status = service_start(service, message, &worker->memory, &fault);
	if (fault)
		channel_fault(&worker->channel, fault, "");
	else
		answer_queue(worker, service, VGPU_MEDIATOR_QUEUE_START, message->header.serial,
			     status);
}

static void end_stop(struct worker *worker, struct service *service, uint32_t serial)
{
	if (service_stop(service))
		answer_queue(worker, service, VGPU_MEDIATOR_QUEUE_STOP, serial, VGPU_MEDIATOR_OK);
	else
		service->stop_serial = serial;
}

static void stop_queue(struct worker *worker, const struct vgpu_mediator_queue_stop *message)
{
	struct service *service = find_service(worker, message->queue);

	if (!service)
		return;
	if (service->stop_serial)
		channel_fault(&worker->channel, VGPU_MEDIATOR_BAD_STATE, "the queue is stopping");
	else
		end_stop(worker, service, message->header.serial);
}

static void executed(struct worker *worker, const struct vgpu_mediator_execute_answer *message)
{
	struct service *service = worker->services;

	while (service < worker->services + worker->queues && !service_executed(service, message))
		service++;
	if (service < worker->services + worker->queues && service->stop_serial)
		end_stop(worker, service, service->stop_serial);
}

static void reset(struct worker *worker)
{
	for (unsigned int i = 0; i < VGPU_STUB_QUEUES_MAX; i++) {
		service_abandon(&worker->services[i]);
		worker->services[i].sq_head = worker->services[i].cq_tail = 0;
	}
	buffers_clear(&worker->buffers);
	worker->removals = 0;
	frames_clear(&worker->frames);
	memory_clear(&worker->memory);
	channel_forget_requests(&worker->channel);
	answer(worker, VGPU_MEDIATOR_OK);
}

/* A message of the framed path */
static unsigned int handle_framed(struct worker *worker, const union message *message)
{
	if (!(worker->features & VGPU_MEDIATOR_FEATURE_FRAMED))
		return VGPU_MEDIATOR_BAD_STATE;
	switch (message->header.type) {
	case VGPU_MEDIATOR_COMMAND:
		if (message->command.queue >= worker->queues)
			return VGPU_MEDIATOR_BAD_VALUE;
		if (is_any_running(worker))
			return VGPU_MEDIATOR_BAD_STATE;
		return frames_start(&worker->frames, &message->command);
	case VGPU_MEDIATOR_DATA_OUT:
		return frames_receive(&worker->frames, &message->data);
	case VGPU_MEDIATOR_CREDIT_IN:
		return frames_credit(&worker->frames, message->credit.bytes);
	default: /* CANCEL */
		frames_cancel(&worker->frames, message->cancel.tag);
		answer(worker, VGPU_MEDIATOR_OK);
		return 0;
	}
}

void worker_handle(struct worker *worker, const union message *message)
{
	unsigned int code;

	switch (message->header.type) {
	case VGPU_MEDIATOR_HELLO:
		return hello(worker, &message->hello);
	case VGPU_MEDIATOR_MEMORY_ADD:
		return add_memory(worker, &message->memory_add);
	case VGPU_MEDIATOR_MEMORY_CLEAR:
		return clear_memory(worker);
	case VGPU_MEDIATOR_BUFFER_ADD:
		return add_buffer(worker, &message->buffer_add);
	case VGPU_MEDIATOR_BUFFER_REMOVE:
		return remove_buffer(worker, message->buffer_remove.handle);
	case VGPU_MEDIATOR_QUEUE_START:
		return start_queue(worker, &message->queue_start);
	case VGPU_MEDIATOR_QUEUE_STOP:
		return stop_queue(worker, &message->queue_stop);
	case VGPU_MEDIATOR_EXECUTE | VGPU_MEDIATOR_ANSWER:
		return executed(worker, &message->execute_answer);
	case VGPU_MEDIATOR_RESET:
		return reset(worker);
	case VGPU_MEDIATOR_PING:
		return answer(worker, VGPU_MEDIATOR_OK);
	default:
		code = handle_framed(worker, message);
		if (code)
			channel_fault(&worker->channel, code, "");
	}
}
