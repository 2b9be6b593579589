// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>
#include "engine.h"
#include "frames.h"

#define OUTSTANDING_MAX 0x1000000
/* Bytes consumed, before a notice grants them again */
#define GRANT 0x10000

/* Commands */

static struct command *find(struct frames *frames, uint32_t tag)
{
	for (unsigned int i = 0; i < frames->used; i++) {
		if (frames->commands[i].used && frames->commands[i].tag == tag)
			return &frames->commands[i];
	}
	return NULL;
}

static struct command *find_free(struct frames *frames)
{
	unsigned int i = 0;

	while (i < frames->used && frames->commands[i].used)
		i++;
	if (i == FRAMES_MAX)
		return NULL;
	if (i == frames->used)
		frames->used++;
	return &frames->commands[i];
}

static void drop(struct frames *frames, struct command *command)
{
	frames->consumed += command->count;
	free(command->bytes);
	memset(command, 0, sizeof(*command));
}

void frames_clear(struct frames *frames)
{
	for (unsigned int i = 0; i < frames->used; i++)
		drop(frames, &frames->commands[i]);
	frames->used = 0;
	frames->consumed = 0;
	frames->in_credit = 0;
	frames->out_credit = frames->credit;
}

bool frames_in_flight(const struct frames *frames)
{
	for (unsigned int i = 0; i < frames->used; i++) {
		if (frames->commands[i].used && !frames->commands[i].ended)
			return true;
	}
	return false;
}

/* The tag is known until all of OUT was received, or CANCEL */
static void end(struct frames *frames, struct command *command, unsigned int status)
{
	union message message = { .command_done = {
		.header.type = VGPU_MEDIATOR_COMMAND_DONE,
		.tag = command->tag,
		.status = status,
		.result = status ? 0 : engine_backend->result(&command->job),
	} };

	channel_send(frames->channel, &message, sizeof(message.command_done), -1);
	meter_end(&command->meter, !status, command->size);
	meter_publish(&command->meter, false);
	command->ended = true;
	command->in_left = 0;
	frames->consumed += command->count;
	command->count = 0;
	if (!command->out_left)
		drop(frames, command);
}

static void end_if_complete(struct frames *frames, struct command *command)
{
	if (!command->ended && !command->out_left && !command->count && !command->in_left)
		end(frames, command, VGPU_STUB_OK);
}

unsigned int frames_start(struct frames *frames, const struct vgpu_mediator_command *message)
{
	struct command *command;
	unsigned int status;

	if (find(frames, message->tag))
		return VGPU_MEDIATOR_BAD_STATE;
	command = find_free(frames);
	if (!command)
		return VGPU_MEDIATOR_BAD_STATE;
	*command = (struct command){ .used = true, .tag = message->tag,
				     .is_source = !message->out_bytes,
				     .out_left = message->out_bytes,
				     .in_left = message->in_bytes,
				     .meter.metrics = frames->metrics,
				     .size = (uint64_t)message->out_bytes + message->in_bytes };
	vgpu_job_begin(&command->job, message->opcode, message->arg);
	frames->metrics->path = PATH_FRAMED;
	meter_begin(&command->meter);
	status = vgpu_operation_check(engine_backend, message->opcode, message->arg,
				      message->out_bytes, message->in_bytes);
	if (status)
		end(frames, command, status);
	else
		end_if_complete(frames, command);
	return 0;
}

void frames_cancel(struct frames *frames, uint32_t tag)
{
	struct command *command = find(frames, tag);

	if (command)
		drop(frames, command);
}

/* From the device */

static bool append(struct command *command, const unsigned char *bytes, size_t len)
{
	if (command->at + command->count + len > command->room) {
		if (command->count)
			memmove(command->bytes, command->bytes + command->at, command->count);
		command->at = 0;
	}
	if (command->count + len > command->room) {
		size_t room = 2 * (command->count + len);
		unsigned char *grown = realloc(command->bytes, room);

		if (!grown)
			return false;
		command->bytes = grown;
		command->room = room;
	}
	memcpy(command->bytes + command->at + command->count, bytes, len);
	command->count += len;
	return true;
}

/* Data is executed in the worker's turn, by frames_serve() */
unsigned int frames_receive(struct frames *frames, const struct vgpu_mediator_data *message)
{
	size_t len = message->header.length - sizeof(*message);
	struct command *command = find(frames, message->tag);

	if (!command)
		return VGPU_MEDIATOR_BAD_STATE;
	if (len > command->out_left || len > frames->out_credit)
		return VGPU_MEDIATOR_BAD_VALUE;
	command->out_left -= len;
	frames->out_credit -= len;
	if (!command->ended)
		return append(command, (const unsigned char *)(message + 1), len)
			       ? 0 : VGPU_MEDIATOR_INTERNAL;
	frames->consumed += len;
	if (!command->out_left)
		drop(frames, command);
	return 0;
}

