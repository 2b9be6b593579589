// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "log.h"
#include "service.h"
#include "worker.h"

/* Commands at a time, of up to a millisecond each */
#define TURN 16

/* Executing */

/* Returns whether the request could be sent; if not, the channel is closed */
static bool ask_device(struct service *service, const struct vgpu_stub_sqe *entry)
{
	union message message = { .execute = {
		.header.type = VGPU_MEDIATOR_EXECUTE,
		.queue = service->number,
		.number = service->queue.running,
		.entry = *entry,
	} };

	if (!channel_request(service->channel, &message, sizeof(message.execute)))
		return false;
	service->ask = ASK_SENT;
	service->ask_serial = service->channel->serial;
	return true;
}

static bool is_within(uint64_t before, uint64_t more, uint64_t limit)
{
	return !limit || before + more <= limit;
}

/*
 * The first of the queues whose command was refused for a limit. No other queue begins a
 * command before it: a busy queue begins its next one in the same call as it completes the
 * last, so without this the others would never find room.
 */
static const struct service *waiter;

/* One command is always executed, however large it is */
static bool start(struct service *service, const struct vgpu_stub_sqe *entry)
{
	struct load *load = service->load;
	uint64_t bytes = entry->out.len > entry->in.len ? entry->out.len : entry->in.len;

	if (waiter && waiter != service)
		return false;
	if (load->commands && !(is_within(load->commands, 1, service->limits->commands) &&
				is_within(load->bytes, bytes, service->limits->bytes))) {
		waiter = service;
		return false;
	}
	waiter = NULL;
	service->started = true;
	service->bytes = bytes;
	service->spent = 0;
	load->commands++;
	load->bytes += bytes;
	return true;
}

static void end(struct service *service)
{
	if (!service->started)
		return;
	service->started = false;
	service->load->commands--;
	service->load->bytes -= service->bytes;
}

/* The supervisor ends a worker that is stuck in a slice; this is a command of many */
static void check_time(const struct service *service)
{
	uint64_t limit = service->limits->time_ms;

	if (!limit || service->spent / 1000000 < (int64_t)limit)
		return;
	log_line(LOG_ERR, "VM %s: worker %d ends: a command of queue %u is not complete after %llu ms",
		 service->channel->name, (int)getpid(), service->number,
		 (unsigned long long)limit);
	_exit(WORKER_EXIT_TIME);
}

/* The rest of a command is executed in the next turn, or when others are complete */
static unsigned int execute_slice(struct service *service, const struct vgpu_stub_sqe *entry,
				  uint64_t *result)
{
	unsigned int status;
	int64_t since;

	if (turn_is_over(service->turn) || (!service->started && !start(service, entry)))
		return EXECUTOR_BUSY;
	since = service->engine.busy ? turn_now() : 0;
	status = engine_execute(&service->engine, entry, result);
	if (since)
		service->spent += turn_now() - since;
	if (status < EXECUTOR_BUSY)
		end(service);
	else
		check_time(service);
	return status;
}

static unsigned int execute(void *opaque, const struct vgpu_stub_sqe *entry, uint64_t *result)
{
	struct service *service = opaque;

	if (entry->opcode >> 8 != VGPU_STUB_SET_BUFFER)
		return execute_slice(service, entry, result);
	if (service->ask == ASK_NONE)
		ask_device(service, entry);
	if (service->ask != ASK_DONE)
		return EXECUTOR_WAIT;
	service->ask = ASK_NONE;
	*result = service->result;
	return service->status;
}

static struct executor executor_of(struct service *service)
{
	return (struct executor){ engine_can_replay, execute, service };
}

bool service_executed(struct service *service, const struct vgpu_mediator_execute_answer *answer)
{
	if (service->ask != ASK_SENT || service->ask_serial != answer->header.serial)
		return false;
	service->ask = answer->status == VGPU_MEDIATOR_OK ? ASK_DONE : ASK_CANCELLED;
	service->status = answer->command_status;
	service->result = answer->result;
	service->more = true;
	return true;
}

/* Starting */

/* An eventfd has no file type. One that blocks could stop this process. */
static bool is_eventfd(int fd)
{
	struct stat file;
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && flags & O_NONBLOCK && !fstat(fd, &file) &&
	       !(file.st_mode & S_IFMT);
}

