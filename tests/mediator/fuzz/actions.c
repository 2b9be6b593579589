// SPDX-License-Identifier: GPL-2.0-or-later
/* What a hostile guest and a hostile device do, and what a well-behaved one does */
#include <string.h>
#include <unistd.h>
#include "guest.h"
#include "memory-map.h"

uint64_t guest_entries;

/* Messages of a device */

void send_hello(unsigned int features)
{
	union message message = { .hello = { .version_min = 1, .version_max = 1,
					     .features = features, .queues = QUEUES,
					     .name = "fuzz" } };

	guest_send_message(&message, VGPU_MEDIATOR_HELLO, sizeof(message.hello), NULL, 0);
}

static void send_region(uint64_t address, uint64_t size, uint64_t offset, bool writable)
{
	union message message = { .memory_add = { .address = address, .size = size,
						  .offset = offset, .flags = writable } };

	guest_send_message(&message, VGPU_MEDIATOR_MEMORY_ADD, sizeof(message.memory_add),
			   &guest.memory_fd, 1);
}

void send_memory(void)
{
	send_region(BASE, HALF, WRITABLE_AT, true);
	send_region(BASE + HALF, WRITABLE_SIZE - HALF, WRITABLE_AT + HALF, true);
	send_region(BASE + WRITABLE_SIZE, READ_ONLY_SIZE, READ_ONLY_AT, false);
}

void send_queue_start(unsigned int queue)
{
	const int fds[] = { guest.kicks[queue], guest.call, guest.record_fds[queue] };
	const uint64_t base = BASE + QUEUE_AT(queue);
	union message message = { .queue_start = { .queue = queue, .size = ENTRIES, .sq = base,
						   .cq = base + CQ_AT, .index = base + INDEX_AT } };

	guest_send_message(&message, VGPU_MEDIATOR_QUEUE_START, sizeof(message.queue_start), fds, 3);
}

void send_buffer(unsigned int handle)
{
	struct vgpu_stub_segment *segments = (void *)guest.segments;
	union message message = { .buffer_add = { .handle = handle, .access = 3,
						  .count = SEGMENTS } };

	for (unsigned int i = 0; i < SEGMENTS; i++)
		message.buffer_add.bytes += segments[i].len;
	guest_send_message(&message, VGPU_MEDIATOR_BUFFER_ADD, sizeof(message.buffer_add),
			   &guest.segments_fd, 1);
}

static void send_plain(unsigned int type)
{
	union message message = { 0 };

	guest_send_message(&message, type, sizeof(message.header), NULL, 0);
}

static void send_data(uint32_t tag, size_t length)
{
	static union message message;

	memset(&message, 0, sizeof(message.data));
	message.data.tag = tag;
	guest_send_message(&message, VGPU_MEDIATOR_DATA_OUT, sizeof(message.data) + length, NULL, 0);
}

/* With its data, or without */
static void send_command(struct input *in)
{
	union message message = { .command = {
		.tag = take(in, 1) % 8, .queue = take(in, 1) % QUEUES, .opcode = take(in, 1) % 5,
		.arg = take(in, 1) % 2, .out_bytes = take(in, 2) } };
	const uint32_t tag = message.command.tag, bytes = message.command.out_bytes;

	if (message.command.opcode == VGPU_STUB_OP_FILL && take(in, 1) % 8)
		message.command.out_bytes = 0;
	if (message.command.opcode != VGPU_STUB_OP_CRC32C)
		message.command.in_bytes = take(in, 1) % 8 ? bytes : take(in, 3);
	guest_entries++;
	guest_send_message(&message, VGPU_MEDIATOR_COMMAND, sizeof(message.command), NULL, 0);
	if (message.command.opcode != VGPU_STUB_OP_FILL && bytes && take(in, 1) % 4)
		send_data(tag, take(in, 1) % 8 ? bytes : bytes / 2 + 1);
}

/* CREDIT_IN, CANCEL, BUFFER_REMOVE and QUEUE_STOP have the same size */
static void send_small(unsigned int type, uint32_t value)
{
	union message message = { .credit = { .bytes = value } };

	guest_send_message(&message, type, sizeof(message.credit), NULL, 0);
}

/* Any bytes, and descriptors that may be right */
static void send_raw(struct input *in)
{
	const int fds[] = { guest.memory_fd, guest.segments_fd, guest.call };
	union message message;
	size_t length = 16 + take(in, 1) % 80;

	for (size_t i = 0; i < length; i++)
		message.bytes[i] = i < 16 && take(in, 1) % 2 ? 0 : take(in, 1);
	if (take(in, 1) % 4)
		message.header.length = length;
	guest_send(&message, length, fds, take(in, 1) % 4);
}

