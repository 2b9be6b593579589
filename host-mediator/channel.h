/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One end of a connection: messages and descriptors over a Unix stream socket
 *
 * No function blocks. The caller waits with poll() for channel_events() until
 * channel_deadline(), then calls channel_send_queued(), channel_receive() and
 * channel_check_time(). After a fault the channel is closed, and one line was logged.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "message.h"

/* What a peer that does not read can make us keep */
#define CHANNEL_QUEUE_MAX 131072

struct request {
	unsigned int type;
	uint32_t serial; /* 0: this one is free */
};

struct channel {
	int fd; /* -1: closed */
	enum side peer;
	const char *name; /* of the VM, for logs */
	bool ready; /* HELLO was answered */

	union message in;
	size_t received;
	int64_t in_since; /* time of the first byte, in milliseconds */
	int fds[VGPU_MEDIATOR_DESCRIPTORS_MAX]; /* -1: none, or taken by the caller */
	unsigned int fd_count;

	unsigned char out[CHANNEL_QUEUE_MAX];
	size_t queued;
	int64_t out_since; /* time of the last progress */
	/* descriptors of a queued message, which begins at this place */
	int out_fd;
	size_t out_fd_at;

	struct request requests[VGPU_MEDIATOR_REQUESTS_MAX];
	uint32_t serial; /* of the last request */
	int64_t opened;
	void (*log)(const char *line);
};

enum channel_result {
	CHANNEL_NOTHING, /* wait */
	CHANNEL_MESSAGE, /* in channel->in, until the next call */
	CHANNEL_CLOSED, /* by the peer, or after a fault */
};

void channel_open(struct channel *channel, int fd, enum side peer, const char *name,
		  void (*log)(const char *line));
void channel_close(struct channel *channel);

enum channel_result channel_receive(struct channel *channel);
/* The caller keeps a descriptor of the message; otherwise it is closed */
int channel_take_fd(struct channel *channel, unsigned int i);

/*
 * Send a message in the byte order of the host; the functions set LENGTH and SERIAL.
 * @fd is passed with it, or -1, and stays the caller's; it must stay open until the
 * queue is empty. False: the channel was closed, because the peer does not receive.
 */
bool channel_send(struct channel *channel, union message *message, size_t length, int fd);
bool channel_request(struct channel *channel, union message *message, size_t length);
/* All requests are forgotten: RESET was received, and the peer answers none from before */
void channel_forget_requests(struct channel *channel);
/* An answer to the message just received */
bool channel_answer(struct channel *channel, union message *message, size_t length, int fd);
/* An answer to a request of that type and serial, which was received some time ago */
bool channel_answer_later(struct channel *channel, unsigned int type, uint32_t serial,
			  union message *message, size_t length);
bool channel_send_queued(struct channel *channel);

/* Log a fault in @message of which the peer is not told, and close */
void channel_end(struct channel *channel, const char *message, const char *fault,
		 const char *detail);
/* Tell the peer about a fault in the message just received, log it, and close */
void channel_fault(struct channel *channel, unsigned int code, const char *detail);

int channel_events(const struct channel *channel);
int64_t channel_deadline(const struct channel *channel);
bool channel_check_time(struct channel *channel, int64_t now);
int64_t channel_now(void);

#endif