static bool is_record(int fd, size_t size)
{
	struct stat file;

	return !fstat(fd, &file) && file.st_size == (off_t)size &&
	       fcntl(fd, F_GET_SEALS) > 0 && fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK;
}

static bool find_rings(struct queue *queue, const struct vgpu_mediator_queue_start *start,
		       const struct memory *memory)
{
	queue->sq = memory_whole(memory, start->sq, start->size * sizeof(*queue->sq));
	queue->cq = memory_whole(memory, start->cq, start->size * sizeof(*queue->cq));
	queue->index = memory_whole(memory, start->index, sizeof(*queue->index));
	return queue->sq && queue->cq && queue->index;
}

static unsigned int map_record(struct service *service, uint32_t size, int fd)
{
	service->record_size = sizeof(struct vgpu_mediator_record) +
			       size * sizeof(struct vgpu_mediator_slot);
	if (!is_record(fd, service->record_size))
		return VGPU_MEDIATOR_FAIL_RECORD;
	service->queue.record = mmap(NULL, service->record_size, PROT_READ | PROT_WRITE,
				     MAP_SHARED, fd, 0);
	return service->queue.record == MAP_FAILED ? VGPU_MEDIATOR_FAIL_HOST : VGPU_MEDIATOR_OK;
}

static unsigned int recover(struct service *service, int call)
{
	unsigned int status;

	service->queue.call = call;
	status = queue_recover(&service->queue);
	if (status)
		munmap(service->queue.record, service->record_size);
	return status;
}

unsigned int service_start(struct service *service, const struct vgpu_mediator_queue_start *start,
			   const struct memory *memory, unsigned int *fault)
{
	struct channel *channel = service->channel;
	unsigned int status;

	*fault = 0;
	if (!is_eventfd(channel->fds[0]) || !is_eventfd(channel->fds[1])) {
		*fault = VGPU_MEDIATOR_BAD_DESCRIPTORS;
		return VGPU_MEDIATOR_OK;
	}
	service->queue = (struct queue){ .size = start->size,
					 .meter.metrics = service->metrics };
	if (!find_rings(&service->queue, start, memory))
		return VGPU_MEDIATOR_FAIL_ADDRESS;
	status = map_record(service, start->size, channel->fds[2]);
	if (!status)
		status = recover(service, channel->fds[1]);
	if (status)
		return status;
	service->kick = channel_take_fd(channel, 0);
	service->queue.call = channel_take_fd(channel, 1);
	service->running = service->more = true;
	service->metrics->queues++;
	service->metrics->path = PATH_SHARED;
	service->ask = ASK_NONE;
	return VGPU_MEDIATOR_OK;
}

/* Stopping */

void service_abandon(struct service *service)
{
	if (!service->running)
		return;
	munmap(service->queue.record, service->record_size);
	close(service->kick);
	close(service->queue.call);
	engine_abandon(&service->engine);
	end(service);
	if (waiter == service)
		waiter = NULL;
	service->running = service->more = false;
	service->metrics->queues--;
	service->ask = ASK_NONE;
	service->stop_serial = 0;
	service->sq_head = service->cq_tail = 0;
}

static void leave(struct service *service)
{
	struct queue queue = service->queue;

	service_abandon(service);
	service->sq_head = queue.head;
	service->cq_tail = queue.published;
}

bool service_stop(struct service *service)
{
	struct executor executor = executor_of(service);

	if (!service->running)
		return true;
	if (service->ask == ASK_SENT)
		return false;
	/* the device has executed the command */
	if (service->ask == ASK_DONE)
		queue_serve(&service->queue, &executor, 1);
	queue_stop(&service->queue, &executor);
	leave(service);
	return true;
}

static void report_error(struct service *service, unsigned int error)
{
	union message message = { .queue_error = {
		.header.type = VGPU_MEDIATOR_QUEUE_ERROR,
		.queue = service->number,
		.error = error,
		.sq_head = service->sq_head,
		.cq_tail = service->cq_tail,
	} };

	channel_send(service->channel, &message, sizeof(message.queue_error), -1);
}

void service_serve(struct service *service)
{
	struct executor executor = executor_of(service);
	unsigned int error;

	if (!service->running || !service->more)
		return;
	service->more = queue_serve(&service->queue, &executor, TURN);
	error = service->queue.error;
	if (!error)
		return;
	leave(service);
	report_error(service, error);
}
