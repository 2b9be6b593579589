// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "channel.h"

#define HEADER_SIZE sizeof(struct vgpu_mediator_header)
/* Of a message, of HELLO, and of progress in sending */
#define DEADLINE_MS 1000

int64_t channel_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Descriptors */

static void drop_fds(struct channel *channel)
{
	for (unsigned int i = 0; i < channel->fd_count; i++) {
		if (channel->fds[i] >= 0)
			close(channel->fds[i]);
	}
	channel->fd_count = 0;
}

int channel_take_fd(struct channel *channel, unsigned int i)
{
	int fd = channel->fds[i];

	channel->fds[i] = -1;
	return fd;
}

/* Open and close */

void channel_open(struct channel *channel, int fd, enum side peer, const char *name,
		  void (*log)(const char *line))
{
	memset(channel, 0, sizeof(*channel));
	channel->fd = fd;
	channel->peer = peer;
	channel->name = name;
	channel->log = log;
	channel->out_fd = -1;
	channel->opened = channel_now();
}

void channel_close(struct channel *channel)
{
	drop_fds(channel);
	if (channel->fd >= 0) {
		/* another process may have the socket open, too */
		shutdown(channel->fd, SHUT_RDWR);
		close(channel->fd);
	}
	channel->fd = -1;
}

static const char *received_name(const struct channel *channel)
{
	return channel->received < HEADER_SIZE ? "a message" :
						 message_name(channel->in.header.type);
}

static void log_fault(struct channel *channel, const char *message, const char *fault,
		      const char *detail)
{
	char line[256];

	snprintf(line, sizeof(line), "VM %s: connection closed: %s: %s%s%s", channel->name,
		 message, fault, detail[0] ? ": " : "", detail);
	channel->log(line);
}

void channel_end(struct channel *channel, const char *message, const char *fault,
		 const char *detail)
{
	log_fault(channel, message, fault, detail);
	channel_close(channel);
}

void channel_fault(struct channel *channel, unsigned int code, const char *detail)
{
	union message message = { .error = { .header.type = VGPU_MEDIATOR_ERROR } };
	bool has_header = channel->received >= HEADER_SIZE;

	if (channel->fd < 0)
		return;
	log_fault(channel, received_name(channel), message_fault_name(code), detail);
	message.error.code = code;
	message.error.type = has_header ? channel->in.header.type : 0;
	message.error.serial = has_header ? channel->in.header.serial : 0;
	snprintf((char *)message.error.text, sizeof(message.error.text), "%s", detail);
	/* behind what is queued, if it can be sent without waiting */
	if (channel_send(channel, &message, sizeof(message.error), -1))
		channel_send_queued(channel);
	channel_close(channel);
}

/* Receive */

/* More descriptors than fit set MSG_CTRUNC, and the kernel drops the rest */
static bool keep_fds(struct channel *channel, struct msghdr *msg)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	size_t count;

	if (!cmsg || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
		return !(msg->msg_flags & MSG_CTRUNC);
	count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	/* the space has room for one more because of its alignment */
	if (channel->received || count > VGPU_MEDIATOR_DESCRIPTORS_MAX) {
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
			close(fd);
		}
		return false;
	}
	memcpy(channel->fds, CMSG_DATA(cmsg), count * sizeof(int));
	channel->fd_count = count;
	return !(msg->msg_flags & MSG_CTRUNC);
}

static void end_receiving(struct channel *channel, int error)
{
	if (channel->received)
		channel_end(channel, received_name(channel), "ends early",
			    error ? strerror(error) : "");
	else if (error && error != ECONNRESET)
		channel_end(channel, "a message", "cannot receive", strerror(error));
	else
		channel_close(channel);
}

/* Bytes received, 0 if there are none now, or -1 after closing */
static ssize_t receive_bytes(struct channel *channel, size_t wanted)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(VGPU_MEDIATOR_DESCRIPTORS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { channel->in.bytes + channel->received, wanted };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(channel->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		end_receiving(channel, n ? errno : 0);
		return -1;
	}
	if (!channel->received)
		channel->in_since = channel_now();
	if (!keep_fds(channel, &msg)) {
		channel_fault(channel, VGPU_MEDIATOR_BAD_DESCRIPTORS,
			      "descriptors that no message announced");
		return -1;
	}
	channel->received += n;
	return n;
}

