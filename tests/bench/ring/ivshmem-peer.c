// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Run on the host: an ivshmem server and the only peer of the VM that connects to it,
 * which sends every doorbell back.
 *
 *   ivshmem-peer SOCKET
 *
 * The messages are those of QEMU's docs/specs/ivshmem-spec.rst. It ends when the VM does.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define VM	0	/* IDs */
#define PEER	1

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int accept_vm(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(fd, 1))
		die(path);
	return accept(fd, NULL, NULL);
}

/* A number, and a descriptor unless it is -1 */
static void send_message(int fd, int64_t value, int passed)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = { .header = {
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
	} };
	int64_t little_endian = htole64(value);
	struct iovec data = { &little_endian, sizeof(little_endian) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (passed >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		memcpy(CMSG_DATA(&control.header), &passed, sizeof(passed));
	}
	if (sendmsg(fd, &message, 0) != sizeof(little_endian))
		die("sendmsg");
}

int main(int argc, char **argv)
{
	int doorbell = eventfd(0, 0), interrupt = eventfd(0, 0);
	int memory = memfd_create("ivshmem", 0);
	struct pollfd fds[2];
	uint64_t value;

	if (argc != 2)
		return 2;
	if (doorbell < 0 || interrupt < 0 || ftruncate(memory, 1 << 20))
		die("eventfd or memory");
	fds[0] = (struct pollfd) { .fd = doorbell, .events = POLLIN };
	fds[1] = (struct pollfd) { .fd = accept_vm(argv[1]), .events = POLLRDHUP };
	send_message(fds[1].fd, 0, -1);		/* the protocol's version */
	send_message(fds[1].fd, VM, -1);	/* the VM's own ID */
	send_message(fds[1].fd, -1, memory);
	send_message(fds[1].fd, PEER, doorbell);
	send_message(fds[1].fd, VM, interrupt);
	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		if (read(doorbell, &value, sizeof(value)) != sizeof(value) ||
		    write(interrupt, &value, sizeof(value)) != sizeof(value))
			die("eventfd");
	}
	return 0;
}
