/*
 * vgpu-stub: checking the queues' part of a migration stream, and loading it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "vgpu-stub-migration.h"

/* Called before QEMU allocates memory according to the counts */
bool vgpu_saved_counts_valid(void *opaque, int version_id)
{
    VGPUStubState *s = opaque;
    const VGPUSaved *saved = s->saved;

    if (saved->queue_count != s->queue_count) {
        error_report("vgpu-stub: the stream has %d queues, this device has %u "
                     "(queues=)", saved->queue_count, s->queue_count);
        return false;
    }
    if (saved->buffer_count < 0 ||
        saved->buffer_count > VGPU_STUB_BUFFERS_MAX ||
        saved->segment_count < 0 ||
        saved->segment_count > VGPU_STUB_SEGMENTS_MAX) {
        error_report("vgpu-stub: the stream has %d buffers with %d segments, "
                     "the limits are %u and %u", saved->buffer_count,
                     saved->segment_count, VGPU_STUB_BUFFERS_MAX,
                     VGPU_STUB_SEGMENTS_MAX);
        return false;
    }
    return true;
}

static bool vgpu_load_queue(VGPUQueue *q, const VGPUSavedQueue *saved)
{
    uint32_t number = q - q->s->queues;

    if (saved->state != VGPU_STUB_QUEUE_DISABLED &&
        saved->state != VGPU_STUB_QUEUE_RUNNING &&
        saved->state != VGPU_STUB_QUEUE_ERROR) {
        error_report("vgpu-stub: the stream has queue %u in state %u, which "
                     "is never saved", number, saved->state);
        return false;
    }
    if ((saved->state == VGPU_STUB_QUEUE_ERROR) !=
        (saved->error != VGPU_STUB_QERR_NONE) ||
        saved->error > VGPU_STUB_QERR_BACKEND) {
        error_report("vgpu-stub: the stream has queue %u in state %u with "
                     "error %u, which is inconsistent", number,
                     saved->state, saved->error);
        return false;
    }
    q->state = saved->state;
    q->error = saved->error;
    q->size = saved->size;
    q->vector = saved->vector;
    q->sq_lo = saved->sq;
    q->sq_hi = saved->sq >> 32;
    q->cq_lo = saved->cq;
    q->cq_hi = saved->cq >> 32;
    q->index_lo = saved->index;
    q->index_hi = saved->index >> 32;
    if (q->state == VGPU_STUB_QUEUE_RUNNING && vgpu_queue_fault(q)) {
        error_report("vgpu-stub: the stream has queue %u running, but its "
                     "settings cause error %u", number,
                     vgpu_queue_fault(q));
        return false;
    }
    q->sq_head = q->sq_next = saved->sq_head;
    q->sq_tail = q->sq_published = saved->sq_head;
    q->cq_tail = q->completed = saved->cq_tail;
    /* as if full, so that CQ_HEAD is read before it is used */
    q->cq_head = q->cq_tail - q->size;
    q->initialized = saved->initialized;
    q->cq_full = saved->cq_full;
    vgpu_queue_kick(q);
    return true;
}

static bool vgpu_load_segments(VGPUBuffer *buffer, uint32_t handle,
                               const VGPUSegment *segments)
{
    for (uint32_t i = 0; i < buffer->count; i++) {
        uint64_t addr = segments[i].addr;
        uint32_t len = segments[i].len;

        if (!len || addr + (len - 1) < addr) {
            error_report("vgpu-stub: the stream has %u bytes at 0x%" PRIx64
                         " as a segment of buffer %u", len, addr, handle);
            return false;
        }
        vgpu_buffer_set_segment(buffer, i, addr, len);
    }
    return true;
}

static bool vgpu_load_buffer(VGPUStubState *s, const VGPUSavedBuffer *saved,
                             const VGPUSegment *segments, uint32_t left)
{
    VGPUBuffer *buffer;

    if (saved->handle >= VGPU_STUB_BUFFERS_MAX ||
        s->buffers.by_handle[saved->handle] ||
        !saved->access || saved->access > 3 || !saved->count ||
        saved->count > MIN(left, VGPU_STUB_BUFFER_SEGMENTS_MAX)) {
        error_report("vgpu-stub: the stream has buffer %u with access %u and "
                     "%u segments, which cannot be registered", saved->handle,
                     saved->access, saved->count);
        return false;
    }
    buffer = vgpu_buffer_new(saved->count, saved->access);
    if (!buffer) {
        error_report("vgpu-stub: no memory for the %u segments of buffer %u",
                     saved->count, saved->handle);
        return false;
    }
    if (!vgpu_load_segments(buffer, saved->handle, segments)) {
        vgpu_buffer_free(buffer);
        return false;
    }
    vgpu_buffers_insert(&s->buffers, saved->handle, buffer);
    return true;
}

static bool vgpu_load_buffers(VGPUStubState *s, const VGPUSaved *saved)
{
    const VGPUSegment *segments = saved->segments;
    uint32_t left = saved->segment_count;

    for (int32_t i = 0; i < saved->buffer_count; i++) {
        if (!vgpu_load_buffer(s, &saved->buffers[i], segments, left)) {
            return false;
        }
        segments += saved->buffers[i].count;
        left -= saved->buffers[i].count;
    }
    if (left) {
        error_report("vgpu-stub: the stream has %u segments that belong to no "
                     "buffer", left);
        return false;
    }
    return true;
}

bool vgpu_load_all(VGPUStubState *s)
{
    for (uint32_t i = 0; i < s->queue_count; i++) {
        if (!vgpu_load_queue(&s->queues[i], &s->saved->queues[i])) {
            return false;
        }
    }
    return vgpu_load_buffers(s, s->saved);
}
