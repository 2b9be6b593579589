/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The messages of the mediator's protocol: what each looks like, and whether
 * one is well-formed. docs/specs/vgpu-mediator.rst specifies them. The device
 * in QEMU and the back end use the same code, host-mediator/message.c.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include "vgpu_mediator.h"

enum side {
    FROM_DEVICE = 1,
    FROM_BACK_END = 2,
};

/* All messages, in the byte order of the host once decoded */
union message {
    struct vgpu_mediator_header header;
    struct vgpu_mediator_hello hello;
    struct vgpu_mediator_hello_answer hello_answer;
    struct vgpu_mediator_memory_add memory_add;
    struct vgpu_mediator_buffer_add buffer_add;
    struct vgpu_mediator_buffer_remove buffer_remove;
    struct vgpu_mediator_queue_start queue_start;
    struct vgpu_mediator_queue_stop queue_stop;
    struct vgpu_mediator_queue_answer queue_answer;
    struct vgpu_mediator_answer answer;
    struct vgpu_mediator_command command;
    struct vgpu_mediator_data data;
    struct vgpu_mediator_credit credit;
    struct vgpu_mediator_cancel cancel;
    struct vgpu_mediator_execute execute;
    struct vgpu_mediator_execute_answer execute_answer;
    struct vgpu_mediator_queue_error queue_error;
    struct vgpu_mediator_command_done command_done;
    struct vgpu_mediator_error error;
    unsigned char bytes[VGPU_MEDIATOR_MESSAGE_MAX];
};

/* The functions that return a fault return 0 or a CODE of ERROR */
unsigned int message_decode_header(union message *message, enum side from);
unsigned int message_decode_body(union message *message);
/* Convert a message in the byte order of the host for sending */
void message_encode(union message *message);

bool message_is_request(unsigned int type);
const char *message_name(unsigned int type);
const char *message_fault_name(unsigned int code);

#endif
