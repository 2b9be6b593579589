/*
 * vgpu-stub: ask a worker that makes no progress whether it is alive
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "migration/misc.h"
#include "vgpu-stub-mediator.h"

#define VGPU_PING_MS    1000

static bool vgpu_has_entries(const VGPUShared *shared, uint32_t sq_head)
{
    const VGPUQueue *q = shared->q;
    uint64_t index = vgpu_address(q->index_lo, q->index_hi);
    uint32_t sq_tail;

    return vgpu_dma_read_le32(q->s, index + offsetof(struct vgpu_stub_index,
                                                     sq_tail), &sq_tail) &&
           sq_tail != sq_head;
}

static bool vgpu_has_frames(const VGPUQueue *q)
{
    for (size_t i = 0; i < ARRAY_SIZE(q->commands); i++) {
        if (vgpu_frames_has(&q->commands[i])) {
            return true;
        }
    }
    return false;
}

/* Whether a worker has work of the queue, and at which index it is */
static bool vgpu_has_work(const VGPUShared *shared, uint32_t *head)
{
    if (shared->worker == VGPU_WORKER_SERVES) {
        *head = ldl_le_p(&shared->record->sq_head);
        return vgpu_has_entries(shared, *head);
    }
    *head = shared->q->sq_head;
    return vgpu_has_frames(shared->q);
}

/* Whether the queue has had work since the last call, and made no progress */
static bool vgpu_is_stuck(VGPUShared *shared)
{
    bool had_work = shared->has_work;
    uint32_t head;

    shared->has_work = vgpu_has_work(shared, &head);
    had_work = had_work && shared->has_work && head == shared->seen_head;
    shared->seen_head = head;
    return had_work;
}

static void vgpu_ping(void *opaque)
{
    VGPUMediator *m = opaque;
    union message message = { .header.type = VGPU_MEDIATOR_PING };
    bool is_stuck = false;

    for (uint32_t i = 0; i < m->s->queue_count; i++) {
        is_stuck = vgpu_is_stuck(&m->shared[i]) || is_stuck;
    }
    if (is_stuck && m->ready && !m->is_resetting) {
        vgpu_channel_request(m, &message, sizeof(message.header), 0);
    }
    vgpu_shared_update(m->s);
}

/* Keep the timer running as long as there is something to watch */
void vgpu_ping_update(VGPUMediator *m)
{
    bool is_wanted = m->ready && (m->regions_sent || m->frames.is_open ||
                                  migration_in_incoming_postcopy());

    if (!is_wanted) {
        timer_del(m->ping_timer);
    } else if (!timer_pending(m->ping_timer)) {
        timer_mod(m->ping_timer, vgpu_now() + VGPU_PING_MS);
    }
}

void vgpu_ping_realize(VGPUMediator *m)
{
    m->ping_timer = timer_new_ms(QEMU_CLOCK_REALTIME, vgpu_ping, m);
}

void vgpu_ping_unrealize(VGPUMediator *m)
{
    timer_del(m->ping_timer);
    timer_free(m->ping_timer);
}
