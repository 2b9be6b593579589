// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: the messages that one side receives. An input is, as for the program
 * tests/mediator/receive: who sends, whether HELLO was answered, the request that was sent
 * before (2 bytes), the number of descriptors, with which byte they come (2 bytes), and
 * what is received. In whatever pieces that arrives, the result must be the same; what is
 * accepted must be the same again when it is encoded; and no descriptor may be left open.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "channel.h"
#include "send.h"

#define HEAD 7
#define FDS_MAX 5
/* What fits into a socket */
#define SIZE_MAX_SENT 0x18000

struct result {
	unsigned int messages;
	size_t accepted; /* bytes of them */
	unsigned int code; /* of ERROR that was sent; 0: none */
	bool closed;
};

struct scenario {
	const uint8_t *head, *bytes;
	size_t size;
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct channel channel;

static void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void ignore_line(const char *line)
{
	(void)line;
}

/* The message that was accepted last, encoded again */
static void check_encoding(const struct scenario *scenario, size_t at)
{
	static union message message;
	size_t length = channel.in.header.length;

	memcpy(&message, &channel.in, length);
	message_encode(&message);
	if (memcmp(&message, scenario->bytes + at, length))
		fail("a message is another one when it is encoded again");
}

static void receive(const struct scenario *scenario, struct result *result)
{
	while (channel_receive(&channel) == CHANNEL_MESSAGE) {
		check_encoding(scenario, result->accepted);
		result->messages++;
		result->accepted += channel.in.header.length;
		channel.ready = true;
	}
}

static void send_piece(int fd, const uint8_t *bytes, size_t length, unsigned int count)
{
	const int fds[FDS_MAX] = { 0 };

	send_bytes(fd, bytes, length, fds, count);
}

static unsigned int code_sent(int fd)
{
	static struct vgpu_mediator_error error;
	static char bytes[4096];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < (ssize_t)sizeof(error))
		return 0;
	memcpy(&error, bytes + n - sizeof(error), sizeof(error));
	return error.code;
}

static void open_channel(const struct scenario *scenario, int fd)
{
	unsigned int asked = scenario->head[2] << 8 | scenario->head[3];
	union message request = { .header.type = asked };

	channel_open(&channel, fd, scenario->head[0] % 2 ? FROM_DEVICE : FROM_BACK_END, "fuzz",
		     ignore_line);
	channel.ready = scenario->head[1] % 2;
	if (!message_is_request(asked))
		return;
	channel_request(&channel, &request, sizeof(request.header));
	channel_send_queued(&channel);
}

static struct result receive_in_pieces(const struct scenario *scenario, size_t piece)
{
	const size_t at = scenario->head[5] << 8 | scenario->head[6];
	const unsigned int count = scenario->head[4] % (FDS_MAX + 1);
	struct result result = { 0 };
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		fail("socketpair");
	open_channel(scenario, fds[0]);
	for (size_t sent = 0, n; sent < scenario->size; sent += n) {
		n = scenario->size - sent < piece ? scenario->size - sent : piece;
		if (sent < at && sent + n > at)
			n = at - sent;
		send_piece(fds[1], scenario->bytes + sent, n, sent == at ? count : 0);
		receive(scenario, &result);
	}
	result.closed = channel.fd < 0;
	result.code = result.closed ? code_sent(fds[1]) : 0;
	channel_close(&channel);
	close(fds[1]);
	return result;
}

/* An input has a few descriptors at a time */
static unsigned int count_fds(void)
{
	unsigned int count = 0;

	for (int fd = 0; fd < 100; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct scenario scenario = { data, data + HEAD, size - HEAD };
	struct result whole, pieces;
	unsigned int fds = count_fds();

	if (size <= HEAD || scenario.size > SIZE_MAX_SENT)
		return 0;
	whole = receive_in_pieces(&scenario, SIZE_MAX_SENT);
	pieces = receive_in_pieces(&scenario, 1 + data[size - 1] % 64);
	if (whole.messages != pieces.messages || whole.accepted != pieces.accepted ||
	    whole.code != pieces.code || whole.closed != pieces.closed)
		fail("the result depends on the pieces");
	if (count_fds() != fds)
		fail("a descriptor is left open");
	return 0;
}
