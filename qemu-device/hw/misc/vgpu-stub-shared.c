/*
 * vgpu-stub: the shared path, on which a worker of the mediator serves the
 * queues
 *
 * Whatever changes, such as a register, the memory map or an answer, schedules
 * a bottom half, which compares what the worker has with what it should have
 * and sends the next messages.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "vgpu-stub-mediator.h"

/*
 * Requests that are kept free: for each queue, QUEUE_STOP and one about the
 * buffer of EXECUTE; RESET, PING and MEMORY_CLEAR
 */
#define VGPU_REQUESTS_KEPT      (2 * VGPU_STUB_QUEUES_MAX + 8)
/* How long the main loop executes commands that a worker has left */
#define VGPU_RECOVER_MS         500

bool vgpu_shared_may_send(const VGPUMediator *m)
{
    return vgpu_channel_free_requests(m) > VGPU_REQUESTS_KEPT;
}

void vgpu_shared_update(VGPUStubState *s)
{
    if (s->mediator) {
        qemu_bh_schedule(s->mediator->shared_bh);
    }
}

/* Whether a worker can access the rings of a queue */
bool vgpu_shared_has_worker(const VGPUMediator *m)
{
    for (uint32_t i = 0; i < m->s->queue_count; i++) {
        if (m->shared[i].worker != VGPU_WORKER_NONE) {
            return true;
        }
    }
    return false;
}

/* Whether the device must not serve the queue: a worker does, or is going to */
bool vgpu_shared_serves(VGPUQueue *q)
{
    VGPUMediator *m = q->s->mediator;

    return m && (vgpu_path(q->s) == VGPU_PATH_SHARED ||
                 m->shared[q - q->s->queues].record ||
                 vgpu_shared_has_worker(m));
}

/* What the device has begun itself is restarted from its entry */
static void vgpu_shared_abandon(VGPUMediator *m)
{
    vgpu_worker_hold(m->s, true);
    for (uint32_t i = 0; i < m->s->queue_count; i++) {
        if (m->shared[i].worker == VGPU_WORKER_NONE) {
            vgpu_queue_abandon(&m->s->queues[i]);
        }
    }
    vgpu_worker_hold(m->s, false);
}

/* No queue may be started while the worker has commands of the framed path */
static void vgpu_shared_start_all(VGPUMediator *m)
{
    vgpu_shared_abandon(m);
    if (m->frames.cancels_wanted) {
        return;
    }
    for (uint32_t i = 0; i < m->s->queue_count && !m->is_refused; i++) {
        VGPUShared *shared = &m->shared[i];

        if (shared->q->state == VGPU_STUB_QUEUE_RUNNING &&
            shared->worker == VGPU_WORKER_NONE) {
            vgpu_shared_start(m, shared);
        }
    }
}

/* The bottom half */

static void vgpu_shared_stop_unwanted(VGPUMediator *m, bool all)
{
    for (uint32_t i = 0; i < m->s->queue_count; i++) {
        VGPUShared *shared = &m->shared[i];

        if (all || shared->q->state != VGPU_STUB_QUEUE_RUNNING) {
            vgpu_shared_stop(m, shared);
        }
    }
}

/* Complete what an earlier worker has left; then the device goes on */
void vgpu_shared_recover(VGPUMediator *m)
{
    int64_t deadline = vgpu_now() + VGPU_RECOVER_MS;

    for (uint32_t i = 0; i < m->s->queue_count; i++) {
        VGPUShared *shared = &m->shared[i];

        if (shared->record && shared->worker == VGPU_WORKER_NONE &&
            m->s->can_dma) {
            vgpu_record_recover(shared, deadline);
        }
    }
}

static void vgpu_shared_connected(VGPUMediator *m)
{
    bool is_shared = vgpu_path(m->s) == VGPU_PATH_SHARED;
    bool is_wanted = is_shared && m->s->can_dma;
    bool must_clear = m->regions_sent && (!is_wanted || m->table_changed);

    vgpu_shared_stop_unwanted(m, must_clear);
    if (must_clear && vgpu_shared_has_worker(m)) {
        return;
    }
    if (must_clear) {
        vgpu_memory_clear(m);
    }
    if (!is_shared) {
        vgpu_shared_recover(m);
        vgpu_queues_kick(m->s);
    } else if (is_wanted && vgpu_memory_send(m) && vgpu_buffers_send(m)) {
        vgpu_shared_start_all(m);
    }
}

