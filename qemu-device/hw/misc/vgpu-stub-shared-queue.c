/*
 * vgpu-stub: a queue on the shared path: its doorbell and interrupt, and how a
 * worker gets it and gives it back
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "vgpu-stub-mediator.h"

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

void vgpu_shared_start(VGPUMediator *m, VGPUShared *shared)
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

/* Stopping */

void vgpu_shared_stop(VGPUMediator *m, VGPUShared *shared)
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
