/*
 * vgpu-stub: queues, from the doorbell to the interrupt
 *
 * Every function here runs in the main loop's thread or under its lock. The
 * chapter "Queues" of docs/specs/vgpu-stub.rst is what they follow.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "hw/pci/msix.h"
#include "trace.h"
#include "vgpu-stub-internal.h"

/* What one queue may do before it is another one's turn */
#define VGPU_ENTRIES_AT_ONCE    64
/* What all of them may do before it is the turn of the rest of QEMU */
#define VGPU_SERVE_NS           (2 * SCALE_MS)

uint64_t vgpu_address(uint32_t lo, uint32_t hi)
{
    return (uint64_t)hi << 32 | lo;
}

static uint64_t vgpu_index_address(const VGPUQueue *q, size_t field)
{
    return vgpu_address(q->index_lo, q->index_hi) + field;
}

#define INDEX(q, field) \
    vgpu_index_address(q, offsetof(struct vgpu_stub_index, field))

/* Interrupts */

static void vgpu_signal(VGPUStubState *s, uint32_t vector)
{
    PCIDevice *pci_dev = PCI_DEVICE(s);

    if (vector <= s->queue_count && msix_enabled(pci_dev)) {
        trace_vgpu_stub_interrupt(vector);
        msix_notify(pci_dev, vector);
    }
}

static void vgpu_event(VGPUStubState *s, uint32_t event)
{
    if (!(s->events & event)) {
        s->events |= event;
        vgpu_signal(s, s->event_vector);
    }
}

/* States */

void vgpu_queue_abandon(VGPUQueue *q)
{
    if (q->in_flight) {
        vgpu_command_cancel(q->s, &q->command);
    }
    q->in_flight = false;
    q->waiting = false;
}

static void vgpu_queue_fail(VGPUQueue *q, uint32_t error)
{
    trace_vgpu_stub_queue_error(q - q->s->queues, error);
    vgpu_queue_abandon(q);
    q->state = VGPU_STUB_QUEUE_ERROR;
    q->error = error;
    vgpu_event(q->s, VGPU_STUB_EVENT_QUEUE_ERROR);
    vgpu_signal(q->s, q->vector);
}

void vgpu_queue_disable(VGPUQueue *q)
{
    vgpu_queue_abandon(q);
    q->state = VGPU_STUB_QUEUE_DISABLED;
    q->error = VGPU_STUB_QERR_NONE;
}

static bool vgpu_ring_valid(uint32_t lo, uint32_t hi, uint64_t len,
                            uint64_t align)
{
    uint64_t addr = vgpu_address(lo, hi);

    return addr % align == 0 && addr + (len - 1) >= addr;
}

uint32_t vgpu_queue_fault(const VGPUQueue *q)
{
    if (!is_power_of_2(q->size) || q->size < VGPU_STUB_QUEUE_SIZE_MIN ||
        q->size > VGPU_STUB_QUEUE_SIZE_MAX) {
        return VGPU_STUB_QERR_SIZE;
    }
    if (!vgpu_ring_valid(q->sq_lo, q->sq_hi,
                         q->size * sizeof(struct vgpu_stub_sqe),
                         VGPU_STUB_RING_ALIGN) ||
        !vgpu_ring_valid(q->cq_lo, q->cq_hi,
                         q->size * sizeof(struct vgpu_stub_cqe),
                         VGPU_STUB_RING_ALIGN) ||
        !vgpu_ring_valid(q->index_lo, q->index_hi,
                         sizeof(struct vgpu_stub_index),
                         VGPU_STUB_INDEX_ALIGN)) {
        return VGPU_STUB_QERR_ADDRESS;
    }
    if (q->vector > q->s->queue_count && q->vector != VGPU_STUB_VECTOR_NONE) {
        return VGPU_STUB_QERR_VECTOR;
    }
    return VGPU_STUB_QERR_NONE;
}

void vgpu_queue_kick(VGPUQueue *q)
{
    q->kicked = true;
    qemu_bh_schedule(q->s->bh);
}

/* The device's half of the index block as it is when a queue is enabled */
static bool vgpu_queue_initialize(VGPUQueue *q)
{
    if (!q->initialized) {
        q->initialized = vgpu_dma_write_le32(q->s, INDEX(q, sq_head), 0) &&
                         vgpu_dma_write_le32(q->s, INDEX(q, cq_tail), 0) &&
                         vgpu_dma_write_le32(q->s, INDEX(q, sq_event), 0) &&
                         vgpu_dma_write_le32(q->s, INDEX(q, flags), 0);
    }
    return q->initialized;
}

