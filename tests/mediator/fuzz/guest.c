// SPDX-License-Identifier: GPL-2.0-or-later
/* The connection, the memory and the messages of the device */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "guest.h"
#include "memory-map.h"

static struct turn_page page;
static union message in;
static size_t received;

struct guest guest = { .fd = -1 };

void guest_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	abort();
}

uint64_t take(struct input *input, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes-- && input->size) {
		value = value << 8 | *input->data++;
		input->size--;
	}
	return value;
}

/* Files */

static int make_file(size_t size, unsigned char **bytes)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	check(fd >= 0 && !ftruncate(fd, size) && !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	*bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(*bytes != MAP_FAILED);
	return fd;
}

void guest_init(void)
{
	guest.memory_fd = make_file(FILE_SIZE, &guest.memory);
	memset(guest.memory, CANARY, FILE_SIZE);
	memset(guest.memory + WRITABLE_AT, 0, WRITABLE_SIZE);
	for (unsigned int i = 0; i < QUEUES; i++) {
		guest.record_fds[i] = make_file(RECORD_SIZE, &guest.records[i]);
		guest.kicks[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		guest.call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	}
	guest.segments_fd = make_file(SEGMENTS_SIZE, &guest.segments);
	guest.turn_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

void guest_check_memory(void)
{
	static unsigned char canaries[FILE_SIZE];
	const size_t behind = WRITABLE_AT + WRITABLE_SIZE;

	memset(canaries, CANARY, canaries[0] ? 0 : FILE_SIZE);
	check(!memcmp(guest.memory, canaries, WRITABLE_AT));
	check(!memcmp(guest.memory + behind, canaries, FILE_SIZE - behind));
}

void guest_clear_queue(unsigned int queue)
{
	struct vgpu_mediator_record *record = (void *)guest.records[queue];

	memset(record, 0, RECORD_SIZE);
	record->version = VGPU_MEDIATOR_VERSION;
	record->size = ENTRIES;
	memset(guest.memory + WRITABLE_AT + QUEUE_AT(queue), 0, QUEUE_SPACE);
	guest.tails[queue] = 0;
}

/* Connections */

int guest_connect(struct turn *turn)
{
	int fds[2];

	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
	guest.fd = fds[0];
	received = 0;
	guest.serial = guest.executes = 0;
	memset(&page, 0, sizeof(page));
	*turn = (struct turn){ .page = &page, .fd = guest.turn_fd };
	for (unsigned int i = 0; i < QUEUES; i++)
		guest_clear_queue(i);
	return fds[1];
}

void guest_disconnect(void)
{
	if (guest.fd >= 0)
		close(guest.fd);
	guest.fd = -1;
}

void guest_schedule(void)
{
	if (page.word & TURN_ASKED)
		page.word = TURN_HELD | TURN_BUSY;
}

void guest_want_turn(bool wanted)
{
	if (page.word & TURN_HELD)
		page.word = (page.word & ~TURN_WANTED) | (wanted ? TURN_WANTED : 0);
}

static void put_fds(struct msghdr *msg, const int *fds, size_t count)
{
	struct cmsghdr *control = msg->msg_control;

	if (!count)
		return;
	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(count * sizeof(*fds));
	memcpy(CMSG_DATA(control), fds, count * sizeof(*fds));
	msg->msg_controllen = CMSG_SPACE(count * sizeof(*fds));
}

/* The worker does not have to receive it */
void guest_send(const void *bytes, size_t length, const int *fds, size_t count)
{
	char buffer[CMSG_SPACE(4 * sizeof(*fds))] __attribute__((aligned(8))) = { 0 };
	struct iovec vec = { (void *)bytes, length };
	struct msghdr msg = { .msg_iov = &vec, .msg_iovlen = 1, .msg_control = buffer };

	put_fds(&msg, fds, count);
	sendmsg(guest.fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void guest_send_message(union message *message, unsigned int type, size_t length,
			const int *fds, size_t count)
{
	message->header.type = type;
	message->header.length = length;
	message->header.descriptors = count;
	message->header.serial = message_is_request(type) ? ++guest.serial : 0;
	message_encode(message);
	guest_send(message, length, fds, count);
}

/* Receiving */

static void close_fds(struct msghdr *msg)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(msg);
	int fd;

	if (!control)
		return;
	check(control->cmsg_len == CMSG_LEN(sizeof(fd)));
	memcpy(&fd, CMSG_DATA(control), sizeof(fd));
	close(fd);
}

static bool receive_bytes(size_t length)
{
	char buffer[CMSG_SPACE(4 * sizeof(int))] __attribute__((aligned(8)));
	struct iovec vec = { in.bytes + received, length };
	struct msghdr msg = { .msg_iov = &vec, .msg_iovlen = 1, .msg_control = buffer,
			      .msg_controllen = sizeof(buffer) };
	ssize_t n = recvmsg(guest.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n <= 0)
		return false;
	close_fds(&msg);
	received += n;
	return true;
}

/* NULL: there is none. What a worker sends is a message, whatever it has received. */
const union message *guest_next_message(void)
{
	if (received == sizeof(in.header) + guest.rest && guest.complete)
		received = 0;
	guest.complete = false;
	while (received < sizeof(in.header)) {
		if (!receive_bytes(sizeof(in.header) - received))
			return NULL;
		guest.rest = 0;
	}
	if (!guest.rest && received == sizeof(in.header)) {
		check(!message_decode_header(&in, FROM_BACK_END));
		guest.rest = in.header.length - sizeof(in.header);
	}
	while (received < in.header.length) {
		if (!receive_bytes(in.header.length - received))
			return NULL;
	}
	check(!message_decode_body(&in));
	guest.complete = true;
	return &in;
}
