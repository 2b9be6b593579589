/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registered buffers of a device, as it described them with BUFFER_ADD */
#ifndef BUFFERS_H
#define BUFFERS_H

#include "engine.h"

struct buffers {
	struct buffer buffers[VGPU_STUB_BUFFERS_MAX];
	uint32_t segments; /* of all buffers */
};

/*
 * Copy the segments from the file @fd, which the caller may close. The message was accepted
 * by message_decode_body(). Returns a STATUS of the answer, or a CODE of ERROR in *fault.
 */
unsigned int buffers_add(struct buffers *buffers, const struct vgpu_mediator_buffer_add *add,
			 int fd, unsigned int *fault);
void buffers_remove(struct buffers *buffers, unsigned int handle);
void buffers_clear(struct buffers *buffers);

#endif
