// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include "channel.h"

/* The peer has closed the connection: that is no fault */
static void fail(struct channel *channel)
{
	if (errno == EPIPE || errno == ECONNRESET)
		channel_close(channel);
	else
		channel_end(channel, channel->out_fd >= 0 ? "the answer to HELLO" : "a message",
			    "cannot send", strerror(errno));
}

static ssize_t send_bytes(struct channel *channel)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .align = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
				 .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { channel->out, channel->queued };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (channel->out_fd >= 0 && channel->out_fd_at) {
		iov.iov_len = channel->out_fd_at;
	} else if (channel->out_fd >= 0) {
		memcpy(CMSG_DATA(&control.align), &channel->out_fd, sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	return sendmsg(channel->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool channel_send_queued(struct channel *channel)
{
	while (channel->fd >= 0 && channel->queued) {
		ssize_t n = send_bytes(channel);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n < 0) {
			fail(channel);
			break;
		}
		if (channel->out_fd >= 0 && !channel->out_fd_at)
			channel->out_fd = -1;
		else if (channel->out_fd >= 0)
			channel->out_fd_at -= n;
		channel->queued -= n;
		memmove(channel->out, channel->out + n, channel->queued);
		channel->out_since = channel_now();
	}
	return channel->fd >= 0;
}

static bool queue_message(struct channel *channel, union message *message, size_t length, int fd)
{
	if (channel->fd < 0)
		return false;
	if (length > sizeof(channel->out) - channel->queued) {
		channel_end(channel, "a message", "the peer does not receive", "");
		return false;
	}
	message->header.length = length;
	message->header.descriptors = fd >= 0;
	message->header.reserved = 0;
	message_encode(message);
	if (!channel->queued)
		channel->out_since = channel_now();
	if (fd >= 0) {
		channel->out_fd = fd;
		channel->out_fd_at = channel->queued;
	}
	memcpy(channel->out + channel->queued, message->bytes, length);
	channel->queued += length;
	return true;
}

bool channel_send(struct channel *channel, union message *message, size_t length, int fd)
{
	message->header.serial = 0;
	return queue_message(channel, message, length, fd);
}

bool channel_request(struct channel *channel, union message *message, size_t length)
{
	struct request *request = channel->requests;

	while (request < channel->requests + VGPU_MEDIATOR_REQUESTS_MAX && request->serial)
		request++;
	if (request == channel->requests + VGPU_MEDIATOR_REQUESTS_MAX)
		return false;
	channel->serial += channel->serial == UINT32_MAX ? 2 : 1;
	request->type = message->header.type;
	request->serial = channel->serial;
	message->header.serial = channel->serial;
	return queue_message(channel, message, length, -1);
}

void channel_forget_requests(struct channel *channel)
{
	memset(channel->requests, 0, sizeof(channel->requests));
}

bool channel_answer_later(struct channel *channel, unsigned int type, uint32_t serial,
			  union message *message, size_t length)
{
	message->header.type = type | VGPU_MEDIATOR_ANSWER;
	message->header.serial = serial;
	return queue_message(channel, message, length, -1);
}

bool channel_answer(struct channel *channel, union message *message, size_t length, int fd)
{
	message->header.type = channel->in.header.type | VGPU_MEDIATOR_ANSWER;
	message->header.serial = channel->in.header.serial;
	channel->ready = true;
	return queue_message(channel, message, length, fd);
}
