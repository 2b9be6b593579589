// SPDX-License-Identifier: GPL-2.0-or-later
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "peer.h"
#include "ring.h"
#include "send.h"

struct peer peer = { .features = VGPU_MEDIATOR_FEATURE_SHARED, .answer_executes = true };

static unsigned int tests, failed;

void ok(bool good, const char *name)
{
	tests++;
	failed += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", tests, name);
	fflush(stdout);
}

void stop(const char *why)
{
	printf("not ok %u - %s\n1..%u\n", tests + 1, why, tests + 1);
	exit(1);
}

int done_testing(void)
{
	printf("1..%u\n", tests);
	return failed != 0;
}

/* Messages */

uint32_t send_request(union message message, unsigned int type, size_t length,
		      const int *fds, size_t count)
{
	message.header = (struct vgpu_mediator_header){
		.length = length, .type = type, .descriptors = count, .serial = ++peer.serial };
	message_encode(&message);
	send_bytes(peer.fd, &message, length, fds, count);
	return peer.serial;
}

/* False at the end of the connection */
static bool read_bytes(void *to, size_t length)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { to, length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct pollfd wait = { peer.fd, POLLIN, 0 };

	if (poll(&wait, 1, LATE_MS) != 1)
		stop("nothing was received for five seconds");
	if (recvmsg(peer.fd, &msg, MSG_WAITALL) != (ssize_t)length)
		return false;
	if (CMSG_FIRSTHDR(&msg))
		memcpy(&peer.lifeline, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return true;
}

bool receive(void)
{
	struct vgpu_mediator_header *header = &peer.in.header;

	if (!read_bytes(header, sizeof(*header)))
		return false;
	if (message_decode_header(&peer.in, FROM_BACK_END))
		stop("the header of a message is bad");
	if (header->length > sizeof(*header) &&
	    !read_bytes(header + 1, header->length - sizeof(*header)))
		return false;
	if (message_decode_body(&peer.in))
		stop("a message is bad");
	return true;
}

unsigned int request(union message message, unsigned int type, size_t length,
		     const int *fds, size_t count)
{
	return wait_for(send_request(message, type, length, fds, count));
}

unsigned int add_buffer(void)
{
	union message message = { .buffer_add = { .handle = HANDLE, .count = 2, .bytes = 8192,
						  .access = 3 } };

	return request(message, VGPU_MEDIATOR_BUFFER_ADD, sizeof(message.buffer_add), &segments_fd,
		       1);
}

unsigned int remove_buffer(void)
{
	union message message = { .buffer_remove = { .handle = HANDLE } };

	return request(message, VGPU_MEDIATOR_BUFFER_REMOVE, sizeof(message.buffer_remove), NULL, 0);
}

void answer_execute(uint32_t serial, unsigned int status, unsigned int command_status,
		    uint64_t result)
{
	union message message = { .execute_answer = {
		.header = { .length = sizeof(message.execute_answer), .serial = serial,
			    .type = VGPU_MEDIATOR_EXECUTE | VGPU_MEDIATOR_ANSWER },
		.status = status, .command_status = command_status, .result = result } };

	message_encode(&message);
	send_bytes(peer.fd, &message, sizeof(message.execute_answer), NULL, 0);
}

void execute(void)
{
	struct vgpu_mediator_execute ask = peer.in.execute;
	bool is_register = ask.entry.opcode == VGPU_STUB_OP_REGISTER;
	unsigned int failure;

	peer.executes++;
	if (!peer.answer_executes)
		return;
	failure = is_register ? add_buffer() : remove_buffer();
	answer_execute(ask.header.serial, VGPU_MEDIATOR_OK, failure ? VGPU_STUB_ERR_SPACE : 0,
		       is_register && !failure ? 8192 : 0);
}

unsigned int wait_for(uint32_t serial)
{
	while (receive()) {
		if (peer.in.header.type == VGPU_MEDIATOR_EXECUTE)
			execute();
		else if (peer.in.header.type == VGPU_MEDIATOR_ERROR)
			return 100 + peer.in.error.code;
		else if (peer.in.header.serial == serial)
			return peer.in.answer.status;
	}
	return 99;
}

/* Connections */

int connect_to(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, peer.path, sizeof(address.sun_path) - 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		stop("cannot connect");
	return fd;
}

unsigned int hello(void)
{
	union message message = { .hello = { .version_min = 1, .version_max = 1,
					     .features = peer.features, .queues = 2,
					     .name = "test" } };

	peer.fd = connect_to();
	return request(message, VGPU_MEDIATOR_HELLO, sizeof(message.hello), NULL, 0);
}

unsigned int simple(unsigned int type)
{
	return request((union message){ 0 }, type, sizeof(struct vgpu_mediator_header), NULL, 0);
}

unsigned int add_memory(void)
{
	union message message = { .memory_add = { .address = BASE, .size = MEMORY, .flags = 1 } };

	return request(message, VGPU_MEDIATOR_MEMORY_ADD, sizeof(message.memory_add), &memory_fd, 1);
}

unsigned int start_queue(void)
{
	union message message = { .queue_start = { .size = SIZE, .sq = BASE + SQ, .cq = BASE + CQ,
						   .index = BASE + INDEX } };
	int fds[] = { kick, call, record_fd };

	return request(message, VGPU_MEDIATOR_QUEUE_START, sizeof(message.queue_start), fds, 3);
}

uint32_t send_stop(void)
{
	union message message = { 0 };

	return send_request(message, VGPU_MEDIATOR_QUEUE_STOP, sizeof(message.queue_stop), NULL, 0);
}

void connect_all(void)
{
	if (hello() || add_memory() || add_buffer() || remove_buffer() || start_queue())
		stop("a connection with a queue");
}

bool lifeline_ends(int milliseconds)
{
	struct pollfd wait = { peer.lifeline, 0, 0 };
	bool ended = poll(&wait, 1, milliseconds) == 1 && wait.revents & POLLHUP;

	close(peer.lifeline);
	return ended;
}

bool disconnect(void)
{
	close(peer.fd);
	return lifeline_ends(LATE_MS);
}
