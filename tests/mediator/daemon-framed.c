// SPDX-License-Identifier: GPL-2.0-or-later
/* The framed path */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "daemon.h"
#include "hang.h"
#include "peer.h"
#include "processes.h"
#include "ring.h"
#include "send.h"

static void send_notice(union message message, unsigned int type, size_t length)
{
	message.header = (struct vgpu_mediator_header){ .length = length, .type = type };
	message_encode(&message);
	send_bytes(peer.fd, &message, length, NULL, 0);
}

static void send_command(uint32_t tag, unsigned int opcode, uint64_t arg, uint32_t out, uint32_t in)
{
	union message message = { .command = { .tag = tag, .opcode = opcode, .arg = arg,
					       .out_bytes = out, .in_bytes = in } };

	send_notice(message, VGPU_MEDIATOR_COMMAND, sizeof(message.command));
}

static void send_data(uint32_t tag, const void *bytes, size_t len)
{
	static union message message;

	message.data = (struct vgpu_mediator_data){ .tag = tag };
	memcpy(message.bytes + sizeof(message.data), bytes, len);
	send_notice(message, VGPU_MEDIATOR_DATA_OUT, sizeof(message.data) + len);
}

static void send_credit(uint32_t bytes)
{
	union message message = { .credit = { .bytes = bytes } };

	send_notice(message, VGPU_MEDIATOR_CREDIT_IN, sizeof(message.credit));
}

static unsigned int cancel(uint32_t tag)
{
	union message message = { .cancel = { .tag = tag } };

	return request(message, VGPU_MEDIATOR_CANCEL, sizeof(message.cancel), NULL, 0);
}

static uint64_t out_credit; /* what may be sent */

/* Keep the bytes of DATA_IN until COMMAND_DONE or, if there is data to send, credit for it */
static size_t receive_data(unsigned char *to, size_t have, bool wants_credit)
{
	while (receive()) {
		size_t len = peer.in.header.length - sizeof(peer.in.data);

		if (peer.in.header.type == VGPU_MEDIATOR_CREDIT_OUT)
			out_credit += peer.in.credit.bytes;
		if (peer.in.header.type != VGPU_MEDIATOR_DATA_IN) {
			if (wants_credit || peer.in.header.type != VGPU_MEDIATOR_CREDIT_OUT)
				return have;
			continue;
		}
		memcpy(to + have, peer.in.bytes + sizeof(peer.in.data), len);
		have += len;
		send_credit(len);
	}
	stop("the connection ended");
}

/* COPY of more bytes than the credits allow at a time */
static void test_framed_copy(void)
{
	enum { BYTES = 3000001 };
	static unsigned char bytes[BYTES], back[BYTES + VGPU_MEDIATOR_DATA_MAX];
	size_t sent = 0, have = 0;

	for (int i = 0; i < BYTES; i++)
		bytes[i] = i * 13 % 253;
	send_command(1, VGPU_STUB_OP_COPY, 0, BYTES, BYTES);
	send_credit(100000);
	while (sent < BYTES) {
		size_t len = BYTES - sent < 50000 ? BYTES - sent : 50000;

		while (out_credit < len)
			have = receive_data(back, have, true);
		send_data(1, bytes + sent, len);
		out_credit -= len;
		sent += len;
	}
	have = receive_data(back, have, false);
	ok(peer.in.header.type == VGPU_MEDIATOR_COMMAND_DONE && !peer.in.command_done.status &&
	   peer.in.command_done.result == BYTES, "COPY with credits");
	ok(have == BYTES && !memcmp(bytes, back, BYTES), "... and its bytes");
}

static unsigned char received[2 * VGPU_MEDIATOR_DATA_MAX];

static bool is_done(unsigned int status, uint64_t result)
{
	receive_data(received, 0, false);
	return peer.in.header.type == VGPU_MEDIATOR_COMMAND_DONE &&
	       peer.in.command_done.status == status && peer.in.command_done.result == result;
}

/*
 * The worker has credit for all, and waits for room in the socket. How much of a message
 * the socket takes depends on what was sent before.
 */
