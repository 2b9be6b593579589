// SPDX-License-Identifier: GPL-2.0-or-later
/* Peers that do not keep to the protocol, and those that do but are not to notice */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "channel.h"
#include "daemon.h"
#include "peer.h"
#include "processes.h"
#include "ring.h"
#include "send.h"

static unsigned int hello_again(void)
{
	union message message = { .hello = { .version_min = 1, .version_max = 1, .queues = 2,
					     .name = "test" } };

	return request(message, VGPU_MEDIATOR_HELLO, sizeof(message.hello), NULL, 0);
}

/* Faults that need more than the message; each costs its connection */
void test_faults(void)
{
	union message message = { .buffer_add = { .handle = HANDLE, .count = 2, .bytes = 8193,
						  .access = 3 } };
	union message stop_2 = { .queue_stop = { .queue = 2 } };

	connect_all();
	ok(simple(VGPU_MEDIATOR_MEMORY_CLEAR) == 100 + VGPU_MEDIATOR_BAD_STATE,
	   "MEMORY_CLEAR while a queue is running");
	disconnect();
	connect_all();
	ok(add_memory() == 100 + VGPU_MEDIATOR_BAD_STATE, "MEMORY_ADD while a queue is running");
	disconnect();
	connect_all();
	ok(start_queue() == 100 + VGPU_MEDIATOR_BAD_STATE, "QUEUE_START of a queue that is running");
	disconnect();
	connect_all();
	ok(remove_buffer() == 100 + VGPU_MEDIATOR_BAD_STATE, "BUFFER_REMOVE without a buffer");
	disconnect();
	connect_all();
	ok(!add_buffer() && add_buffer() == 100 + VGPU_MEDIATOR_BAD_STATE, "BUFFER_ADD twice");
	disconnect();
	connect_all();
	ok(request(message, VGPU_MEDIATOR_BUFFER_ADD, sizeof(message.buffer_add), &segments_fd, 1) ==
	   100 + VGPU_MEDIATOR_BAD_VALUE, "BUFFER_ADD with another sum");
	disconnect();
	connect_all();
	ok(request(message, VGPU_MEDIATOR_BUFFER_ADD, sizeof(message.buffer_add), &kick, 1) ==
	   100 + VGPU_MEDIATOR_BAD_DESCRIPTORS, "BUFFER_ADD with an eventfd");
	disconnect();
	connect_all();
	ok(request(stop_2, VGPU_MEDIATOR_QUEUE_STOP, sizeof(stop_2.queue_stop), NULL, 0) ==
	   100 + VGPU_MEDIATOR_BAD_VALUE, "QUEUE_STOP of a queue that the device lacks");
	disconnect();
	hello();
	ok(hello_again() == 100 + VGPU_MEDIATOR_BAD_STATE, "HELLO twice");
	disconnect();
}

static unsigned int fault_after(int fd, const char *bytes, size_t length, unsigned int repeat,
				unsigned int delay)
{
	struct peer good = peer;
	unsigned int code;

	while (repeat--) {
		send_bytes(fd, bytes, length, NULL, 0);
		usleep(delay);
	}
	peer.fd = fd;
	code = wait_for(UINT32_MAX);
	close(fd);
	peer = good;
	return code;
}

static bool is_closed(int fd)
{
	struct pollfd hangup = { fd, 0, 0 };

	return poll(&hangup, 1, 0) == 1 && hangup.revents & POLLHUP;
}

/* The supervisor may have yet to accept a connection, or to notice that one has ended */
static bool supervisor_has_at_most(int fds)
{
	for (int i = 0; i < 250; i++) {
		if (workers_end() && count_fds(supervisor) <= fds)
			return true;
		usleep(20000);
	}
	return false;
}

/* Peers that do not keep to the protocol, and a connection that does not notice */
void test_peers(void)
{
	static char pings[16 * 4096];
	int64_t start;
	pid_t worker;
	int fds = count_fds(supervisor), fd;

	connect_all();
	ok(fault_after(connect_to(), NULL, 0, 0, 0) == 100 + VGPU_MEDIATOR_BAD_TIMEOUT,
	   "a peer that says nothing");
	ok(fault_after(connect_to(), "\x60", 1, 1, 0) == 100 + VGPU_MEDIATOR_BAD_TIMEOUT,
	   "a peer that stops in the middle");
	ok(fault_after(connect_to(), "\0", 1, 3, 600000) >= 99, "a slow peer");
	for (size_t i = 0; i < sizeof(pings); i += 16)
		memcpy(pings + i, "\x10\0\0\0\x09\0\0\0\1\0\0\0\0\0\0\0", 16);
	ok(fault_after(connect_to(), pings, sizeof(pings), 1, 0) == 100 + VGPU_MEDIATOR_BAD_STATE,
	   "a peer that floods without HELLO");
	ok(!simple(VGPU_MEDIATOR_PING) && run((struct vgpu_stub_sqe){ 0 }, 0, 0),
	   "the other connection works");
	/* answers that are not read fill the socket, then the worker closes the connection */
	fcntl(peer.fd, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 300 && !is_closed(peer.fd); i++) {
		send_bytes(peer.fd, pings, sizeof(pings), NULL, 0);
		usleep(10000);
	}
	ok(is_closed(peer.fd), "a peer that floods and does not read loses the connection");
	ok(disconnect(), "... and its worker ends");

	connect_all();
	worker = only_worker();
	kill(worker, SIGSTOP);
	start = channel_now();
	close(peer.fd);
	ok(lifeline_ends(LATE_MS) && channel_now() - start < 1000,
	   "a worker that is stopped is killed after its connection");
	fd = connect_to();
	close(fd);
	ok(supervisor_has_at_most(fds), "the supervisor has no descriptor more");
}

void send_vector(const char *state, unsigned int fds, size_t at)
{
	static char bytes[4 * VGPU_MEDIATOR_MESSAGE_MAX];
	size_t length = fread(bytes, 1, sizeof(bytes), stdin);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), list[16];
	unsigned int code;

	for (unsigned int i = 0; i < 16; i++)
		list[i] = null;
	if (strcmp(state, "ready"))
		peer.fd = connect_to();
	else if (hello())
		stop("HELLO");
	if (at)
		send_bytes(peer.fd, bytes, at, NULL, 0);
	send_bytes(peer.fd, bytes + at, length - at, list, fds);
	code = wait_for(UINT32_MAX);
	printf("%s\n", code < 100 ? "closed" : message_fault_name(code - 100));
	exit(0);
}
