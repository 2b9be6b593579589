/*
 * vgpu-stub: the engine, which executes commands
 *
 * The main loop maps and unmaps data, several pieces at a time, and also moves
 * short data. The worker thread moves the rest. It takes no lock but its own,
 * so the main loop waits for it for one job at most.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "qemu/crc32c.h"
#include "qemu/main-loop.h"
#include "vgpu-stub-internal.h"

/* Up to this size, a thread switch takes longer than the work */
#define VGPU_SHORT      (64 * KiB)
/* The size of a job bounds how long the main loop waits for the worker */
#define VGPU_JOB        (1 * MiB)

/* Moving data, in the worker or, for a short command, in the main loop */

static void vgpu_fill(void *to, size_t len, uint64_t pattern, uint64_t done)
{
    uint8_t bytes[sizeof(pattern)];
    uint8_t *p = to;

    stq_le_p(bytes, pattern);
    for (size_t i = 0; i < MIN(len, sizeof(bytes)); i++) {
        p[i] = bytes[(done + i) % sizeof(bytes)];
    }
    /* double the filled part */
    for (size_t n = sizeof(bytes); n < len; n *= 2) {
        memcpy(p + n, p, MIN(n, len - n));
    }
}

static void vgpu_move_piece(VGPUCommand *command, const VGPUPiece *piece)
{
    switch (command->sqe.opcode) {
    case VGPU_STUB_OP_COPY:
        /* memmove, as two bus addresses may map to the same memory */
        memmove(piece->in, piece->out, piece->len);
        break;
    case VGPU_STUB_OP_FILL:
        vgpu_fill(piece->in, piece->len, command->sqe.arg, command->done);
        break;
    case VGPU_STUB_OP_CRC32C:
        command->crc = crc32c(~command->crc, piece->out, piece->len);
        break;
    }
    command->done += piece->len;
}

static void vgpu_move(VGPUCommand *command)
{
    for (unsigned i = 0; i < command->piece_count; i++) {
        vgpu_move_piece(command, &command->pieces[i]);
    }
}

/* Mapping, in the main loop */

static void vgpu_unmap(VGPUStubState *s, VGPUCommand *command)
{
    for (unsigned i = 0; i < command->piece_count; i++) {
        VGPUPiece *piece = &command->pieces[i];

        if (piece->out) {
            vgpu_data_unmap(s, &command->out, piece->out, piece->len, false);
        }
        if (piece->in) {
            vgpu_data_unmap(s, &command->in, piece->in, piece->len, true);
        }
    }
    command->piece_count = 0;
}

static uint64_t vgpu_bytes_left(const VGPUCommand *command)
{
    return MAX(command->out.left, command->in.left);
}

/* Map the next piece, as long as it is contiguous on both sides */
static bool vgpu_map_piece(VGPUStubState *s, VGPUCommand *command, size_t max)
{
    VGPUPiece *piece = &command->pieces[command->piece_count++];

    *piece = (VGPUPiece) { .len = max };
    if (command->out.left) {
        piece->out = vgpu_data_map(s, &command->out, &piece->len, false);
        if (!piece->out) {
            return false;
        }
    }
    if (command->in.left) {
        piece->in = vgpu_data_map(s, &command->in, &piece->len, true);
        if (!piece->in) {
            return false;
        }
    }
    if (piece->out) {
        vgpu_data_advance(&command->out, piece->len);
    }
    if (piece->in) {
        vgpu_data_advance(&command->in, piece->len);
    }
    return true;
}

static bool vgpu_map(VGPUStubState *s, VGPUCommand *command)
{
    size_t room = VGPU_JOB;

    while (room && vgpu_bytes_left(command) &&
           command->piece_count < VGPU_PIECES) {
        if (!vgpu_map_piece(s, command, room)) {
            return false;
        }
        room -= command->pieces[command->piece_count - 1].len;
    }
    return true;
}

/* The worker */

static void vgpu_worker_give(VGPUStubState *s, VGPUCommand *command)
{
    qemu_mutex_lock(&s->worker_lock);
    command->with_worker = true;
    QSIMPLEQ_INSERT_TAIL(&s->worker_todo, command, next);
    qemu_cond_broadcast(&s->worker_cond);
    qemu_mutex_unlock(&s->worker_lock);
}