static void test_slow_device(void)
{
	for (uint32_t i = 0; i < 8; i++) {
		const uint32_t bytes = 0x100000 + i * 0x2000;
		uint32_t have = 0;

		send_credit(2 * bytes);
		send_command(1, VGPU_STUB_OP_FILL, 0, 0, bytes);
		send_command(2, VGPU_STUB_OP_FILL, 0, 0, bytes - i * 0x1000);
		usleep(50000);
		while (have < 2 * bytes - i * 0x1000 && receive()) {
			if (peer.in.header.type == VGPU_MEDIATOR_DATA_IN)
				have += peer.in.header.length - sizeof(peer.in.data);
		}
		receive();
	}
	ok(peer.in.header.type == VGPU_MEDIATOR_COMMAND_DONE,
	   "a device that receives late, and sends nothing");
}

static void try_framed_fault(const char *name, unsigned int code, void (*send)(void))
{
	if (hello())
		stop("HELLO");
	send();
	ok(wait_for(UINT32_MAX) == 100 + code, name);
	disconnect();
}

static void send_same_tag(void)
{
	send_command(1, VGPU_STUB_OP_CRC32C, 0, 9, 0);
	send_command(1, VGPU_STUB_OP_CRC32C, 0, 9, 0);
}

static void send_too_much(void)
{
	send_command(1, VGPU_STUB_OP_CRC32C, 0, 2, 0);
	send_data(1, "abc", 3);
}

static void send_unknown_tag(void)
{
	send_data(7, "abc", 3);
}

static void send_beyond_credit(void)
{
	static char bytes[VGPU_MEDIATOR_DATA_MAX];

	send_command(1, VGPU_STUB_OP_COPY, 0, 0x200000, 0x200000);
	for (int i = 0; i < 17; i++)
		send_data(1, bytes, sizeof(bytes));
}

static void send_too_much_credit(void)
{
	send_credit(0x1000000);
	send_credit(1);
}

static void send_too_many(void)
{
	for (uint32_t i = 0; i < 1025; i++)
		send_command(i, VGPU_STUB_OP_CRC32C, 0, 9, 0);
}

static void send_to_no_queue(void)
{
	union message message = { .command = { .queue = 2 } };

	send_notice(message, VGPU_MEDIATOR_COMMAND, sizeof(message.command));
}

void test_framed(void)
{
	peer.features = 3;
	ok(!hello() && peer.in.hello_answer.features == 3, "HELLO");
	out_credit = peer.in.hello_answer.credit_out;
	send_command(1, VGPU_STUB_OP_NOP, 0, 0, 0);
	ok(is_done(0, 0), "NOP");
	send_command(1, VGPU_STUB_OP_CRC32C, 0, 9, 0);
	send_data(1, "1234", 4);
	ok(!simple(VGPU_MEDIATOR_PING), "PING during a command");
	send_data(1, "56789", 5);
	out_credit -= 9;
	ok(is_done(0, 0xe3069283), "CRC32C");
	send_credit(100000);
	send_command(2, VGPU_STUB_OP_FILL, 0x0807060504030201, 0, 70001);
	ok(is_done(0, 70001) && received[65537] == 2 && received[70000] == 1, "FILL");
	send_command(1, 9, 0, 0, 0);
	ok(is_done(VGPU_STUB_ERR_OPCODE, 0), "a bad opcode");
	send_command(1, VGPU_STUB_OP_NOP, 1, 0, 0);
	ok(is_done(VGPU_STUB_ERR_ARG, 0), "a bad argument");
	send_command(1, VGPU_STUB_OP_FILL, 0, 0, 0);
	ok(is_done(VGPU_STUB_ERR_DESC, 0), "no data");
	send_command(1, VGPU_STUB_OP_COPY, 0, 5, 6);
	ok(is_done(VGPU_STUB_ERR_LENGTH, 0), "other lengths");
	send_data(1, "abc", 3);
	ok(!cancel(1), "data that is discarded, and CANCEL");
	ok(!cancel(1), "CANCEL of nothing");
	test_framed_copy();
	test_slow_device();
	send_command(1, VGPU_STUB_OP_COPY, 0, 5, 5);
	ok(!simple(VGPU_MEDIATOR_RESET), "RESET");
	send_command(1, VGPU_STUB_OP_NOP, 0, 0, 0);
	ok(is_done(0, 0), "... and the tag is free");
	disconnect();

	try_framed_fault("a tag twice", VGPU_MEDIATOR_BAD_STATE, send_same_tag);
	try_framed_fault("more data than announced", VGPU_MEDIATOR_BAD_VALUE, send_too_much);
	try_framed_fault("data for no command", VGPU_MEDIATOR_BAD_STATE, send_unknown_tag);
	try_framed_fault("data beyond the credit", VGPU_MEDIATOR_BAD_VALUE, send_beyond_credit);
	try_framed_fault("too much credit", VGPU_MEDIATOR_BAD_VALUE, send_too_much_credit);
	try_framed_fault("too many commands", VGPU_MEDIATOR_BAD_STATE, send_too_many);
	try_framed_fault("a queue that the device lacks", VGPU_MEDIATOR_BAD_VALUE,
			 send_to_no_queue);
	if (hello() || add_memory())
		stop("HELLO");
	send_command(1, VGPU_STUB_OP_CRC32C, 0, 9, 0);
	ok(start_queue() == 100 + VGPU_MEDIATOR_BAD_STATE, "QUEUE_START during a command");
	disconnect();
	peer.features = 1;
	try_framed_fault("COMMAND without the feature", VGPU_MEDIATOR_BAD_STATE, send_same_tag);
}

