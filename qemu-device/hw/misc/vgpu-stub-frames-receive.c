/*
 * vgpu-stub: the worker's messages on the framed path
 *
 * A worker may send anything; each message is checked against the command that
 * it is for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "trace.h"
#include "vgpu-stub-mediator.h"

static VGPUQueue *vgpu_frames_queue_of(VGPUMediator *m, uint32_t tag)
{
    uint32_t number = tag / VGPU_COMMANDS;

    return number < m->s->queue_count ? &m->s->queues[number] : NULL;
}

/* The command in flight with the tag; NULL, and a fault, if there is none */
static VGPUCommand *vgpu_frames_find(VGPUMediator *m, uint32_t tag)
{
    VGPUQueue *q = vgpu_frames_queue_of(m, tag);
    VGPUCommand *command = q ? &q->commands[tag % VGPU_COMMANDS] : NULL;

    if (!command || !vgpu_frames_has(command)) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_STATE, "no such command");
        return NULL;
    }
    return command;
}

static bool vgpu_frames_is_cancelling(const VGPUMediator *m, uint32_t tag)
{
    return tag < VGPU_TAGS && m->frames.cancels[tag] != VGPU_CANCEL_NONE;
}

static uint64_t vgpu_frames_missing(const VGPUCommand *command)
{
    return command->in.left - (command->received ? command->received->len : 0);
}

static void vgpu_frames_receive(VGPUMediator *m)
{
    const struct vgpu_mediator_data *data = &m->in.data;
    size_t len = data->header.length - sizeof(*data);
    VGPUCommand *command;

    if (len > m->frames.in_credit) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_VALUE, "more than the credit");
        return;
    }
    m->frames.in_credit -= len;
    if (vgpu_frames_is_cancelling(m, data->tag)) {
        vgpu_frames_consume(m, len);
        return;
    }
    command = vgpu_frames_find(m, data->tag);
    if (!command) {
        return;
    }
    if (len > vgpu_frames_missing(command)) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_VALUE, "more than announced");
        return;
    }
    if (!command->received) {
        command->received = g_byte_array_new();
    }
    g_byte_array_append(command->received, m->in.bytes + sizeof(*data), len);
    qemu_bh_schedule(m->s->bh);
}

/* Whether a success comes with all data */
static bool vgpu_frames_is_complete(const VGPUCommand *command)
{
    return !command->out.left && !vgpu_frames_missing(command);
}

static void vgpu_frames_done(VGPUMediator *m)
{
    const struct vgpu_mediator_command_done *done = &m->in.command_done;
    VGPUCommand *command;

    if (vgpu_frames_is_cancelling(m, done->tag)) {
        return;
    }
    command = vgpu_frames_find(m, done->tag);
    if (!command) {
        return;
    }
    if (!done->status && !vgpu_frames_is_complete(command)) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_STATE, "data is missing");
        return;
    }
    command->is_ended = true;
    command->status = done->status;
    command->result = done->result;
    qemu_bh_schedule(m->s->bh);
}

static void vgpu_frames_credit(VGPUMediator *m)
{
    m->frames.out_credit += m->in.credit.bytes;
    if (m->frames.out_credit > VGPU_FRAMES_CREDIT_MAX) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_VALUE, "too much credit");
        return;
    }
    qemu_bh_schedule(m->s->bh);
}

static void vgpu_frames_cancelled(VGPUMediator *m)
{
    m->frames.cancels[m->in_tag] = VGPU_CANCEL_NONE;
    if (m->frames.cancels_wanted) {
        vgpu_frames_send_cancels(m);
        vgpu_shared_update(m->s);
    }
    vgpu_queue_kick(vgpu_frames_queue_of(m, m->in_tag));
}

/* False if the message does not belong to this path */
bool vgpu_frames_message(VGPUMediator *m)
{
    switch (m->in.header.type) {
    case VGPU_MEDIATOR_CANCEL | VGPU_MEDIATOR_ANSWER:
        vgpu_frames_cancelled(m);
        return true;
    case VGPU_MEDIATOR_COMMAND_DONE:
    case VGPU_MEDIATOR_DATA_IN:
    case VGPU_MEDIATOR_CREDIT_OUT:
        break;
    default:
        return false;
    }
    if (!(m->features & VGPU_MEDIATOR_FEATURE_FRAMED)) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_STATE, "not negotiated");
    } else if (m->is_resetting) {
        /* sent before the worker has received RESET */
    } else if (m->in.header.type == VGPU_MEDIATOR_COMMAND_DONE) {
        vgpu_frames_done(m);
    } else if (m->in.header.type == VGPU_MEDIATOR_DATA_IN) {
        vgpu_frames_receive(m);
    } else {
        vgpu_frames_credit(m);
    }
    return true;
}
