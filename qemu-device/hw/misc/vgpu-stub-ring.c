/*
 * vgpu-stub: a queue's rings and index block in guest memory
 *
 * These functions implement the chapter "Queues" of docs/specs/vgpu-stub.rst.
 * They return false if the queue has nothing to do now or has failed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "trace.h"
#include "vgpu-stub-internal.h"

static uint64_t vgpu_index_address(const VGPUQueue *q, size_t field)
{
    return vgpu_address(q->index_lo, q->index_hi) + field;
}

#define INDEX(q, field) \
    vgpu_index_address(q, offsetof(struct vgpu_stub_index, field))

/* The driver's indices */

static bool vgpu_ring_read_index(VGPUQueue *q, uint64_t addr, uint32_t *val)
{
    if (!vgpu_dma_read_le32(q->s, addr, val)) {
        vgpu_queue_fail(q, VGPU_STUB_QERR_DMA);
        return false;
    }
    return true;
}

static bool vgpu_ring_read_tail(VGPUQueue *q)
{
    if (!vgpu_ring_read_index(q, INDEX(q, sq_tail), &q->sq_tail)) {
        return false;
    }
    /* the driver must not take back a command that was fetched, either */
    if (q->sq_tail - q->sq_head > q->size ||
        q->sq_tail - q->sq_next > q->size) {
        vgpu_queue_fail(q, VGPU_STUB_QERR_SQ_TAIL);
        return false;
    }
    return true;
}

static bool vgpu_ring_read_head(VGPUQueue *q)
{
    if (!vgpu_ring_read_index(q, INDEX(q, cq_head), &q->cq_head)) {
        return false;
    }
    if (q->cq_tail - q->cq_head > q->size) {
        vgpu_queue_fail(q, VGPU_STUB_QERR_CQ_HEAD);
        return false;
    }
    return true;
}

static bool vgpu_ring_write_index(VGPUQueue *q, uint64_t addr, uint32_t val)
{
    if (!vgpu_dma_write_le32(q->s, addr, val)) {
        vgpu_queue_fail(q, VGPU_STUB_QERR_DMA);
        return false;
    }
    return true;
}

/* Write the initial values of the device's half of the index block */
bool vgpu_ring_initialize(VGPUQueue *q)
{
    q->initialized = q->initialized ||
                     (vgpu_ring_write_index(q, INDEX(q, sq_head), 0) &&
                      vgpu_ring_write_index(q, INDEX(q, cq_tail), 0) &&
                      vgpu_ring_write_index(q, INDEX(q, sq_event), 0) &&
                      vgpu_ring_write_index(q, INDEX(q, flags), 0));
    return q->initialized;
}

/* Completions */

bool vgpu_ring_complete(VGPUQueue *q, const VGPUCommand *command)
{
    struct vgpu_stub_cqe cqe = {
        .id = cpu_to_le32(command->sqe.id),
        .status = cpu_to_le16(command->status),
        .result = cpu_to_le64(command->result),
    };
    uint64_t slot = vgpu_address(q->cq_lo, q->cq_hi) +
                    q->completed % q->size * sizeof(cqe);

    trace_vgpu_stub_complete(q - q->s->queues, command->sqe.id,
                             command->sqe.opcode, command->status);
    q->sq_head++;
    if (command->status == VGPU_STUB_OK &&
        command->sqe.flags & VGPU_STUB_SQE_QUIET) {
        return true;
    }
    if (!vgpu_dma_write(q->s, slot, &cqe, sizeof(cqe))) {
        vgpu_queue_fail(q, VGPU_STUB_QERR_DMA);
        return false;
    }
    q->completed++;
    return true;
}

static bool vgpu_ring_interrupt(VGPUQueue *q, uint32_t old)
{
    uint32_t event;

    /* pairs with the driver's barrier between CQ_EVENT and CQ_TAIL */
    smp_mb();
    if (!vgpu_ring_read_index(q, INDEX(q, cq_event), &event)) {
        return false;
    }
    vgpu_queue_completed(q, event, old);
    return true;
}

