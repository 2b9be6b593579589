/*
 * vgpu-stub: the framed path, on which a worker of the mediator executes
 * commands without access to the guest's memory
 *
 * The device fetches and checks an entry as it always does. It sends the
 * command, then its data as the worker grants credit, and keeps what the worker
 * sends back until the queue is served: only then is guest memory accessed. The
 * TAG is the number of the command among all that can be in flight.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "trace.h"
#include "vgpu-stub-mediator.h"

/* What the worker may send before the device has written it to memory */
#define VGPU_FRAMES_CREDIT      (1 * MiB)
/* Consumed bytes that are granted again */
#define VGPU_FRAMES_GRANT       (64 * KiB)
/*
 * The size of a piece of data, and how much may wait to be sent before one, or
 * before COMMAND: together less than the amount at which the channel stops
 * receiving, or both sides could wait for each other
 */
#define VGPU_FRAMES_PIECE       (48 * KiB)
#define VGPU_FRAMES_WAITING     (8 * KiB)
/* Pieces before the rest of QEMU's turn */
#define VGPU_FRAMES_AT_ONCE     4

static uint32_t vgpu_frames_queue(const VGPUCommand *command)
{
    return command->q - command->q->s->queues;
}

static uint32_t vgpu_frames_tag(const VGPUCommand *command)
{
    return vgpu_frames_queue(command) * VGPU_COMMANDS +
           command->index % VGPU_COMMANDS;
}

/* Whether the worker has the command and has not ended it */
bool vgpu_frames_has(const VGPUCommand *command)
{
    return command->is_framed && !command->is_lost && !command->is_ended;
}

/*
 * Credit: all commands share it, but none waits for another one. What the
 * worker sends for any of them is taken and granted again. So it gets rid of
 * the bytes that it holds, and grants those, too.
 */

static void vgpu_frames_send_credit(VGPUMediator *m, uint32_t bytes)
{
    union message *message = &m->frames.message;

    message->credit = (struct vgpu_mediator_credit) {
        .header.type = VGPU_MEDIATOR_CREDIT_IN, .bytes = bytes,
    };
    m->frames.in_credit += bytes;
    vgpu_channel_queue(m, message, sizeof(message->credit), 0);
}

void vgpu_frames_consume(VGPUMediator *m, size_t len)
{
    m->frames.consumed += len;
    if (m->frames.consumed >= VGPU_FRAMES_GRANT && m->ready &&
        !m->is_resetting) {
        vgpu_frames_send_credit(m, m->frames.consumed);
        m->frames.consumed = 0;
    }
}

/* After HELLO and RESET */
void vgpu_frames_reset(VGPUMediator *m)
{
    m->frames.is_open = false;
    m->frames.out_credit = m->frames.first_credit;
    m->frames.in_credit = m->frames.consumed = 0;
    memset(m->frames.cancels, VGPU_CANCEL_NONE, sizeof(m->frames.cancels));
    m->frames.cancels_wanted = 0;
}

static void vgpu_frames_open(VGPUMediator *m)
{
    if (!m->frames.is_open) {
        m->frames.is_open = true;
        vgpu_frames_send_credit(m, VGPU_FRAMES_CREDIT);
        vgpu_ping_update(m);
    }
}

/* Ending a command */

static void vgpu_frames_drop_received(VGPUMediator *m, VGPUCommand *command)
{
    if (command->received) {
        vgpu_frames_consume(m, command->received->len);
        g_byte_array_unref(command->received);
        command->received = NULL;
    }
}

static void vgpu_frames_send_cancel(VGPUMediator *m, uint32_t tag)
{
    union message *message = &m->frames.message;

    message->cancel = (struct vgpu_mediator_cancel) {
        .header.type = VGPU_MEDIATOR_CANCEL, .tag = tag,
    };
    m->frames.cancels[tag] = VGPU_CANCEL_SENT;
    m->frames.cancels_wanted--;
    vgpu_channel_request(m, message, sizeof(message->cancel), tag);
}

