/*
 * vgpu-stub: queues, from the doorbell to the interrupt
 *
 * All functions run under the BQL. They implement the chapter "Queues" of
 * docs/specs/vgpu-stub.rst.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "hw/pci/msix.h"
#include "trace.h"
#include "vgpu-stub-internal.h"

/* How many entries a queue may process before the next queue's turn */
#define VGPU_ENTRIES_AT_ONCE    64
/* How long all queues may run before the rest of QEMU's turn */
#define VGPU_SERVE_NS           (2 * SCALE_MS)

uint64_t vgpu_address(uint32_t lo, uint32_t hi)
{
    return (uint64_t)hi << 32 | lo;
}

/*
 * The guest chooses the address to which an MSI-X message is written, and
 * virtio-iommu sends one for a DMA fault. While the device works, a message may
 * reach the device's own registers, its configuration space, or the slot's
 * eject register. So registers do not respond during that time, and the other
 * effects are postponed until the device has finished.
 */
static void vgpu_serving_begin(VGPUStubState *s)
{
    s->serving = true;
}

static void vgpu_serving_end(VGPUStubState *s)
{
    s->serving = false;
    if (s->reset_wanted) {
        vgpu_queues_reset(s);
    }
    vgpu_queues_update(s);
    if (s->unrealize_wanted) {
        s->unrealize_wanted = false;
        vgpu_mediator_unrealize(s);
    }
}

/* Interrupts, which are sent only while no queue is being served */

static void vgpu_signal(VGPUStubState *s, uint32_t vector)
{
    if (vector <= s->queue_count) {
        s->signals |= 1U << vector;
    }
}

void vgpu_send_signals(VGPUStubState *s)
{
    PCIDevice *pci_dev = PCI_DEVICE(s);
    uint32_t signals = s->signals;

    s->signals = 0;
    vgpu_serving_begin(s);
    for (uint32_t vector = 0; signals >> vector; vector++) {
        if (signals & (1U << vector) && msix_enabled(pci_dev)) {
            trace_vgpu_stub_interrupt(vector);
            msix_notify(pci_dev, vector);
        }
    }
    vgpu_serving_end(s);
}

static void vgpu_event(VGPUStubState *s, uint32_t event)
{
    if (!(s->events & event)) {
        s->events |= event;
        vgpu_signal(s, s->event_vector);
    }
}

/* The specification's formula, for doorbells and interrupts */
static bool vgpu_wants(uint32_t event, uint32_t old, uint32_t new)
{
    return new - event - 1 < new - old;
}

void vgpu_queue_completed(VGPUQueue *q, uint32_t event, uint32_t old)
{
    if (vgpu_wants(event, old, q->cq_tail)) {
        vgpu_signal(q->s, q->vector);
    }
}

/* For a worker of the mediator, which has decided that the driver wants it */
void vgpu_queue_signal(VGPUQueue *q)
{
    vgpu_signal(q->s, q->vector);
    qemu_bh_schedule(q->s->bh);
}

/* States */

void vgpu_queue_abandon(VGPUQueue *q)
{
    for (uint32_t i = q->sq_head; i != q->sq_next; i++) {
        vgpu_command_cancel(q->s, vgpu_queue_command(q, i));
    }
    q->sq_next = q->sq_head;
}

void vgpu_queue_fail(VGPUQueue *q, uint32_t error)
{
    trace_vgpu_stub_queue_error(q - q->s->queues, error);
    vgpu_queue_abandon(q);
    q->state = VGPU_STUB_QUEUE_ERROR;
    q->error = error;
    vgpu_event(q->s, VGPU_STUB_EVENT_QUEUE_ERROR);
    vgpu_signal(q->s, q->vector);
}

void vgpu_queue_disabled(VGPUQueue *q)
{
    q->state = VGPU_STUB_QUEUE_DISABLED;
    q->error = VGPU_STUB_QERR_NONE;
}

