/*
 * vgpu-stub: messages from a worker on the shared path
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "vgpu-stub-mediator.h"

static const char *vgpu_status_text(uint32_t status)
{
    switch (status) {
    case VGPU_MEDIATOR_FAIL_LIMIT:
        return "a limit of the mediator would be exceeded";
    case VGPU_MEDIATOR_FAIL_ADDRESS:
        return "a ring is not in one region of the machine's memory";
    case VGPU_MEDIATOR_FAIL_RECORD:
        return "it cannot use the record of a queue";
    default:
        return "it has no memory, or cannot map the guest's memory";
    }
}

static void vgpu_shared_started(VGPUMediator *m)
{
    const struct vgpu_mediator_queue_answer *answer = &m->in.queue_answer;

    if (answer->queue != m->in_tag) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_VALUE, "another queue");
    } else if (answer->status != VGPU_MEDIATOR_OK && !m->is_resetting) {
        vgpu_shared_refuse(m, vgpu_status_text(answer->status));
    }
}

/* The device takes over the queue, whose indices the worker reports */
static void vgpu_shared_take_over(VGPUShared *shared, uint32_t sq_head,
                                  uint32_t cq_tail)
{
    vgpu_shared_disconnect(shared);
    if (shared->q->state != VGPU_STUB_QUEUE_RUNNING) {
        vgpu_shared_forget(shared);
        return;
    }
    vgpu_record_take_indices(shared, sq_head, cq_tail);
    if (!vgpu_record_check_indices(shared)) {
        qemu_bh_schedule(shared->q->s->bh);
    }
}

/*
 * Whether the queue has no EXECUTE in progress; it is a fault to leave the
 * queue before the answer, because a buffer may depend on it.
 */
static bool vgpu_shared_check_execute(VGPUMediator *m, uint32_t queue)
{
    if (m->shared[queue].execute.serial) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_STATE, "EXECUTE has no answer");
        return false;
    }
    return true;
}

static void vgpu_shared_stopped(VGPUMediator *m)
{
    const struct vgpu_mediator_queue_answer *answer = &m->in.queue_answer;

    if (answer->queue != m->in_tag) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_VALUE, "another queue");
    } else if (!m->is_resetting &&
               m->shared[m->in_tag].worker == VGPU_WORKER_STOPS &&
               vgpu_shared_check_execute(m, m->in_tag)) {
        vgpu_shared_take_over(&m->shared[m->in_tag], answer->sq_head,
                              answer->cq_tail);
    }
    vgpu_shared_update(m->s);
}

static void vgpu_shared_error(VGPUMediator *m)
{
    const struct vgpu_mediator_queue_error *error = &m->in.queue_error;
    VGPUShared *shared = &m->shared[error->queue];

    if (error->queue >= m->s->queue_count) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_VALUE, "no such queue");
        return;
    }
    if (shared->worker != VGPU_WORKER_SERVES || m->is_resetting ||
        !vgpu_shared_check_execute(m, error->queue)) {
        return;
    }
    vgpu_shared_disconnect(shared);
    vgpu_record_drop(shared);
    if (shared->q->state == VGPU_STUB_QUEUE_STOPPING) {
        vgpu_shared_forget(shared);
        return;
    }
    vgpu_queue_fail(shared->q, error->error);
    qemu_bh_schedule(m->s->bh);
}

static void vgpu_shared_was_reset(VGPUMediator *m)
{
    /* it does not answer what it was asked before */
    memset(m->requests, 0, sizeof(m->requests));
    vgpu_frames_reset(m);
    vgpu_shared_worker_ended(m);
    if (m->is_refused) {
        vgpu_mediator_refused(m);
    } else {
        vgpu_queues_kick(m->s);
    }
}

static void vgpu_shared_answered(VGPUMediator *m)
{
    if (m->in.answer.status != VGPU_MEDIATOR_OK && !m->is_resetting) {
        vgpu_shared_refuse(m, vgpu_status_text(m->in.answer.status));
    }
    vgpu_shared_update(m->s);
}

void vgpu_shared_message(VGPUMediator *m)
{
    switch (m->in.header.type) {
    case VGPU_MEDIATOR_MEMORY_ADD | VGPU_MEDIATOR_ANSWER:
    case VGPU_MEDIATOR_MEMORY_CLEAR | VGPU_MEDIATOR_ANSWER:
        vgpu_shared_answered(m);
        break;
    case VGPU_MEDIATOR_BUFFER_ADD | VGPU_MEDIATOR_ANSWER:
        vgpu_buffer_added(m);
        break;
    case VGPU_MEDIATOR_BUFFER_REMOVE | VGPU_MEDIATOR_ANSWER:
        vgpu_buffer_removed(m);
        break;
    case VGPU_MEDIATOR_QUEUE_START | VGPU_MEDIATOR_ANSWER:
        vgpu_shared_started(m);
        break;
    case VGPU_MEDIATOR_QUEUE_STOP | VGPU_MEDIATOR_ANSWER:
        vgpu_shared_stopped(m);
        break;
    case VGPU_MEDIATOR_RESET | VGPU_MEDIATOR_ANSWER:
        vgpu_shared_was_reset(m);
        break;
    case VGPU_MEDIATOR_EXECUTE:
        vgpu_execute_request(m);
        break;
    case VGPU_MEDIATOR_QUEUE_ERROR:
        vgpu_shared_error(m);
        break;
    default:
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_STATE, "");
    }
}