/* There may be more commands to cancel than requests without an answer */
void vgpu_frames_send_cancels(VGPUMediator *m)
{
    /* RESET cancels all */
    for (uint32_t tag = 0; m->frames.cancels_wanted && tag < VGPU_TAGS &&
         !m->is_resetting && vgpu_shared_may_send(m); tag++) {
        if (m->frames.cancels[tag] == VGPU_CANCEL_WANTED) {
            vgpu_frames_send_cancel(m, tag);
        }
    }
}

/* The worker forgets the command; its TAG is free when it has answered */
static void vgpu_frames_want_cancel(VGPUMediator *m, uint32_t tag)
{
    m->frames.cancels[tag] = VGPU_CANCEL_WANTED;
    m->frames.cancels_wanted++;
    vgpu_frames_send_cancels(m);
}

/* Whether the worker may wait for something of this command */
static bool vgpu_frames_is_known(const VGPUCommand *command)
{
    return !command->is_lost && (!command->is_ended || command->out.left);
}

void vgpu_frames_cancel(VGPUStubState *s, VGPUCommand *command)
{
    VGPUMediator *m = s->mediator;

    if (m->ready && vgpu_frames_is_known(command)) {
        vgpu_frames_want_cancel(m, vgpu_frames_tag(command));
    }
    vgpu_frames_drop_received(m, command);
    command->is_framed = false;
}

static VGPUProgress vgpu_frames_end(VGPUStubState *s, VGPUCommand *command,
                                    uint16_t status, uint64_t result)
{
    vgpu_frames_cancel(s, command);
    command->status = status;
    command->result = status == VGPU_STUB_OK ? result : 0;
    return VGPU_DONE;
}

/*
 * The worker has ended. All commands that reach this path can be executed
 * again, because the driver leaves their data alone until they are complete.
 */
static VGPUProgress vgpu_frames_again(VGPUStubState *s, VGPUCommand *command)
{
    if (command->attempts == VGPU_MEDIATOR_ATTEMPTS_MAX) {
        return vgpu_frames_end(s, command, VGPU_STUB_ERR_BACKEND, 0);
    }
    vgpu_frames_cancel(s, command);
    command->is_lost = false;
    command->out = command->all_out;
    command->in = command->all_in;
    command->is_waiting = true;
    return vgpu_command_continue(s, command);
}

/* Data */

/* Write what was received; false is a DMA fault */
static bool vgpu_frames_take(VGPUStubState *s, VGPUCommand *command)
{
    GByteArray *bytes = command->received;
    bool good;

    if (!bytes || !bytes->len) {
        return true;
    }
    good = vgpu_data_write(s, &command->in, bytes->data, bytes->len);
    vgpu_frames_drop_received(s->mediator, command);
    return good;
}

/* If not, the queues are served again when there is */
static bool vgpu_frames_has_room(VGPUMediator *m)
{
    if (m->out_bytes <= VGPU_FRAMES_WAITING) {
        return true;
    }
    m->frames.wants_room = true;
    return false;
}

static size_t vgpu_frames_sendable(VGPUMediator *m, const VGPUCommand *command)
{
    uint64_t len = MIN(command->out.left, m->frames.out_credit);

    return MIN(len, VGPU_FRAMES_PIECE);
}

static bool vgpu_frames_send_piece(VGPUStubState *s, VGPUCommand *command,
                                   size_t len)
{
    VGPUMediator *m = s->mediator;
    union message *message = &m->frames.message;

    message->data = (struct vgpu_mediator_data) {
        .header.type = VGPU_MEDIATOR_DATA_OUT,
        .tag = vgpu_frames_tag(command),
    };
    if (!vgpu_data_read(&s->host, &command->out,
                        message->bytes + sizeof(message->data), len)) {
        return false;
    }
    m->frames.out_credit -= len;
    vgpu_queue_had_turn(command->q);
    vgpu_channel_queue(m, message, sizeof(message->data) + len, 0);
    return true;
}

