/*
 * vgpu-stub: the queues' registers, and starting and stopping all queues
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "vgpu-stub-config-space.h"
#include "vgpu-stub-internal.h"

/* Registers */

static VGPUQueue *vgpu_queue_at(VGPUStubState *s, hwaddr addr, hwaddr base,
                                hwaddr stride)
{
    uint64_t n = (addr - base) / stride;

    return addr >= base && n < s->queue_count ? &s->queues[n] : NULL;
}

/* A register that the driver sets while the queue is disabled, or NULL */
static uint32_t *vgpu_queue_setting(VGPUQueue *q, hwaddr offset)
{
    switch (offset) {
    case VGPU_STUB_QUEUE_SIZE:
        return &q->size;
    case VGPU_STUB_QUEUE_VECTOR:
        return &q->vector;
    case VGPU_STUB_QUEUE_SQ_LO:
        return &q->sq_lo;
    case VGPU_STUB_QUEUE_SQ_HI:
        return &q->sq_hi;
    case VGPU_STUB_QUEUE_CQ_LO:
        return &q->cq_lo;
    case VGPU_STUB_QUEUE_CQ_HI:
        return &q->cq_hi;
    case VGPU_STUB_QUEUE_INDEX_LO:
        return &q->index_lo;
    case VGPU_STUB_QUEUE_INDEX_HI:
        return &q->index_hi;
    default:
        return NULL;
    }
}

static bool vgpu_queue_is_enabled(const VGPUQueue *q)
{
    return q->state == VGPU_STUB_QUEUE_RUNNING ||
           q->state == VGPU_STUB_QUEUE_ERROR;
}

static const char *vgpu_queue_read(VGPUQueue *q, hwaddr offset, uint32_t *val)
{
    uint32_t *setting = vgpu_queue_setting(q, offset);

    if (setting) {
        *val = *setting;
        return NULL;
    }
    switch (offset) {
    case VGPU_STUB_QUEUE_CONTROL:
        *val = vgpu_queue_is_enabled(q) ? VGPU_STUB_QUEUE_ENABLE : 0;
        return NULL;
    case VGPU_STUB_QUEUE_STATUS:
        *val = q->state | q->error << VGPU_STUB_QUEUE_ERROR_SHIFT;
        return NULL;
    default:
        return "reserved offset";
    }
}

static void vgpu_queue_control(VGPUQueue *q, uint32_t val)
{
    bool enable = val & VGPU_STUB_QUEUE_ENABLE;

    if (enable && q->state == VGPU_STUB_QUEUE_DISABLED) {
        vgpu_queue_enable(q);
    } else if (!enable && vgpu_queue_is_enabled(q)) {
        vgpu_queue_disable(q);
    }
}

static const char *vgpu_queue_write(VGPUQueue *q, hwaddr offset, uint32_t val)
{
    uint32_t *setting = vgpu_queue_setting(q, offset);

    if (setting && q->state != VGPU_STUB_QUEUE_DISABLED) {
        return "queue is not disabled";
    }
    if (setting) {
        *setting = val;
        return NULL;
    }
    switch (offset) {
    case VGPU_STUB_QUEUE_CONTROL:
        vgpu_queue_control(q, val);
        return NULL;
    case VGPU_STUB_QUEUE_STATUS:
        return "read-only register";
    default:
        return "reserved offset";
    }
}

