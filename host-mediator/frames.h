/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands on the framed path: their data comes and goes in messages, limited by credits.
 * They are executed as the bytes pass.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include "channel.h"
#include "metrics.h"

/* What the device may send before its bytes are consumed, if there is no lower limit */
#define FRAMES_CREDIT 0x100000
#define FRAMES_MAX 1024

struct command {
	bool used;
	bool ended; /* COMMAND_DONE was sent; what follows of OUT is discarded */
	uint32_t tag;
	struct vgpu_job job;
	bool is_source; /* it has IN and no OUT */
	uint32_t out_left, in_left; /* bytes to receive and to send */
	struct meter meter;
	uint64_t size; /* bytes of data */
	unsigned char *bytes; /* of OUT that were received and not executed */
	size_t at, count, room; /* they begin there */
};

struct frames {
	struct channel *channel;
	struct metrics *metrics;
	struct command commands[FRAMES_MAX];
	unsigned int used; /* no command is behind this one */
	unsigned int next; /* the first one to be served */
	uint32_t credit; /* what the device may send at first */
	uint64_t out_credit, in_credit;
	uint32_t consumed; /* not yet granted again */
};

void frames_clear(struct frames *frames);
bool frames_in_flight(const struct frames *frames);
/* The functions return a CODE of ERROR, or 0 */
unsigned int frames_start(struct frames *frames, const struct vgpu_mediator_command *message);
unsigned int frames_receive(struct frames *frames, const struct vgpu_mediator_data *message);
unsigned int frames_credit(struct frames *frames, uint32_t bytes);
void frames_cancel(struct frames *frames, uint32_t tag);
bool frames_have_work(const struct frames *frames);
/*
 * Execute what was received, and send what there is. Returns whether there is more, for
 * which the channel may have no room.
 */
bool frames_serve(struct frames *frames);

#endif
