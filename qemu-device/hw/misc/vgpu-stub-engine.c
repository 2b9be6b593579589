/*
 * vgpu-stub: executing commands
 *
 * The main loop maps and unmaps data, several pieces at a time, and also
 * executes short commands. The worker thread executes the rest. It takes no
 * lock but its own, so the main loop waits for it for one job at most.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "vgpu-stub-internal.h"

/* Up to this size, a thread switch takes longer than the work */
#define VGPU_SHORT      (64 * KiB)
/* The size of a job bounds how long the main loop waits for the worker */
#define VGPU_JOB        (1 * MiB)

/* The back end of the embedded engine */
#define VGPU_BACKEND    (&vgpu_software)

static void vgpu_move(VGPUCommand *command)
{
    vgpu_pieces_execute(&command->q->pieces, VGPU_BACKEND, &command->job);
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

/*
 * Check a command and open its data. The caller must release the command,
 * whatever the status.
 */
uint16_t vgpu_command_check(VGPUStubState *s, VGPUCommand *command)
{
    return vgpu_command_open(&s->host, VGPU_BACKEND, &command->sqe,
                             &command->out, &command->in);
}

/* The last user of a buffer wakes the UNREGISTER that waits */
void vgpu_command_release(VGPUStubState *s, VGPUCommand *command)
{
    bool is_out_idle = vgpu_data_close(&command->out);
    bool is_in_idle = vgpu_data_close(&command->in);

    if (is_out_idle || is_in_idle) {
        qemu_bh_schedule(s->bh);
    }
}

/* The pieces are those of the first command, if the engine executes it */
static void vgpu_unmap(VGPUStubState *s, VGPUCommand *command)
{
    if (vgpu_command_is_first(command)) {
        vgpu_pieces_unmap(&s->host, &command->q->pieces, &command->out,
                          &command->in);
    }
}

static uint64_t vgpu_bytes_left(const VGPUCommand *command)
{
    return MAX(command->out.left, command->in.left);
}

static VGPUProgress vgpu_end(VGPUStubState *s, VGPUCommand *command,
                             uint16_t status, uint64_t result)
{
    command->status = status;
    command->result = status == VGPU_STUB_OK ? result : 0;
    return VGPU_DONE;
}

static VGPUProgress vgpu_fail(VGPUStubState *s, VGPUCommand *command,
                              uint16_t status)
{
    return vgpu_end(s, command, status, 0);
}

static VGPUProgress vgpu_succeed(VGPUStubState *s, VGPUCommand *command)
{
    return vgpu_end(s, command, VGPU_STUB_OK,
                    VGPU_BACKEND->result(&command->job));
}

/* Execute a short command now; hand the worker the next job of a longer one */
static VGPUProgress vgpu_go_on(VGPUStubState *s, VGPUCommand *command)
{
    if (!vgpu_pieces_map(&s->host, &command->q->pieces, &command->out,
                         &command->in, VGPU_JOB)) {
        vgpu_unmap(s, command);
        return vgpu_fail(s, command, VGPU_STUB_ERR_DMA);
    }
    if (!command->q->pieces.count) {
        return vgpu_succeed(s, command);
    }
    /* a short command in many small pieces also goes to the worker */
    if (!command->is_short || vgpu_bytes_left(command)) {
        vgpu_worker_give(s, command);
        return VGPU_IN_FLIGHT;
    }
    vgpu_move(command);
    vgpu_unmap(s, command);
    return vgpu_succeed(s, command);
}

static VGPUProgress vgpu_register(VGPUStubState *s, VGPUCommand *command)
{
    uint64_t len = 0;
    uint16_t status = vgpu_buffer_register(s, command, &len);

    return vgpu_end(s, command, status, len);
}

/* New commands do not find the buffer; its last user schedules us again */
static VGPUProgress vgpu_unregister(VGPUStubState *s, VGPUCommand *command)
{
    VGPUBuffer *buffer = s->buffers.by_handle[command->sqe.arg];

    if (buffer->users) {
        buffer->closing = true;
        return VGPU_IN_FLIGHT;
    }
    vgpu_buffer_unregister(s, command->sqe.arg);
    return vgpu_end(s, command, VGPU_STUB_OK, 0);
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
        return vgpu_fail(s, command,
                         command->attempts ? VGPU_STUB_ERR_BACKEND
                                           : VGPU_STUB_ERR_NO_BACKEND);
    }
    if (vgpu_path(s) == VGPU_PATH_FRAMED) {
        return vgpu_frames_start(s, command);
    }
    vgpu_job_begin(&command->job, command->sqe.opcode, command->sqe.arg);
    command->is_short = vgpu_bytes_left(command) <= VGPU_SHORT;
    return vgpu_go_on(s, command);
}

/* command->sqe is set, the rest is zero */
VGPUProgress vgpu_command_start(VGPUStubState *s, VGPUCommand *command)
{
    uint16_t status = vgpu_command_check(s, command);

    if (status != VGPU_STUB_OK) {
        return vgpu_fail(s, command, status);
    }
    switch (command->sqe.opcode) {
    case VGPU_STUB_OP_REGISTER:
        return vgpu_register(s, command);
    case VGPU_STUB_OP_UNREGISTER:
        return vgpu_unregister(s, command);
    default:
        return vgpu_execute(s, command);
    }
}

/*
 * Execute a command of set 0 here and now, whoever executes the others. False
 * if it takes too long; IN may have been written in part then.
 */
bool vgpu_command_execute_now(VGPUStubState *s, VGPUCommand *command,
                              int64_t deadline)
{
    struct vgpu_pieces *pieces = &command->q->pieces;
    uint16_t status = vgpu_command_check(s, command);

    if (status != VGPU_STUB_OK) {
        vgpu_fail(s, command, status);
        return true;
    }
    vgpu_job_begin(&command->job, command->sqe.opcode, command->sqe.arg);
    do {
        if (!vgpu_pieces_map(&s->host, pieces, &command->out, &command->in,
                             VGPU_JOB)) {
            vgpu_pieces_unmap(&s->host, pieces, &command->out, &command->in);
            vgpu_fail(s, command, VGPU_STUB_ERR_DMA);
            return true;
        }
        if (!pieces->count) {
            vgpu_succeed(s, command);
            return true;
        }
        vgpu_move(command);
        vgpu_pieces_unmap(&s->host, pieces, &command->out, &command->in);
    } while (qemu_clock_get_ms(QEMU_CLOCK_REALTIME) < deadline);
    return false;
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
        s->buffers.by_handle[command->sqe.arg]->closing = false;
        return;
    }
    if (command->is_framed) {
        vgpu_frames_cancel(s, command);
    } else if (!command->is_waiting) {
        vgpu_worker_take_back(s, command);
        vgpu_unmap(s, command);
    }
}

void vgpu_command_cancel(VGPUStubState *s, VGPUCommand *command)
{
    if (command->is_started && !command->is_complete) {
        vgpu_cancel(s, command);
    }
    vgpu_command_release(s, command);
}