static const char *vgpu_device_read(VGPUStubState *s, hwaddr addr,
                                    uint32_t *val)
{
    switch (addr) {
    case VGPU_STUB_REG_CONTROL:
        *val = vgpu_shared_is_resetting(s) ? VGPU_STUB_CONTROL_RESET : 0;
        return NULL;
    case VGPU_STUB_REG_QUEUES:
        *val = s->queue_count;
        return NULL;
    case VGPU_STUB_REG_QUEUE_SIZE_MAX:
        *val = VGPU_STUB_QUEUE_SIZE_MAX;
        return NULL;
    case VGPU_STUB_REG_VECTORS:
        *val = s->queue_count + 1;
        return NULL;
    case VGPU_STUB_REG_COMMAND_SETS:
        *val = 1 << VGPU_STUB_SET_BASIC | 1 << VGPU_STUB_SET_BUFFER;
        return NULL;
    case VGPU_STUB_REG_EVENT_VECTOR:
        *val = s->event_vector;
        return NULL;
    case VGPU_STUB_REG_EVENTS:
        *val = s->events;
        return NULL;
    case VGPU_STUB_REG_LIST_MAX:
        *val = VGPU_STUB_LIST_MAX;
        return NULL;
    case VGPU_STUB_REG_BUFFERS_MAX:
        *val = VGPU_STUB_BUFFERS_MAX;
        return NULL;
    case VGPU_STUB_REG_BUFFER_SEGMENTS_MAX:
        *val = VGPU_STUB_BUFFER_SEGMENTS_MAX;
        return NULL;
    case VGPU_STUB_REG_SEGMENTS_MAX:
        *val = VGPU_STUB_SEGMENTS_MAX;
        return NULL;
    case VGPU_STUB_REG_TRANSFER_MAX:
        *val = VGPU_STUB_TRANSFER_MAX;
        return NULL;
    default:
        return "reserved offset";
    }
}

static const char *vgpu_device_write(VGPUStubState *s, hwaddr addr,
                                     uint32_t val)
{
    uint32_t ignored;

    switch (addr) {
    case VGPU_STUB_REG_CONTROL:
        if (val & VGPU_STUB_CONTROL_RESET) {
            vgpu_queues_reset(s);
        }
        return NULL;
    case VGPU_STUB_REG_EVENT_VECTOR:
        s->event_vector = val & 0xffff;
        return NULL;
    case VGPU_STUB_REG_EVENTS:
        s->events &= ~val;
        return NULL;
    default:
        return vgpu_device_read(s, addr, &ignored) ?: "read-only register";
    }
}

const char *vgpu_queues_read(VGPUStubState *s, hwaddr addr, uint32_t *val)
{
    VGPUQueue *q = vgpu_queue_at(s, addr, VGPU_STUB_WIN_QUEUE,
                                 VGPU_STUB_QUEUE_STRIDE);

    if (addr < VGPU_STUB_WIN_QUEUE) {
        return s->queue_count ? vgpu_device_read(s, addr, val)
                              : "reserved offset";
    }
    if (q && addr < VGPU_STUB_WIN_DOORBELL) {
        return vgpu_queue_read(q, addr % VGPU_STUB_QUEUE_STRIDE, val);
    }
    if (vgpu_queue_at(s, addr, VGPU_STUB_WIN_DOORBELL,
                      VGPU_STUB_DOORBELL_STRIDE)) {
        return "write-only register";
    }
    return "reserved offset";
}

const char *vgpu_queues_write(VGPUStubState *s, hwaddr addr, uint32_t val)
{
    VGPUQueue *q = vgpu_queue_at(s, addr, VGPU_STUB_WIN_QUEUE,
                                 VGPU_STUB_QUEUE_STRIDE);

    if (addr < VGPU_STUB_WIN_QUEUE) {
        return s->queue_count ? vgpu_device_write(s, addr, val)
                              : "reserved offset";
    }
    if (q && addr < VGPU_STUB_WIN_DOORBELL) {
        return vgpu_queue_write(q, addr % VGPU_STUB_QUEUE_STRIDE, val);
    }
    q = vgpu_queue_at(s, addr, VGPU_STUB_WIN_DOORBELL,
                      VGPU_STUB_DOORBELL_STRIDE);
    if (!q) {
        return "reserved offset";
    }
    vgpu_queue_kick(q);
    return NULL;
}

/* Life cycle */

static void vgpu_queues_abandon(VGPUStubState *s)
{
    /* wait for at most one of the worker's jobs */
    vgpu_worker_hold(s, true);
    for (uint32_t i = 0; i < s->queue_count; i++) {
        vgpu_queue_abandon(&s->queues[i]);
    }
    vgpu_worker_hold(s, false);
}