static void vgpu_shared_run(void *opaque)
{
    VGPUMediator *m = opaque;

    vgpu_ping_update(m);
    if (m->is_resetting) {
        return;
    }
    if (m->ready) {
        vgpu_frames_send_cancels(m);
        vgpu_shared_connected(m);
        vgpu_ping_update(m);
    } else if ((m->away || m->is_logging) && m->lifeline < 0) {
        vgpu_shared_recover(m);
    }
}

/* The worker cannot use the shared path: try another one */
void vgpu_shared_refuse(VGPUMediator *m, const char *what)
{
    union message message = { .header.type = VGPU_MEDIATOR_RESET };

    if (m->is_refused) {
        return;
    }
    error_report("vgpu-stub: VM %s: cannot let the mediator serve the queues: "
                 "%s", m->name, what);
    m->is_refused = true;
    m->is_resetting = true;
    /* the worker forgets what it has of the framed path */
    vgpu_shared_abandon(m);
    vgpu_channel_request(m, &message, sizeof(message.header), 0);
}

/* The worker has ended, or does not access memory after RESET */
void vgpu_shared_worker_ended(VGPUMediator *m)
{
    if (m->has_memory) {
        vgpu_memory_set_dirty(m);
    }
    m->regions_sent = 0;
    m->is_resetting = m->has_memory = false;
    m->table_changed = false;
    vgpu_execute_settle(m);
    for (uint32_t i = 0; i < m->s->queue_count; i++) {
        VGPUShared *shared = &m->shared[i];

        vgpu_shared_disconnect(shared);
        if (shared->q->state != VGPU_STUB_QUEUE_RUNNING) {
            vgpu_shared_forget(shared);
        }
    }
    vgpu_shared_update(m->s);
}

/* Reset and life cycle */

bool vgpu_shared_is_resetting(VGPUStubState *s)
{
    return s->mediator && s->mediator->is_resetting;
}

/*
 * Forget the queues and buffers at once. A worker may access memory until it
 * answers RESET, or ends; until then, nothing is started.
 */
void vgpu_shared_reset(VGPUStubState *s)
{
    VGPUMediator *m = s->mediator;
    union message message = { .header.type = VGPU_MEDIATOR_RESET };
    bool is_used;

    if (!m) {
        return;
    }
    is_used = m->regions_sent || vgpu_shared_has_worker(m) || m->frames.is_open;
    for (uint32_t i = 0; i < s->queue_count; i++) {
        vgpu_shared_disconnect(&m->shared[i]);
        vgpu_shared_forget(&m->shared[i]);
    }
    memset(m->known, VGPU_BUFFER_UNKNOWN, sizeof(m->known));
    m->regions_sent = 0;
    if (m->is_resetting || !is_used) {
        return;
    }
    m->is_resetting = m->lifeline >= 0;
    if (m->ready) {
        vgpu_channel_request(m, &message, sizeof(message.header), 0);
    }
}

/* Whether no RESET has to be waited for before memory is saved or restored */
static bool vgpu_shared_is_harmless(const VGPUMediator *m)
{
    return !m->is_resetting || !m->has_memory;
}

/*
 * QEMU is going to save or restore the machine's memory, and perhaps does not
 * return to the main loop before. The device takes over all queues now.
 */
void vgpu_shared_settle(VGPUStubState *s)
{
    VGPUMediator *m = s->mediator;

    if (m && (!vgpu_shared_is_harmless(m) || vgpu_shared_has_worker(m))) {
        vgpu_mediator_end_worker(m);
    }
    if (m && !vgpu_shared_has_worker(m)) {
        vgpu_shared_recover(m);
    }
}

/* Whether the device has the state of all queues, and no worker any memory */
bool vgpu_shared_is_settled(VGPUStubState *s)
{
    VGPUMediator *m = s->mediator;
    bool is_settled = !m || (vgpu_shared_is_harmless(m) && !m->is_unlogged);

    for (uint32_t i = 0; m && i < s->queue_count; i++) {
        is_settled = is_settled && !m->shared[i].record;
    }
    return is_settled;
}

void vgpu_shared_realize(VGPUMediator *m)
{
    for (uint32_t i = 0; i < m->s->queue_count; i++) {
        m->shared[i].q = &m->s->queues[i];
    }
    m->shared_bh = qemu_bh_new(vgpu_shared_run, m);
    vgpu_ping_realize(m);
}

void vgpu_shared_unrealize(VGPUMediator *m)
{
    for (uint32_t i = 0; i < m->s->queue_count; i++) {
        vgpu_shared_disconnect(&m->shared[i]);
        vgpu_record_drop(&m->shared[i]);
    }
    vgpu_ping_unrealize(m);
    qemu_bh_delete(m->shared_bh);
}
