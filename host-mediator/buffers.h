/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registered buffers of a device, as it described them with BUFFER_ADD */
#ifndef BUFFERS_H
#define BUFFERS_H

#include "vgpu_engine.h"
#include "vgpu_mediator.h"

/*
 * Copy the segments from the file @fd, which the caller may close. The message was accepted
 * by message_decode_body(). Returns a STATUS of the answer, or a CODE of ERROR in *fault.
 */
unsigned int buffers_add(struct vgpu_buffers *buffers,
			 const struct vgpu_mediator_buffer_add *add, int fd,
			 unsigned int *fault);
/* No command may use a buffer */
void buffers_clear(struct vgpu_buffers *buffers);

#endif