/* Write the device's indices for the driver */
bool vgpu_ring_publish(VGPUQueue *q)
{
    uint32_t old = q->cq_tail;

    if (q->sq_head != q->sq_published) {
        q->sq_published = q->sq_head;
        if (!vgpu_ring_write_index(q, INDEX(q, sq_head), q->sq_head)) {
            return false;
        }
    }
    if (q->completed == old) {
        return true;
    }
    /* write the entries before the index */
    smp_wmb();
    q->cq_tail = q->completed;
    return vgpu_ring_write_index(q, INDEX(q, cq_tail), q->cq_tail) &&
           vgpu_ring_interrupt(q, old);
}

static bool vgpu_ring_set_full(VGPUQueue *q, bool full)
{
    if (full == q->cq_full) {
        return true;
    }
    q->cq_full = full;
    return vgpu_ring_write_index(q, INDEX(q, flags),
                                  full ? VGPU_STUB_INDEX_CQ_FULL : 0);
}

/* Each command in flight needs room for its completion, too */
static bool vgpu_ring_is_full(const VGPUQueue *q)
{
    uint32_t in_flight = q->sq_next - q->sq_head;

    return q->completed - q->cq_head + in_flight >= q->size;
}

/*
 * Whether there is room for one more completion. If not, set the flag before
 * reading the driver's index once more, so that no doorbell is missed.
 */
static bool vgpu_ring_has_room(VGPUQueue *q)
{
    if (!vgpu_ring_is_full(q)) {
        return vgpu_ring_set_full(q, false);
    }
    if (!vgpu_ring_publish(q) || !vgpu_ring_read_head(q)) {
        return false;
    }
    if (vgpu_ring_is_full(q)) {
        if (!vgpu_ring_set_full(q, true)) {
            return false;
        }
        /* pairs with the driver's barrier between CQ_HEAD and FLAGS */
        smp_mb();
        if (!vgpu_ring_read_head(q) || vgpu_ring_is_full(q)) {
            return false;
        }
    }
    return vgpu_ring_set_full(q, false);
}

/* Submissions */

/* Copy the entry once; only the copy is checked and used */
static bool vgpu_ring_fetch(VGPUQueue *q)
{
    VGPUCommand *command = vgpu_queue_new_command(q, q->sq_next);
    struct vgpu_stub_sqe *sqe = &command->sqe;
    uint64_t slot = vgpu_address(q->sq_lo, q->sq_hi) +
                    q->sq_next % q->size * sizeof(*sqe);

    /* read the index before the entry */
    smp_rmb();
    if (!vgpu_dma_read(q->s, slot, sqe, sizeof(*sqe))) {
        vgpu_queue_fail(q, VGPU_STUB_QERR_DMA);
        return false;
    }
    vgpu_sqe_to_host(sqe);
    q->sq_next++;
    return true;
}

/* Whether there is an entry. If not, request a doorbell and check again. */
static bool vgpu_ring_has_entry(VGPUQueue *q)
{
    if (q->sq_tail != q->sq_next) {
        return true;
    }
    if (!vgpu_ring_read_tail(q)) {
        return false;
    }
    if (q->sq_tail != q->sq_next) {
        return true;
    }
    if (!vgpu_ring_publish(q) ||
        !vgpu_ring_write_index(q, INDEX(q, sq_event), q->sq_next)) {
        return false;
    }
    /* pairs with the driver's barrier between SQ_TAIL and SQ_EVENT */
    smp_mb();
    return vgpu_ring_read_tail(q) && q->sq_tail != q->sq_next;
}

/* Fetch the next command, if there is room for its completion */
bool vgpu_ring_next(VGPUQueue *q)
{
    return vgpu_ring_has_entry(q) && vgpu_ring_has_room(q) &&
           vgpu_ring_fetch(q);
}
