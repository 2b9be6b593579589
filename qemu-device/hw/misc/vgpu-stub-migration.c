/*
 * vgpu-stub: the queues' part of a migration stream
 *
 * This is a subsection of the device's section; a device without queues has
 * none. It does not contain work in flight: a command that was not completed is
 * restarted from its entry.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "migration/vmstate.h"
#include "hw/pci/msix.h"
#include "vgpu-stub-migration.h"

static void vgpu_saved_free(VGPUSaved *saved)
{
    if (saved) {
        g_free(saved->queues);
        g_free(saved->buffers);
        g_free(saved->segments);
        g_free(saved);
    }
}

static void vgpu_save_queues(VGPUStubState *s, VGPUSaved *saved)
{
    saved->queue_count = s->queue_count;
    saved->queues = g_new0(VGPUSavedQueue, s->queue_count);
    for (uint32_t i = 0; i < s->queue_count; i++) {
        const VGPUQueue *q = &s->queues[i];

        saved->queues[i] = (VGPUSavedQueue) {
            .state = q->state, .error = q->error,
            .size = q->size, .vector = q->vector,
            .sq = vgpu_address(q->sq_lo, q->sq_hi),
            .cq = vgpu_address(q->cq_lo, q->cq_hi),
            .index = vgpu_address(q->index_lo, q->index_hi),
            .sq_head = q->sq_head, .cq_tail = q->cq_tail,
            .initialized = q->initialized, .cq_full = q->cq_full,
        };
    }
}

static void vgpu_save_buffers(VGPUStubState *s, VGPUSaved *saved)
{
    saved->buffers = g_new0(VGPUSavedBuffer, VGPU_STUB_BUFFERS_MAX);
    saved->segments = g_new0(VGPUSegment, s->buffers.segments);
    for (uint32_t handle = 0; handle < VGPU_STUB_BUFFERS_MAX; handle++) {
        const VGPUBuffer *buffer = s->buffers.by_handle[handle];

        if (!buffer) {
            continue;
        }
        saved->buffers[saved->buffer_count++] = (VGPUSavedBuffer) {
            .handle = handle, .access = buffer->access, .count = buffer->count,
        };
        memcpy(&saved->segments[saved->segment_count], buffer->segments,
               buffer->count * sizeof(VGPUSegment));
        saved->segment_count += buffer->count;
    }
}

static int vgpu_queues_pre_save(void *opaque)
{
    VGPUStubState *s = opaque;

    if (!vgpu_shared_is_settled(s)) {
        error_report("vgpu-stub: cannot save the queues: the mediator has not "
                     "stopped them yet; try again");
        return -EBUSY;
    }
    s->saved = g_new0(VGPUSaved, 1);
    vgpu_save_queues(s, s->saved);
    vgpu_save_buffers(s, s->saved);
    return 0;
}

static void vgpu_queues_post_save(void *opaque)
{
    VGPUStubState *s = opaque;

    g_clear_pointer(&s->saved, vgpu_saved_free);
}

static int vgpu_queues_pre_load(void *opaque)
{
    VGPUStubState *s = opaque;

    /* left over from a stream that ended early */
    g_clear_pointer(&s->saved, vgpu_saved_free);
    if (!vgpu_shared_is_settled(s)) {
        error_report("vgpu-stub: cannot load the queues: the mediator can "
                     "still access memory; try again");
        return -EBUSY;
    }
    s->saved = g_new0(VGPUSaved, 1);
    vgpu_queues_reset(s);
    return 0;
}

static int vgpu_queues_post_load(void *opaque, int version_id)
{
    VGPUStubState *s = opaque;
    bool loaded = vgpu_load_all(s);

    g_clear_pointer(&s->saved, vgpu_saved_free);
    if (!loaded) {
        vgpu_queues_reset(s);
        return -EINVAL;
    }
    s->event_vector &= 0xffff;
    s->events &= VGPU_STUB_EVENT_QUEUE_ERROR;
    s->loaded = true;
    vgpu_queues_update(s);
    vgpu_shared_update(s);
    return 0;
}

/* Hooks of the device's section, which contains the queues' subsection */

