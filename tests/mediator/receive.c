// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receive a test vector and print one line for each message, and for how it ends:
 *
 *   receive device|back-end connected|ready ASKED FDS AT CHUNK <BYTES
 *
 * ASKED is the type of a request that was sent before, or 0. FDS descriptors come with
 * the byte AT. CHUNK bytes are sent at a time.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "channel.h"
#include "send.h"

static struct channel channel;
static unsigned int lines;

static void count_line(const char *line)
{
	fprintf(stderr, "%s\n", line);
	lines++;
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void send_chunk(int fd, const char *bytes, size_t length, size_t fds)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), list[SEND_FDS_MAX];

	for (size_t i = 0; i < fds; i++)
		list[i] = null;
	send_bytes(fd, bytes, length, list, fds);
	close(null);
}

static void receive(void)
{
	while (channel_receive(&channel) == CHANNEL_MESSAGE) {
		printf("%s\n", message_name(channel.in.header.type));
		/* as if it was answered */
		channel.ready = true;
		if (channel.in.header.descriptors && fcntl(channel.fds[0], F_GETFD) != FD_CLOEXEC)
			printf("the descriptor is not there, or would be inherited\n");
	}
}

/* The last message that the peer gets is ERROR, if it gets one */
static const char *fault_sent(int fd)
{
	struct vgpu_mediator_error error;
	char bytes[4096];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < (ssize_t)sizeof(error))
		return "closed";
	memcpy(&error, bytes + n - sizeof(error), sizeof(error));
	return message_fault_name(error.code);
}

int main(int argc, char **argv)
{
	static char bytes[4 * VGPU_MEDIATOR_MESSAGE_MAX];
	size_t length, chunk, fds, at;
	int sockets[2], before;

	if (argc != 7)
		return 2;
	length = fread(bytes, 1, sizeof(bytes), stdin);
	fds = atoi(argv[4]);
	at = atoi(argv[5]);
	chunk = atoi(argv[6]);
	before = count_fds();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		return 2;
	channel_open(&channel, sockets[0], strcmp(argv[1], "device") ? FROM_BACK_END : FROM_DEVICE,
		     "test", count_line);
	channel.ready = !strcmp(argv[2], "ready");
	if (strtoul(argv[3], NULL, 0)) {
		union message request = { .header.type = strtoul(argv[3], NULL, 0) };

		channel_request(&channel, &request, sizeof(request.header));
		channel_send_queued(&channel);
	}
	for (size_t sent = 0, n; sent < length; sent += n) {
		n = length - sent < chunk ? length - sent : chunk;
		if (sent < at && sent + n > at)
			n = at - sent;
		send_chunk(sockets[1], bytes + sent, n, sent == at ? fds : 0);
		receive();
	}
	if (channel.fd >= 0 && !channel_check_time(&channel, channel_now() + 1000))
		printf("after a second: ");
	printf("%s\n", channel.fd < 0 ? fault_sent(sockets[1]) : "open");
	printf("%u lines\n", lines);
	channel_close(&channel);
	close(sockets[1]);
	if (count_fds() != before)
		printf("descriptors are left open\n");
	return 0;
}