/* The next command, or NULL when the worker has to exit */
static VGPUCommand *vgpu_worker_take(VGPUStubState *s)
{
    while (!s->worker_quit &&
           (s->worker_hold || QSIMPLEQ_EMPTY(&s->worker_todo))) {
        qemu_cond_wait(&s->worker_cond, &s->worker_lock);
    }
    if (s->worker_quit) {
        return NULL;
    }
    s->worker_now = QSIMPLEQ_FIRST(&s->worker_todo);
    QSIMPLEQ_REMOVE_HEAD(&s->worker_todo, next);
    return s->worker_now;
}

static void *vgpu_worker(void *opaque)
{
    VGPUStubState *s = opaque;
    VGPUCommand *command;

    qemu_mutex_lock(&s->worker_lock);
    while ((command = vgpu_worker_take(s))) {
        qemu_mutex_unlock(&s->worker_lock);
        vgpu_move(command);
        qemu_mutex_lock(&s->worker_lock);
        s->worker_now = NULL;
        command->with_worker = false;
        qemu_cond_broadcast(&s->worker_cond);
        qemu_bh_schedule(s->bh);
    }
    qemu_mutex_unlock(&s->worker_lock);
    return NULL;
}

static bool vgpu_worker_has(VGPUStubState *s, VGPUCommand *command)
{
    bool has;

    qemu_mutex_lock(&s->worker_lock);
    has = command->with_worker;
    qemu_mutex_unlock(&s->worker_lock);
    return has;
}

static void vgpu_worker_take_back(VGPUStubState *s, VGPUCommand *command)
{
    qemu_mutex_lock(&s->worker_lock);
    while (s->worker_now == command) {
        qemu_cond_wait(&s->worker_cond, &s->worker_lock);
    }
    if (command->with_worker) {
        QSIMPLEQ_REMOVE(&s->worker_todo, command, VGPUCommand, next);
        command->with_worker = false;
    }
    qemu_mutex_unlock(&s->worker_lock);
}

/* With @hold, the worker starts no job until this is called without it */
void vgpu_worker_hold(VGPUStubState *s, bool hold)
{
    qemu_mutex_lock(&s->worker_lock);
    s->worker_hold = hold;
    qemu_cond_broadcast(&s->worker_cond);
    qemu_mutex_unlock(&s->worker_lock);
}

void vgpu_worker_start(VGPUStubState *s)
{
    s->worker_quit = false;
    qemu_mutex_init(&s->worker_lock);
    qemu_cond_init(&s->worker_cond);
    QSIMPLEQ_INIT(&s->worker_todo);
    qemu_thread_create(&s->worker, "vgpu-stub", vgpu_worker, s,
                       QEMU_THREAD_JOINABLE);
}

/* Call it only when the worker has no command */
void vgpu_worker_stop(VGPUStubState *s)
{
    qemu_mutex_lock(&s->worker_lock);
    s->worker_quit = true;
    qemu_cond_broadcast(&s->worker_cond);
    qemu_mutex_unlock(&s->worker_lock);
    qemu_thread_join(&s->worker);
    qemu_cond_destroy(&s->worker_cond);
    qemu_mutex_destroy(&s->worker_lock);
}

/* Commands */

static uint64_t vgpu_result(const VGPUCommand *command)
{
    switch (command->sqe.opcode) {
    case VGPU_STUB_OP_CRC32C:
        return command->crc;
    default:
        return command->done;
    }
}

static VGPUProgress vgpu_end(VGPUStubState *s, VGPUCommand *command,
                             uint16_t status)
{
    vgpu_unmap(s, command);
    command->status = status;
    command->result = status == VGPU_STUB_OK ? vgpu_result(command) : 0;
    return VGPU_DONE;
}

/* Execute a short command now; hand the worker the next job of a longer one */
static VGPUProgress vgpu_go_on(VGPUStubState *s, VGPUCommand *command)
{
    if (!vgpu_map(s, command)) {
        return vgpu_end(s, command, VGPU_STUB_ERR_DMA);
    }
    if (!command->piece_count) {
        return vgpu_end(s, command, VGPU_STUB_OK);
    }
    /* a short command in many small pieces also goes to the worker */
    if (!command->is_short || vgpu_bytes_left(command)) {
        vgpu_worker_give(s, command);
        return VGPU_IN_FLIGHT;
    }
    vgpu_move(command);
    return vgpu_end(s, command, VGPU_STUB_OK);
}