void vgpu_queue_disable(VGPUQueue *q)
{
    vgpu_queue_abandon(q);
    vgpu_queue_disabled(q);
    if (vgpu_shared_disable(q)) {
        q->state = VGPU_STUB_QUEUE_STOPPING;
    }
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

void vgpu_queue_enable(VGPUQueue *q)
{
    uint32_t error = vgpu_queue_fault(q);

    vgpu_queues_update(q->s);
    q->sq_head = q->sq_next = q->sq_tail = q->sq_published = 0;
    q->cq_head = q->cq_tail = q->completed = 0;
    q->initialized = q->cq_full = false;
    q->state = VGPU_STUB_QUEUE_RUNNING;
    if (error) {
        vgpu_queue_fail(q, error);
    } else if (q->s->can_dma) {
        vgpu_serving_begin(q->s);
        vgpu_ring_initialize(q);
        vgpu_serving_end(q->s);
    }
    vgpu_queue_kick(q);
    vgpu_shared_update(q->s);
}

/*
 * Commands in flight
 *
 * A worker of the mediator ends them in any order. The driver gets their
 * completions in the order of submission: SQ_HEAD, the migration stream and the
 * in-flight record say only that the commands before an index are complete. So
 * a pause or a save, which cuts off what is in flight, need not remember which
 * of the later ones were complete: they were not, for the driver.
 */

VGPUCommand *vgpu_queue_command(VGPUQueue *q, uint32_t index)
{
    return &q->commands[index % VGPU_COMMANDS];
}

/* One that is not in flight yet */
VGPUCommand *vgpu_queue_new_command(VGPUQueue *q, uint32_t index)
{
    VGPUCommand *command = vgpu_queue_command(q, index);

    memset(command, 0, offsetof(VGPUCommand, with_worker));
    command->q = q;
    command->index = index;
    return command;
}

/* Whether all earlier commands of its queue are complete */
bool vgpu_command_is_first(const VGPUCommand *command)
{
    return command->index == command->q->sq_head;
}

/* Set 1 cannot be restarted when it is done, so nothing may be before it */
static bool vgpu_command_may_start(const VGPUCommand *command)
{
    bool is_set_1 = command->sqe.opcode >> 8 == VGPU_STUB_SET_BUFFER;
    bool is_barrier = command->sqe.flags & VGPU_STUB_SQE_BARRIER;

    return (!is_set_1 && !is_barrier) || vgpu_command_is_first(command);
}

/* Start a command or go on with it; false if it waits to be started */
static bool vgpu_queue_advance(VGPUQueue *q, VGPUCommand *command)
{
    VGPUProgress progress;

    if (command->is_complete) {
        return true;
    }
    if (command->is_started) {
        progress = vgpu_command_continue(q->s, command);
    } else if (vgpu_command_may_start(command)) {
        command->is_started = true;
        progress = vgpu_command_start(q->s, command);
    } else {
        return false;
    }
    command->is_complete = progress == VGPU_DONE;
    return command->is_complete || !command->is_waiting;
}

/* Pass on what is complete, in the order of the ring; false if that fails */
static bool vgpu_queue_retire(VGPUQueue *q)
{
    while (q->sq_head != q->sq_next) {
        VGPUCommand *command = vgpu_queue_command(q, q->sq_head);

        if (!command->is_complete) {
            return true;
        }
        vgpu_command_release(q->s, command);
        if (!vgpu_ring_complete(q, command)) {
            return false;
        }
    }
    return true;
}

/* The first command that has to wait lets the later ones wait, too */
static bool vgpu_queue_continue(VGPUQueue *q, int64_t deadline)
{
    bool good = true;

    for (uint32_t i = q->sq_head; good && i != q->sq_next; i++) {
        if (i != q->sq_head && get_clock() >= deadline) {
            return true;
        }
        if (!vgpu_queue_advance(q, vgpu_queue_command(q, i))) {
            return true;
        }
        good = vgpu_queue_retire(q);
    }
    return good;
}

static bool vgpu_queue_may_fetch(VGPUQueue *q)
{
    const VGPUCommand *last = vgpu_queue_command(q, q->sq_next - 1);
    uint32_t in_flight = q->sq_next - q->sq_head;

    if (!in_flight) {
        return true;
    }
    return in_flight < VGPU_COMMANDS && vgpu_path(q->s) == VGPU_PATH_FRAMED &&
           last->is_started && !last->is_waiting;
}

/* The next command; false if there is none now or the queue has failed */
static bool vgpu_queue_step(VGPUQueue *q)
{
    if (!vgpu_queue_may_fetch(q) || !vgpu_ring_next(q)) {
        return false;
    }
    vgpu_queue_advance(q, vgpu_queue_command(q, q->sq_next - 1));
    return vgpu_queue_retire(q);
}

static void vgpu_queue_serve(VGPUQueue *q, int64_t deadline)
{
    bool more = vgpu_ring_initialize(q) && vgpu_queue_continue(q, deadline);

    q->kicked = false;
    for (int i = 0; more && i < VGPU_ENTRIES_AT_ONCE &&
         get_clock() < deadline; i++) {
        more = vgpu_queue_step(q);
    }
    if (more) {
        vgpu_queue_kick(q);
    }
    if (q->state == VGPU_STUB_QUEUE_RUNNING) {
        vgpu_ring_publish(q);
    }
}

static bool vgpu_queue_has_work(VGPUQueue *q)
{
    return q->state == VGPU_STUB_QUEUE_RUNNING &&
           (q->kicked || q->sq_next != q->sq_head) && !vgpu_shared_serves(q);
}

/* Another queue is the next one, so that this one does not starve the others */
void vgpu_queue_had_turn(const VGPUQueue *q)
{
    q->s->next_queue = (q - q->s->queues + 1) % q->s->queue_count;
}

static void vgpu_queues_serve(VGPUStubState *s)
{
    int64_t deadline = get_clock() + VGPU_SERVE_NS;
    uint32_t first = s->next_queue;

    for (uint32_t i = 0; s->can_dma && i < s->queue_count; i++) {
        VGPUQueue *q = &s->queues[(first + i) % s->queue_count];

        if (!vgpu_queue_has_work(q)) {
            continue;
        }
        vgpu_serving_begin(s);
        vgpu_queue_serve(q, deadline);
        vgpu_serving_end(s);
        vgpu_send_signals(s);
        if (get_clock() >= deadline) {
            vgpu_queue_had_turn(q);
            qemu_bh_schedule(s->bh);
            return;
        }
    }
}

/* The bottom half; a message may unplug the device */
void vgpu_queues_run(void *opaque)
{
    VGPUStubState *s = opaque;

    object_ref(OBJECT(s));
    vgpu_mediator_gather(s, true);
    vgpu_queues_update(s);
    vgpu_queues_serve(s);
    vgpu_mediator_gather(s, false);
    vgpu_send_signals(s);
    object_unref(OBJECT(s));
}