void vgpu_queue_enable(VGPUQueue *q)
{
    uint32_t error = vgpu_queue_fault(q);

    vgpu_queues_update(q->s);
    q->sq_head = q->sq_tail = q->sq_published = 0;
    q->cq_head = q->cq_tail = q->completed = 0;
    q->initialized = q->cq_full = false;
    q->state = VGPU_STUB_QUEUE_RUNNING;
    if (!error && q->s->can_dma && !vgpu_queue_initialize(q)) {
        error = VGPU_STUB_QERR_DMA;
    }
    if (error) {
        vgpu_queue_fail(q, error);
        return;
    }
    vgpu_queue_kick(q);
}

/* The driver's indices */

static bool vgpu_queue_read_index(VGPUQueue *q, uint64_t addr, uint32_t *val)
{
    if (!vgpu_dma_read_le32(q->s, addr, val)) {
        vgpu_queue_fail(q, VGPU_STUB_QERR_DMA);
        return false;
    }
    return true;
}

static bool vgpu_queue_read_tail(VGPUQueue *q)
{
    if (!vgpu_queue_read_index(q, INDEX(q, sq_tail), &q->sq_tail)) {
        return false;
    }
    if (q->sq_tail - q->sq_head > q->size) {
        vgpu_queue_fail(q, VGPU_STUB_QERR_SQ_TAIL);
        return false;
    }
    return true;
}

static bool vgpu_queue_read_head(VGPUQueue *q)
{
    if (!vgpu_queue_read_index(q, INDEX(q, cq_head), &q->cq_head)) {
        return false;
    }
    if (q->cq_tail - q->cq_head > q->size) {
        vgpu_queue_fail(q, VGPU_STUB_QERR_CQ_HEAD);
        return false;
    }
    return true;
}

static bool vgpu_queue_write_index(VGPUQueue *q, uint64_t addr, uint32_t val)
{
    if (!vgpu_dma_write_le32(q->s, addr, val)) {
        vgpu_queue_fail(q, VGPU_STUB_QERR_DMA);
        return false;
    }
    return true;
}

/* Completions */

static bool vgpu_queue_complete(VGPUQueue *q, const VGPUCommand *command)
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

/* The specification's formula, for doorbells and interrupts */
static bool vgpu_wants(uint32_t event, uint32_t old, uint32_t new)
{
    return new - event - 1 < new - old;
}

static bool vgpu_queue_interrupt(VGPUQueue *q, uint32_t old)
{
    uint32_t event;

    smp_mb();
    if (!vgpu_queue_read_index(q, INDEX(q, cq_event), &event)) {
        return false;
    }
    if (vgpu_wants(event, old, q->cq_tail)) {
        vgpu_signal(q->s, q->vector);
    }
    return true;
}

/* Show the driver how far the device is */
static bool vgpu_queue_publish(VGPUQueue *q)
{
    uint32_t old = q->cq_tail;

    if (q->sq_head != q->sq_published) {
        q->sq_published = q->sq_head;
        if (!vgpu_queue_write_index(q, INDEX(q, sq_head), q->sq_head)) {
            return false;
        }
    }
    if (q->completed == old) {
        return true;
    }
    smp_wmb();
    q->cq_tail = q->completed;
    return vgpu_queue_write_index(q, INDEX(q, cq_tail), q->cq_tail) &&
           vgpu_queue_interrupt(q, old);
}

static bool vgpu_queue_set_full(VGPUQueue *q, bool full)
{
    if (full == q->cq_full) {
        return true;
    }
    q->cq_full = full;
    return vgpu_queue_write_index(q, INDEX(q, flags),
                                  full ? VGPU_STUB_INDEX_CQ_FULL : 0);
}

/*
 * Is there room for one more completion? The flag is set before the driver's
 * index is read for the last time, so that its doorbell cannot be missed.
 */
static bool vgpu_queue_has_room(VGPUQueue *q)
{
    if (q->completed - q->cq_head < q->size) {
        return true;
    }
    if (!vgpu_queue_publish(q) || !vgpu_queue_read_head(q)) {
        return false;
    }
    if (q->completed - q->cq_head == q->size) {
        if (!vgpu_queue_set_full(q, true)) {
            return false;
        }
        smp_mb();
        if (!vgpu_queue_read_head(q) ||
            q->completed - q->cq_head == q->size) {
            return false;
        }
    }
    return vgpu_queue_set_full(q, false);
}

/* Submissions */

static void vgpu_desc_to_cpu(struct vgpu_stub_desc *desc)
{
    desc->addr = le64_to_cpu(desc->addr);
    desc->len = le32_to_cpu(desc->len);
    desc->number = le16_to_cpu(desc->number);
}