/* New commands do not find the buffer; its last user schedules us again */
static VGPUProgress vgpu_unregister(VGPUStubState *s, VGPUCommand *command)
{
    VGPUBuffer *buffer = s->buffers[command->sqe.arg];

    if (buffer->users) {
        buffer->closing = true;
        return VGPU_IN_FLIGHT;
    }
    vgpu_buffer_unregister(s, command->sqe.arg);
    return vgpu_end(s, command, VGPU_STUB_OK);
}

/* The engine in QEMU has one command of a queue at a time */
static bool vgpu_may_execute(VGPUStubState *s, VGPUCommand *command,
                             VGPUBackEnd back_end)
{
    if (back_end == VGPU_BACK_END_AWAY) {
        return true;
    }
    if (back_end == VGPU_BACK_END_EXPECTED) {
        return false;
    }
    return vgpu_path(s) == VGPU_PATH_FRAMED ? vgpu_frames_may_start(s, command)
                                            : vgpu_command_is_first(command);
}

/*
 * A command of set 0: the mediator's work, if there is one. If a worker has
 * begun it and no other one comes, its effect is unknown.
 */
static VGPUProgress vgpu_execute(VGPUStubState *s, VGPUCommand *command)
{
    VGPUBackEnd back_end = vgpu_back_end(s);

    command->is_waiting = !vgpu_may_execute(s, command, back_end);
    if (command->is_waiting) {
        return VGPU_IN_FLIGHT;
    }
    if (back_end == VGPU_BACK_END_AWAY) {
        return vgpu_end(s, command,
                        command->attempts ? VGPU_STUB_ERR_BACKEND
                                          : VGPU_STUB_ERR_NO_BACKEND);
    }
    if (vgpu_path(s) == VGPU_PATH_FRAMED) {
        return vgpu_frames_start(s, command);
    }
    command->crc = command->sqe.arg;
    command->is_short = vgpu_bytes_left(command) <= VGPU_SHORT;
    return vgpu_go_on(s, command);
}

/* command->sqe is set, the rest is zero */
VGPUProgress vgpu_command_start(VGPUStubState *s, VGPUCommand *command)
{
    uint16_t status = vgpu_command_check(s, command);

    if (status != VGPU_STUB_OK) {
        return vgpu_end(s, command, status);
    }
    switch (command->sqe.opcode) {
    case VGPU_STUB_OP_REGISTER:
        return vgpu_end(s, command, vgpu_buffer_register(s, command));
    case VGPU_STUB_OP_UNREGISTER:
        return vgpu_unregister(s, command);
    default:
        return vgpu_execute(s, command);
    }
}

/* Go on with a command in flight if what it waits for is done */
VGPUProgress vgpu_command_continue(VGPUStubState *s, VGPUCommand *command)
{
    if (command->sqe.opcode == VGPU_STUB_OP_UNREGISTER) {
        return vgpu_unregister(s, command);
    }
    if (command->is_waiting) {
        return vgpu_execute(s, command);
    }
    if (command->is_framed) {
        return vgpu_frames_continue(s, command);
    }
    if (vgpu_worker_has(s, command)) {
        return VGPU_IN_FLIGHT;
    }
    vgpu_unmap(s, command);
    return vgpu_go_on(s, command);
}

static void vgpu_cancel(VGPUStubState *s, VGPUCommand *command)
{
    if (command->sqe.opcode == VGPU_STUB_OP_UNREGISTER) {
        s->buffers[command->sqe.arg]->closing = false;
        return;
    }
    if (command->is_framed) {
        vgpu_frames_cancel(s, command);
    }
    vgpu_worker_take_back(s, command);
    vgpu_unmap(s, command);
}

void vgpu_command_cancel(VGPUStubState *s, VGPUCommand *command)
{
    if (command->is_started && !command->is_complete) {
        vgpu_cancel(s, command);
    }
    vgpu_command_release(s, command);
}