/* Send as much as the worker receives now; false is a DMA fault */
static bool vgpu_frames_give(VGPUStubState *s, VGPUCommand *command)
{
    VGPUMediator *m = s->mediator;
    size_t len;

    for (int i = 0; i < VGPU_FRAMES_AT_ONCE; i++) {
        len = vgpu_frames_sendable(m, command);
        if (!len || !m->ready) {
            return true;
        }
        if (!vgpu_frames_has_room(m)) {
            return true;
        }
        if (!vgpu_frames_send_piece(s, command, len)) {
            return false;
        }
    }
    qemu_bh_schedule(s->bh);
    return true;
}

/* Commands */

VGPUProgress vgpu_frames_continue(VGPUStubState *s, VGPUCommand *command)
{
    if (command->is_lost) {
        return vgpu_frames_again(s, command);
    }
    if (!vgpu_frames_take(s, command)) {
        return vgpu_frames_end(s, command, VGPU_STUB_ERR_DMA, 0);
    }
    if (command->is_ended) {
        return vgpu_frames_end(s, command, command->status, command->result);
    }
    if (!vgpu_frames_give(s, command)) {
        return vgpu_frames_end(s, command, VGPU_STUB_ERR_DMA, 0);
    }
    return VGPU_IN_FLIGHT;
}

/* Two workers have ended while they had the command, perhaps because of it */
static bool vgpu_frames_is_suspect(const VGPUCommand *command)
{
    unsigned lost = command->attempts - vgpu_frames_has(command);

    return lost == VGPU_MEDIATOR_ATTEMPTS_MAX - 1;
}

/* A suspect is the only command of its queue, lest others fail with it */
static bool vgpu_frames_is_in_the_way(VGPUCommand *command)
{
    const VGPUCommand *first = vgpu_queue_command(command->q,
                                                  command->q->sq_head);

    return command != first && (vgpu_frames_is_suspect(first) ||
                                vgpu_frames_is_suspect(command));
}

bool vgpu_frames_may_start(VGPUStubState *s, VGPUCommand *command)
{
    VGPUMediator *m = s->mediator;

    return !m->is_resetting && vgpu_frames_has_room(m) &&
           m->frames.cancels[vgpu_frames_tag(command)] == VGPU_CANCEL_NONE &&
           !vgpu_frames_is_in_the_way(command);
}

VGPUProgress vgpu_frames_start(VGPUStubState *s, VGPUCommand *command)
{
    VGPUMediator *m = s->mediator;
    union message *message = &m->frames.message;

    vgpu_frames_open(m);
    message->command = (struct vgpu_mediator_command) {
        .header.type = VGPU_MEDIATOR_COMMAND,
        .tag = vgpu_frames_tag(command), .queue = vgpu_frames_queue(command),
        .opcode = command->sqe.opcode, .arg = command->sqe.arg,
        .out_bytes = command->out.left, .in_bytes = command->in.left,
    };
    command->is_framed = true;
    command->attempts++;
    command->all_out = command->out;
    command->all_in = command->in;
    vgpu_channel_queue(m, message, sizeof(message->command), 0);
    return vgpu_frames_continue(s, command);
}

/* The channel */

void vgpu_frames_writable(VGPUMediator *m)
{
    if (m->frames.wants_room && m->out_bytes <= VGPU_FRAMES_WAITING) {
        m->frames.wants_room = false;
        qemu_bh_schedule(m->s->bh);
    }
}

/* The connection has ended; a command that the worker has ended is not lost */
void vgpu_frames_lost(VGPUMediator *m)
{
    for (uint32_t tag = 0; tag < m->s->queue_count * VGPU_COMMANDS; tag++) {
        VGPUQueue *q = &m->s->queues[tag / VGPU_COMMANDS];
        VGPUCommand *command = &q->commands[tag % VGPU_COMMANDS];

        if (vgpu_frames_has(command)) {
            command->is_lost = true;
            vgpu_queue_kick(q);
        }
    }
    m->frames.first_credit = 0;
    vgpu_frames_reset(m);
}