/* Copy the entry once; what is checked and used is the copy */
static bool vgpu_queue_fetch(VGPUQueue *q)
{
    struct vgpu_stub_sqe *sqe = &q->command.sqe;
    uint64_t slot = vgpu_address(q->sq_lo, q->sq_hi) +
                    q->sq_head % q->size * sizeof(*sqe);

    memset(&q->command, 0, offsetof(VGPUCommand, pieces));
    smp_rmb();
    if (!vgpu_dma_read(q->s, slot, sqe, sizeof(*sqe))) {
        vgpu_queue_fail(q, VGPU_STUB_QERR_DMA);
        return false;
    }
    sqe->opcode = le16_to_cpu(sqe->opcode);
    sqe->flags = le16_to_cpu(sqe->flags);
    sqe->id = le32_to_cpu(sqe->id);
    sqe->arg = le64_to_cpu(sqe->arg);
    vgpu_desc_to_cpu(&sqe->out);
    vgpu_desc_to_cpu(&sqe->in);
    return true;
}

/* Is there an entry? If not, ask for a doorbell, and look once more */
static bool vgpu_queue_has_entry(VGPUQueue *q)
{
    if (q->sq_tail != q->sq_head) {
        return true;
    }
    if (!vgpu_queue_read_tail(q)) {
        return false;
    }
    if (q->sq_tail != q->sq_head) {
        return true;
    }
    if (!vgpu_queue_publish(q) ||
        !vgpu_queue_write_index(q, INDEX(q, sq_event), q->sq_head)) {
        return false;
    }
    smp_mb();
    return vgpu_queue_read_tail(q) && q->sq_tail != q->sq_head;
}

/* Start the next command, or see what has become of the one in flight */
static VGPUProgress vgpu_queue_advance(VGPUQueue *q)
{
    if (q->in_flight) {
        return vgpu_command_continue(q->s, &q->command);
    }
    return vgpu_command_start(q->s, &q->command);
}

/* One step; false if there is nothing to do now, or the queue has failed */
static bool vgpu_queue_step(VGPUQueue *q)
{
    VGPUProgress progress;

    if (!q->in_flight &&
        (!vgpu_queue_has_entry(q) || !vgpu_queue_has_room(q) ||
         !vgpu_queue_fetch(q))) {
        return false;
    }
    progress = vgpu_queue_advance(q);
    q->in_flight = progress == VGPU_IN_FLIGHT;
    q->waiting = progress == VGPU_BLOCKED;
    if (progress == VGPU_IN_FLIGHT) {
        return false;
    }
    vgpu_command_release(&q->command);
    return progress == VGPU_DONE && vgpu_queue_complete(q, &q->command);
}

/* Returns whether a command was completed */
static bool vgpu_queue_serve(VGPUQueue *q, int64_t deadline)
{
    uint32_t old = q->sq_head;
    bool more = true;

    q->kicked = false;
    if (!vgpu_queue_initialize(q)) {
        vgpu_queue_fail(q, VGPU_STUB_QERR_DMA);
        return false;
    }
    for (int i = 0; more && i < VGPU_ENTRIES_AT_ONCE &&
         get_clock() < deadline; i++) {
        more = vgpu_queue_step(q);
    }
    if (more) {
        vgpu_queue_kick(q);
    }
    if (q->state == VGPU_STUB_QUEUE_RUNNING) {
        vgpu_queue_publish(q);
    }
    return q->sq_head != old;
}

static bool vgpu_queue_has_work(const VGPUQueue *q)
{
    return q->state == VGPU_STUB_QUEUE_RUNNING &&
           (q->kicked || q->in_flight || q->waiting);
}

/* Begins where it ended, so that no queue keeps the others from being served */
void vgpu_queues_serve(void *opaque)
{
    VGPUStubState *s = opaque;
    int64_t deadline = get_clock() + VGPU_SERVE_NS;
    bool completed = false, waiting = false;

    vgpu_queues_update(s);
    for (uint32_t i = 0; s->can_dma && i < s->queue_count; i++) {
        VGPUQueue *q = &s->queues[s->next_queue];

        if (vgpu_queue_has_work(q)) {
            if (get_clock() >= deadline) {
                qemu_bh_schedule(s->bh);
                return;
            }
            completed |= vgpu_queue_serve(q, deadline);
            waiting |= q->waiting;
        }
        s->next_queue = (s->next_queue + 1) % s->queue_count;
    }
    if (completed && waiting) {
        qemu_bh_schedule(s->bh);
    }
}