/* COPY has sent @bytes, which wait for credit to be sent back, and stays in flight */
static void copy_but_one_byte(uint32_t tag, uint32_t bytes)
{
	static unsigned char data[VGPU_MEDIATOR_DATA_MAX];
	uint32_t have = 0;

	send_command(tag, VGPU_STUB_OP_COPY, 0, bytes + 1, bytes + 1);
	for (uint32_t sent = 0; sent < bytes; sent += sizeof(data))
		send_data(tag, data, sizeof(data));
	out_credit -= bytes;
	if (simple(VGPU_MEDIATOR_PING))
		stop("PING");
	send_credit(bytes);
	while (have < bytes || out_credit < bytes) {
		if (!receive())
			stop("the connection ended");
		if (peer.in.header.type == VGPU_MEDIATOR_DATA_IN)
			have += peer.in.header.length - sizeof(peer.in.data);
		else if (peer.in.header.type == VGPU_MEDIATOR_CREDIT_OUT)
			out_credit += peer.in.credit.bytes;
	}
}

/* The worker does not keep the memory of data for which there is credit again */
void test_framed_memory(void)
{
	enum { COMMANDS = 32, BYTES = 0x100000 };
	long before, after;

	peer.features = 3;
	if (hello())
		stop("HELLO");
	out_credit = peer.in.hello_answer.credit_out;
	copy_but_one_byte(0, BYTES);
	before = memory_of(only_worker());
	for (uint32_t tag = 1; tag < COMMANDS; tag++)
		copy_but_one_byte(tag, BYTES);
	after = memory_of(only_worker());
	printf("# %ld KiB, then %ld KiB\n", before, after);
	ok(after - before < 8 * BYTES / 1024, "commands without data take no memory");
	ok(disconnect(), "the lifeline ends");
}

/* A worker that is stuck has the only turn of the host. A mediator with hang.c is needed. */
void test_blocked_turn(void)
{
	int stuck;

	connect_all();
	stuck = peer.fd;
	submit((struct vgpu_stub_sqe){ .opcode = VGPU_STUB_OP_FILL, .arg = HANG_IN_SLICE,
				       .in = direct(DATA, 8) });
	while (state_of(0) == VGPU_MEDIATOR_SLOT_FREE)
		usleep(1000);
	peer.features = 3;
	if (hello())
		stop("HELLO");
	send_command(1, VGPU_STUB_OP_CRC32C, 0, 9, 0);
	send_data(1, "123456789", 9);
	ok(is_done(0, 0xe3069283), "another worker need not wait until it is killed");
	close(peer.fd);
	close(stuck);
}