static void vgpu_queue_reset(VGPUQueue *q)
{
    vgpu_queue_disable(q);
    q->size = q->sq_lo = q->sq_hi = q->cq_lo = q->cq_hi = 0;
    q->index_lo = q->index_hi = 0;
    q->vector = VGPU_STUB_VECTOR_NONE;
}

/* After this, no work accesses memory, and all buffers are removed */
void vgpu_queues_reset(VGPUStubState *s)
{
    s->reset_wanted = s->serving;
    if (s->serving || !s->queues) {
        return;
    }
    vgpu_queues_abandon(s);
    vgpu_shared_reset(s);
    for (uint32_t i = 0; i < s->queue_count; i++) {
        vgpu_queue_reset(&s->queues[i]);
    }
    vgpu_buffers_forget(s);
    s->event_vector = VGPU_STUB_VECTOR_NONE;
    s->events = 0;
    s->signals = 0;
}

static bool vgpu_may_dma(VGPUStubState *s)
{
    PCIDevice *pci_dev = PCI_DEVICE(s);

    return !s->stopped &&
           vgpu_config_power_state(pci_dev) == VGPU_PM_D0 &&
           pci_get_word(pci_dev->config + PCI_COMMAND) & PCI_COMMAND_MASTER;
}

void vgpu_queues_kick(VGPUStubState *s)
{
    for (uint32_t i = 0; i < s->queue_count; i++) {
        vgpu_queue_kick(&s->queues[i]);
    }
}

/*
 * Pause or continue. A pause cancels commands in flight; they are restarted
 * from their entries, which the driver cannot reuse yet.
 */
void vgpu_queues_update(VGPUStubState *s)
{
    bool can_dma = vgpu_may_dma(s);

    if (s->serving || !s->queues || can_dma == s->can_dma) {
        return;
    }
    s->can_dma = can_dma;
    if (can_dma) {
        vgpu_queues_kick(s);
    } else {
        vgpu_queues_abandon(s);
    }
    vgpu_shared_update(s);
}

/* After migration, the device continues when the machine starts to run */
static void vgpu_run_state_changed(void *opaque, bool running, RunState state)
{
    VGPUStubState *s = opaque;

    if (state == RUN_STATE_SAVE_VM || state == RUN_STATE_RESTORE_VM ||
        state == RUN_STATE_FINISH_MIGRATE) {
        vgpu_shared_settle(s);
    }
    s->stopped = !running;
    vgpu_queues_update(s);
    vgpu_send_signals(s);
}

void vgpu_queues_realize(VGPUStubState *s)
{
    /* free what an earlier realize allocated */
    vgpu_queues_finalize(s);
    s->queues = g_new0(VGPUQueue, s->queue_count);
    for (uint32_t i = 0; i < s->queue_count; i++) {
        s->queues[i].s = s;
    }
    vgpu_host_init(s);
    s->bh = qemu_bh_new_guarded(vgpu_queues_run, s,
                                &DEVICE(s)->mem_reentrancy_guard);
    vgpu_worker_start(s);
    s->run_state = qdev_add_vm_change_state_handler(DEVICE(s),
                                                    vgpu_run_state_changed,
                                                    NULL, s);
    /* during incoming migration, guest memory is incomplete */
    s->stopped = runstate_check(RUN_STATE_INMIGRATE);
    vgpu_queues_reset(s);
    vgpu_mediator_realize(s);
}

/*
 * Keep the queues' memory until the device is finalized: a vCPU may be about to
 * access a register, and a queue being served may have caused the unplugging.
 */
void vgpu_queues_unrealize(VGPUStubState *s)
{
    qemu_del_vm_change_state_handler(s->run_state);
    s->stopped = true;
    vgpu_queues_update(s);
    vgpu_queues_reset(s);
    s->unrealize_wanted = s->serving;
    if (!s->serving) {
        vgpu_mediator_unrealize(s);
    }
}

void vgpu_queues_finalize(VGPUStubState *s)
{
    if (!s->queues) {
        return;
    }
    vgpu_worker_stop(s);
    qemu_bh_delete(s->bh);
    g_clear_pointer(&s->queues, g_free);
}