static void send_message(struct input *in)
{
	switch (take(in, 1) % 16) {
	case 0:
		return send_raw(in);
	case 1:
		return send_memory();
	case 2:
		return send_plain(VGPU_MEDIATOR_MEMORY_CLEAR);
	case 3:
	case 4:
		return send_buffer(take(in, 1) % 5);
	case 5:
		return send_small(VGPU_MEDIATOR_BUFFER_REMOVE, take(in, 1) % 5);
	case 6:
	case 7:
		return send_queue_start(take(in, 1) % QUEUES);
	case 8:
		return send_small(VGPU_MEDIATOR_QUEUE_STOP, take(in, 1) % QUEUES);
	case 9:
		return send_plain(VGPU_MEDIATOR_RESET);
	case 10:
		return send_plain(VGPU_MEDIATOR_PING);
	case 11:
		return send_command(in);
	case 12:
		return send_data(take(in, 1) % 8, 1 + take(in, 2));
	case 13:
		return send_small(VGPU_MEDIATOR_CREDIT_IN, 1 + take(in, 3));
	case 14:
		return send_small(VGPU_MEDIATOR_CANCEL, take(in, 1) % 8);
	default:
		return send_hello(take(in, 1) % 8);
	}
}

/* Messages of the worker */

static void answer_execute(struct input *in, uint32_t serial)
{
	union message message = { .execute_answer = { .command_status = take(in, 1) % 3 } };
	bool cancelled = take(in, 1) % 8 == 1;

	message.header.length = sizeof(message.execute_answer);
	message.header.type = VGPU_MEDIATOR_EXECUTE | VGPU_MEDIATOR_ANSWER;
	message.header.serial = serial;
	if (cancelled) {
		message.execute_answer.status = VGPU_MEDIATOR_CANCELLED;
		message.execute_answer.command_status = 0;
	}
	message_encode(&message);
	guest_send(&message, sizeof(message.execute_answer), NULL, 0);
}

void guest_receive(struct input *in)
{
	const union message *message;

	while (guest.fd >= 0 && (message = guest_next_message())) {
		if (message->header.type != VGPU_MEDIATOR_EXECUTE)
			continue;
		/* one is answered late: after RESET, QUEUE_STOP or never */
		if (take(in, 1) % 4)
			answer_execute(in, message->header.serial);
	}
}

/* The witness */

void witness_start(void)
{
	struct vgpu_stub_sqe sqe = { .opcode = VGPU_STUB_OP_CRC32C, .id = 77,
				     .out = { .type = VGPU_STUB_DESC_INLINE, .len = 9 },
				     .data = "123456789" };

	send_hello(VGPU_MEDIATOR_FEATURE_SHARED | VGPU_MEDIATOR_FEATURE_FRAMED);
	send_memory();
	send_queue_start(QUEUES - 1);
	submit(QUEUES - 1, &sqe);
}

bool witness_works(void)
{
	const struct vgpu_stub_cqe *cqe = (void *)(guest.memory + WRITABLE_AT +
						   QUEUE_AT(QUEUES - 1) + CQ_AT);

	if (!index_of(QUEUES - 1)->cq_tail)
		return false;
	check(cqe->id == 77 && !cqe->status && cqe->result == 0xe3069283);
	return true;
}

/* All */

static void scribble(struct input *in)
{
	unsigned int queue = take(in, 1) % (QUEUES + 1);
	uint32_t at = take(in, 3), value = take(in, 4);

	if (queue == QUEUES)
		memcpy(guest.memory + WRITABLE_AT + at % (WRITABLE_SIZE - 4), &value, 4);
	else
		memcpy(guest.records[queue] + at % (RECORD_SIZE - 4), &value, 4);
}

static void set_segments(struct input *in)
{
	struct vgpu_stub_segment *segments = (void *)guest.segments;

	for (unsigned int i = 0; i < SEGMENTS; i++)
		segments[i] = (struct vgpu_stub_segment){
			.addr = BASE + take(in, 3) % (WRITABLE_SIZE + READ_ONLY_SIZE + 64),
			.len = 1 + take(in, 2) };
}

void guest_start(struct input *in)
{
	unsigned int how = take(in, 1) % 16;
	struct vgpu_stub_segment *segments = (void *)guest.segments;

	for (unsigned int i = 0; i < SEGMENTS; i++)
		segments[i] = (struct vgpu_stub_segment){ .addr = BASE + DATA_AT, .len = 0x1000 };
	if (!how)
		return;
	send_hello(VGPU_MEDIATOR_FEATURE_SHARED | VGPU_MEDIATOR_FEATURE_FRAMED);
	/* COMMAND needs stopped queues */
	for (unsigned int i = 0; how > 4 && i < QUEUES; i++) {
		if (!i)
			send_memory();
		send_queue_start(i);
	}
}

void guest_act(struct input *in)
{
	unsigned int action = take(in, 1) % 64, queue = take(in, 1) % QUEUES;

	if (action < 6)
		send_message(in);
	else if (action < 8)
		scribble(in);
	else if (action < 10)
		(&index_of(queue)->sq_tail)[take(in, 1) % 3] += (int8_t)take(in, 1);
	else if (action < 11)
		guest_want_turn(take(in, 1) % 2);
	else if (action < 12)
		set_segments(in);
	else
		submit_any(in, queue, action < 16);
}