unsigned int frames_credit(struct frames *frames, uint32_t bytes)
{
	frames->in_credit += bytes;
	return frames->in_credit > OUTSTANDING_MAX ? VGPU_MEDIATOR_BAD_VALUE : 0;
}

/* Working */

static bool has_room(const struct frames *frames)
{
	/* the other messages need some, too */
	return frames->channel->queued < CHANNEL_QUEUE_MAX / 4;
}

static size_t sendable(const struct frames *frames, const struct command *command)
{
	size_t len = command->in_left;

	if (!command->is_source)
		len = command->count;
	if (len > frames->in_credit)
		len = frames->in_credit;
	return len < VGPU_MEDIATOR_DATA_MAX ? len : VGPU_MEDIATOR_DATA_MAX;
}

/* What of OUT can be executed without IN */
static size_t executable(const struct command *command)
{
	size_t len = command->in_left ? 0 : command->count;

	return len < VGPU_MEDIATOR_DATA_MAX ? len : VGPU_MEDIATOR_DATA_MAX;
}

/*
 * The device gets credit for what was executed, so the memory must not be kept for the
 * next data: a device with many commands would get as much for each.
 */
static void free_room(struct command *command)
{
	unsigned char *bytes;

	if (!command->count) {
		free(command->bytes);
		command->bytes = NULL;
		command->at = command->room = 0;
		return;
	}
	if (command->count >= command->room / 4)
		return;
	memmove(command->bytes, command->bytes + command->at, command->count);
	command->at = 0;
	bytes = realloc(command->bytes, 2 * command->count);
	if (!bytes)
		return;
	command->bytes = bytes;
	command->room = 2 * command->count;
}

/* Execute the next @len bytes, from what was received and to @to */
static void execute(struct frames *frames, struct command *command, unsigned char *to,
		    size_t len)
{
	vgpu_job_execute(engine_backend, &command->job,
			 command->is_source ? NULL : command->bytes + command->at, to, len);
	if (command->is_source)
		return;
	command->at += len;
	command->count -= len;
	frames->consumed += len;
	free_room(command);
}

static void send_data(struct frames *frames, struct command *command, size_t len)
{
	static union message message; /* too large for a stack */
	unsigned char *to = message.bytes + sizeof(message.data);

	message.data = (struct vgpu_mediator_data){
		.header.type = VGPU_MEDIATOR_DATA_IN, .tag = command->tag };
	execute(frames, command, to, len);
	command->in_left -= len;
	frames->in_credit -= len;
	channel_send(frames->channel, &message, sizeof(message.data) + len, -1);
	end_if_complete(frames, command);
}

static void grant(struct frames *frames)
{
	union message message = { .credit = { .header.type = VGPU_MEDIATOR_CREDIT_OUT,
					      .bytes = frames->consumed } };

	if (frames->consumed < GRANT)
		return;
	frames->out_credit += frames->consumed;
	frames->consumed = 0;
	channel_send(frames->channel, &message, sizeof(message.credit), -1);
}

static bool has_work(const struct frames *frames, const struct command *command)
{
	if (executable(command))
		return true;
	return sendable(frames, command) && has_room(frames);
}

bool frames_have_work(const struct frames *frames)
{
	for (unsigned int i = 0; i < frames->used; i++) {
		if (frames->commands[i].used && has_work(frames, &frames->commands[i]))
			return true;
	}
	return frames->consumed >= GRANT;
}

/* Returns whether the command has work, for which there may be no room */
static bool serve(struct frames *frames, struct command *command)
{
	size_t out = executable(command), in = sendable(frames, command);

	if (out) {
		execute(frames, command, NULL, out);
		end_if_complete(frames, command);
	} else if (in && has_room(frames)) {
		send_data(frames, command, in);
		frames->next = command - frames->commands + 1;
	}
	return out || in;
}

/* A message of each command in turn. The first one is not always the same: it gets the room. */
bool frames_serve(struct frames *frames)
{
	unsigned int first = frames->next;
	bool more = false;

	for (unsigned int n = 0; n < frames->used; n++) {
		struct command *command = &frames->commands[(first + n) % frames->used];

		if (command->used)
			more = serve(frames, command) || more;
	}
	while (frames->used && !frames->commands[frames->used - 1].used)
		frames->used--;
	grant(frames);
	return more;
}
