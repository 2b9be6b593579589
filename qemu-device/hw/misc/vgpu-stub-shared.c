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
#include "trace.h"
#include "vgpu-stub-mediator.h"

/*
 * Requests that are kept free: for each queue, QUEUE_STOP and one about the
 * buffer of EXECUTE; RESET, PING and MEMORY_CLEAR
 */
#define VGPU_REQUESTS_KEPT      (2 * VGPU_STUB_QUEUES_MAX + 8)

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

static bool vgpu_shared_has_worker(const VGPUMediator *m)
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

/* Doorbells and interrupts */

static hwaddr vgpu_doorbell(const VGPUShared *shared)
{
    uint32_t number = shared->q - shared->q->s->queues;

    return VGPU_STUB_WIN_DOORBELL + number * VGPU_STUB_DOORBELL_STRIDE;
}

static void vgpu_shared_called(EventNotifier *notifier)
{
    VGPUShared *shared = container_of(notifier, VGPUShared, call);
    VGPUQueue *q = shared->q;

    if (event_notifier_test_and_clear(notifier) &&
        q->state == VGPU_STUB_QUEUE_RUNNING) {
        vgpu_queue_signal(q);
    }
}

static bool vgpu_shared_connect(VGPUShared *shared)
{
    if (event_notifier_init(&shared->kick, 0) < 0) {
        return false;
    }
    if (event_notifier_init(&shared->call, 0) < 0) {
        event_notifier_cleanup(&shared->kick);
        return false;
    }
    memory_region_add_eventfd(&shared->q->s->mmio, vgpu_doorbell(shared),
                              VGPU_STUB_REG_SIZE, false, 0, &shared->kick);
    event_notifier_set_handler(&shared->call, vgpu_shared_called);
    return true;
}

/* No worker accesses the queue any more */
void vgpu_shared_disconnect(VGPUShared *shared)
{
    if (shared->worker == VGPU_WORKER_NONE) {
        return;
    }
    shared->worker = VGPU_WORKER_NONE;
    memory_region_del_eventfd(&shared->q->s->mmio, vgpu_doorbell(shared),
                              VGPU_STUB_REG_SIZE, false, 0, &shared->kick);
    vgpu_shared_called(&shared->call);
    event_notifier_set_handler(&shared->call, NULL);
    event_notifier_cleanup(&shared->call);
    event_notifier_cleanup(&shared->kick);
}

/* Starting */

static void vgpu_shared_send_start(VGPUMediator *m, VGPUShared *shared)
{
    const VGPUQueue *q = shared->q;
    uint32_t number = q - m->s->queues;
    int fds[] = {
        event_notifier_get_fd(&shared->kick),
        event_notifier_get_fd(&shared->call), shared->record_fd,
    };
    union message message = { .queue_start = {
        .header.type = VGPU_MEDIATOR_QUEUE_START,
        .queue = number,
        .size = q->size,
        .sq = vgpu_address(q->sq_lo, q->sq_hi),
        .cq = vgpu_address(q->cq_lo, q->cq_hi),
        .index = vgpu_address(q->index_lo, q->index_hi),
    } };

    shared->worker = VGPU_WORKER_SERVES;
    vgpu_channel_request_fds(m, &message, sizeof(message.queue_start), number,
                             fds, ARRAY_SIZE(fds));
}

/* Make the queue one that a worker can take over; false if it has failed */
static bool vgpu_shared_prepare(VGPUMediator *m, VGPUShared *shared)
{
    if (shared->record) {
        return true;
    }
    if (!vgpu_record_check_indices(shared) ||
        !vgpu_ring_initialize(shared->q)) {
        qemu_bh_schedule(m->s->bh);
        return false;
    }
    if (!vgpu_record_create(shared)) {
        vgpu_shared_refuse(m, "the device has no memory for a record");
        return false;
    }
    return true;
}

static void vgpu_shared_start(VGPUMediator *m, VGPUShared *shared)
{
    if (!vgpu_shared_prepare(m, shared)) {
        return;
    }
    if (!vgpu_shared_connect(shared)) {
        vgpu_shared_refuse(m, "the device has no eventfd for a queue");
        return;
    }
    vgpu_shared_send_start(m, shared);
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

static void vgpu_shared_start_all(VGPUMediator *m)
{
    vgpu_shared_abandon(m);
    for (uint32_t i = 0; i < m->s->queue_count && !m->is_refused; i++) {
        VGPUShared *shared = &m->shared[i];

        if (shared->q->state == VGPU_STUB_QUEUE_RUNNING &&
            shared->worker == VGPU_WORKER_NONE) {
            vgpu_shared_start(m, shared);
        }
    }
}

/* Stopping */

static void vgpu_shared_stop(VGPUMediator *m, VGPUShared *shared)
{
    uint32_t number = shared->q - m->s->queues;
    union message message = { .queue_stop = {
        .header.type = VGPU_MEDIATOR_QUEUE_STOP,
        .queue = number,
    } };

    if (shared->worker != VGPU_WORKER_SERVES) {
        return;
    }
    shared->worker = VGPU_WORKER_STOPS;
    vgpu_channel_request(m, &message, sizeof(message.queue_stop), number);
    vgpu_execute_cancel(shared);
}

/* The driver has disabled the queue, and it is stopped */
void vgpu_shared_forget(VGPUShared *shared)
{
    vgpu_record_drop(shared);
    shared->is_unchecked = false;
    shared->execute = (VGPUExecute) {};
    if (shared->q->state == VGPU_STUB_QUEUE_STOPPING) {
        vgpu_queue_disabled(shared->q);
    }
}

/* Whether the queue stays in the state STOPPING for now */
bool vgpu_shared_disable(VGPUQueue *q)
{
    VGPUMediator *m = q->s->mediator;
    VGPUShared *shared = m ? &m->shared[q - q->s->queues] : NULL;

    if (!m) {
        return false;
    }
    vgpu_shared_update(q->s);
    if (shared->worker != VGPU_WORKER_NONE) {
        return true;
    }
    vgpu_shared_forget(shared);
    return false;
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
    for (uint32_t i = 0; i < m->s->queue_count; i++) {
        VGPUShared *shared = &m->shared[i];

        if (shared->record && shared->worker == VGPU_WORKER_NONE &&
            m->s->can_dma) {
            vgpu_record_recover(shared);
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
    bool is_settled = !m || vgpu_shared_is_harmless(m);

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