int vgpu_pre_load(void *opaque)
{
    VGPUStubState *s = opaque;

    s->loaded = false;
    return 0;
}

int vgpu_post_load(void *opaque, int version_id)
{
    VGPUStubState *s = opaque;

    if (s->queue_count && !s->loaded) {
        error_report("vgpu-stub: the stream has no queues, this device has %u "
                     "(queues=)", s->queue_count);
        return -EINVAL;
    }
    return 0;
}

static bool vgpu_queues_needed(void *opaque)
{
    VGPUStubState *s = opaque;

    return s->queue_count;
}

static const VMStateDescription vmstate_vgpu_saved_queue = {
    .name = "vgpu-stub/queue",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (VMStateField[]) {
        VMSTATE_UINT32(state, VGPUSavedQueue),
        VMSTATE_UINT32(error, VGPUSavedQueue),
        VMSTATE_UINT32(size, VGPUSavedQueue),
        VMSTATE_UINT32(vector, VGPUSavedQueue),
        VMSTATE_UINT64(sq, VGPUSavedQueue),
        VMSTATE_UINT64(cq, VGPUSavedQueue),
        VMSTATE_UINT64(index, VGPUSavedQueue),
        VMSTATE_UINT32(sq_head, VGPUSavedQueue),
        VMSTATE_UINT32(cq_tail, VGPUSavedQueue),
        VMSTATE_UINT32(initialized, VGPUSavedQueue),
        VMSTATE_UINT32(cq_full, VGPUSavedQueue),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_vgpu_saved_buffer = {
    .name = "vgpu-stub/buffer",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (VMStateField[]) {
        VMSTATE_UINT32(handle, VGPUSavedBuffer),
        VMSTATE_UINT32(access, VGPUSavedBuffer),
        VMSTATE_UINT32(count, VGPUSavedBuffer),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_vgpu_saved_segment = {
    .name = "vgpu-stub/segment",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (VMStateField[]) {
        VMSTATE_UINT64(addr, VGPUSegment),
        VMSTATE_UINT32(len, VGPUSegment),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_vgpu_saved = {
    .name = "vgpu-stub/saved",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (VMStateField[]) {
        VMSTATE_STRUCT_VARRAY_ALLOC(queues, VGPUSaved, queue_count, 0,
                                    vmstate_vgpu_saved_queue, VGPUSavedQueue),
        VMSTATE_STRUCT_VARRAY_ALLOC(buffers, VGPUSaved, buffer_count, 0,
                                    vmstate_vgpu_saved_buffer,
                                    VGPUSavedBuffer),
        VMSTATE_STRUCT_VARRAY_ALLOC(segments, VGPUSaved, segment_count, 0,
                                    vmstate_vgpu_saved_segment, VGPUSegment),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_vgpu_saved_counts = {
    .name = "vgpu-stub/counts",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (VMStateField[]) {
        VMSTATE_INT32(queue_count, VGPUSaved),
        VMSTATE_INT32(buffer_count, VGPUSaved),
        VMSTATE_INT32(segment_count, VGPUSaved),
        VMSTATE_END_OF_LIST()
    }
};

const VMStateDescription vmstate_vgpu_queues = {
    .name = "vgpu-stub/queues",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = vgpu_queues_needed,
    .pre_save = vgpu_queues_pre_save,
    .post_save = vgpu_queues_post_save,
    .pre_load = vgpu_queues_pre_load,
    .post_load = vgpu_queues_post_load,
    .fields = (VMStateField[]) {
        VMSTATE_STRUCT_POINTER(saved, VGPUStubState, vmstate_vgpu_saved_counts,
                               VGPUSaved),
        VMSTATE_VALIDATE("counts", vgpu_saved_counts_valid),
        VMSTATE_STRUCT_POINTER(saved, VGPUStubState, vmstate_vgpu_saved,
                               VGPUSaved),
        VMSTATE_UINT32(event_vector, VGPUStubState),
        VMSTATE_UINT32(events, VGPUStubState),
        VMSTATE_MSIX(parent_obj, VGPUStubState),
        VMSTATE_END_OF_LIST()
    }
};