/* Whether the answer is to a request of ours, which it ends */
static bool end_request(struct channel *channel)
{
	const struct vgpu_mediator_header *header = &channel->in.header;

	for (size_t i = 0; i < VGPU_MEDIATOR_REQUESTS_MAX; i++) {
		struct request *request = &channel->requests[i];

		if (request->serial == header->serial &&
		    (request->type | VGPU_MEDIATOR_ANSWER) == header->type) {
			request->serial = 0;
			return true;
		}
	}
	return false;
}

static bool is_legal_now(const struct channel *channel)
{
	unsigned int type = channel->in.header.type & ~VGPU_MEDIATOR_ANSWER;

	if (type == VGPU_MEDIATOR_ERROR)
		return true;
	return (type == VGPU_MEDIATOR_HELLO) != channel->ready;
}

static unsigned int check_header(struct channel *channel)
{
	unsigned int code = message_decode_header(&channel->in, channel->peer);

	if (code)
		return code;
	if (channel->in.header.type & VGPU_MEDIATOR_ANSWER && !end_request(channel))
		return VGPU_MEDIATOR_BAD_SERIAL;
	if (!is_legal_now(channel))
		return VGPU_MEDIATOR_BAD_STATE;
	return 0;
}

static unsigned int check_body(struct channel *channel)
{
	if (channel->fd_count != channel->in.header.descriptors)
		return VGPU_MEDIATOR_BAD_DESCRIPTORS;
	return message_decode_body(&channel->in);
}

/* The peer's text is data: it must not draw on a terminal */
static void log_peer_error(struct channel *channel)
{
	struct vgpu_mediator_error *error = &channel->in.error;

	for (size_t i = 0; i < sizeof(error->text) && error->text[i]; i++) {
		if (error->text[i] < 0x20 || error->text[i] >= 0x7f)
			error->text[i] = '?';
	}
	channel_end(channel, "ERROR", message_fault_name(error->code), (const char *)error->text);
}

static size_t bytes_missing(const struct channel *channel)
{
	size_t length = channel->received < HEADER_SIZE ? HEADER_SIZE :
							  channel->in.header.length;

	return length - channel->received;
}

/* The message is complete; the next call starts another */
static enum channel_result end_message(struct channel *channel)
{
	unsigned int code = check_body(channel);

	if (code) {
		channel_fault(channel, code, "");
		return CHANNEL_CLOSED;
	}
	if (channel->in.header.type == VGPU_MEDIATOR_ERROR) {
		log_peer_error(channel);
		return CHANNEL_CLOSED;
	}
	channel->ready = channel->ready || channel->in.header.type & VGPU_MEDIATOR_ANSWER;
	return CHANNEL_MESSAGE;
}

static bool is_complete(const struct channel *channel)
{
	return channel->received >= HEADER_SIZE && !bytes_missing(channel);
}

enum channel_result channel_receive(struct channel *channel)
{
	if (channel->fd >= 0 && is_complete(channel)) {
		drop_fds(channel);
		channel->received = 0;
	}
	while (channel->fd >= 0) {
		ssize_t n = receive_bytes(channel, bytes_missing(channel));
		unsigned int code = 0;

		if (n < 0)
			break;
		if (!n)
			return CHANNEL_NOTHING;
		if (channel->received == HEADER_SIZE)
			code = check_header(channel);
		if (code) {
			channel_fault(channel, code, "");
			break;
		}
		if (is_complete(channel))
			return end_message(channel);
	}
	return CHANNEL_CLOSED;
}

/* Time */

/* A peer that does not read our answers gets no more of them */
int channel_events(const struct channel *channel)
{
	if (channel->queued > CHANNEL_QUEUE_MAX / 2)
		return POLLOUT;
	return channel->queued ? POLLIN | POLLOUT : POLLIN;
}

int64_t channel_deadline(const struct channel *channel)
{
	int64_t deadline = INT64_MAX;

	if (!channel->ready)
		deadline = channel->opened + DEADLINE_MS;
	if (channel->received && !is_complete(channel) &&
	    channel->in_since + DEADLINE_MS < deadline)
		deadline = channel->in_since + DEADLINE_MS;
	if (channel->queued && channel->out_since + DEADLINE_MS < deadline)
		deadline = channel->out_since + DEADLINE_MS;
	return deadline;
}

bool channel_check_time(struct channel *channel, int64_t now)
{
	if (channel->fd < 0)
		return false;
	if (now < channel_deadline(channel))
		return true;
	channel_fault(channel, VGPU_MEDIATOR_BAD_TIMEOUT,
		      channel->received ? "" : channel->ready ? "not received" : "no HELLO");
	return false;
}
