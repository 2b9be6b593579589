/*
 * vgpu-stub: segment lists and registered buffers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "vgpu-stub-internal.h"

static bool vgpu_segment_valid(const struct vgpu_stub_segment *segment)
{
    uint64_t addr = le64_to_cpu(segment->addr);
    uint32_t len = le32_to_cpu(segment->len);

    return len && !segment->reserved && addr + (len - 1) >= addr;
}

/* Read many at a time, because each access looks up the memory map */
#define VGPU_SEGMENTS_AT_ONCE   64

/* Read @count segments, and set @len to their total length */
uint16_t vgpu_read_segments(VGPUStubState *s, VGPUData *from, uint32_t count,
                            VGPUSegment *segments, uint64_t *len)
{
    struct vgpu_stub_segment raw[VGPU_SEGMENTS_AT_ONCE];
    bool valid = true;

    *len = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = i % VGPU_SEGMENTS_AT_ONCE;
        size_t size = MIN(count - i, VGPU_SEGMENTS_AT_ONCE) * sizeof(raw[0]);

        if (!n && !vgpu_data_read(s, from, raw, size)) {
            return VGPU_STUB_ERR_DMA;
        }
        valid = valid && vgpu_segment_valid(&raw[n]);
        segments[i] = (VGPUSegment) {
            .addr = le64_to_cpu(raw[n].addr),
            .len = le32_to_cpu(raw[n].len),
            .start = *len,
        };
        *len += segments[i].len;
    }
    return valid ? VGPU_STUB_OK : VGPU_STUB_ERR_LIST;
}

VGPUBuffer *vgpu_buffer_find(VGPUStubState *s, uint32_t handle)
{
    VGPUBuffer *buffer = handle < VGPU_STUB_BUFFERS_MAX ? s->buffers[handle]
                                                        : NULL;

    return buffer && !buffer->closing ? buffer : NULL;
}

/* NULL if there is not enough memory, as the guest chooses the size */
VGPUBuffer *vgpu_buffer_new(uint32_t count, uint32_t access)
{
    VGPUSegment *segments = g_try_new0(VGPUSegment, count);
    VGPUBuffer *buffer;

    if (!segments) {
        return NULL;
    }
    buffer = g_new0(VGPUBuffer, 1);
    buffer->segments = segments;
    buffer->count = count;
    buffer->access = access;
    return buffer;
}

void vgpu_buffer_free(VGPUBuffer *buffer)
{
    g_free(buffer->segments);
    g_free(buffer);
}

/* Segments must be set in order */
void vgpu_buffer_set_segment(VGPUBuffer *buffer, uint32_t i, uint64_t addr,
                             uint32_t len)
{
    buffer->segments[i] = (VGPUSegment) {
        .addr = addr, .len = len, .start = buffer->len,
    };
    buffer->len += len;
}

/* The handle must be free */
void vgpu_buffer_insert(VGPUStubState *s, uint32_t handle, VGPUBuffer *buffer)
{
    s->buffers[handle] = buffer;
    s->segment_count += buffer->count;
}

/* The command is checked: the handle is free, the count within the limits */
uint16_t vgpu_buffer_register(VGPUStubState *s, VGPUCommand *command)
{
    uint32_t count = command->sqe.out.len / sizeof(struct vgpu_stub_segment);
    VGPUBuffer *buffer = vgpu_buffer_new(count, command->sqe.arg >> 32);
    uint16_t status;

    if (!buffer) {
        return VGPU_STUB_ERR_SPACE;
    }
    status = vgpu_read_segments(s, &command->out, count, buffer->segments,
                                &buffer->len);
    if (status != VGPU_STUB_OK) {
        vgpu_buffer_free(buffer);
        return status;
    }
    vgpu_buffer_insert(s, command->sqe.arg & UINT16_MAX, buffer);
    command->done = buffer->len;
    return VGPU_STUB_OK;
}

void vgpu_buffer_unregister(VGPUStubState *s, uint32_t handle)
{
    VGPUBuffer *buffer = s->buffers[handle];

    vgpu_shared_forget_buffer(s, handle);
    s->buffers[handle] = NULL;
    s->segment_count -= buffer->count;
    vgpu_buffer_free(buffer);
}

/* No command may be in flight */
void vgpu_buffers_forget(VGPUStubState *s)
{
    for (uint32_t i = 0; i < VGPU_STUB_BUFFERS_MAX; i++) {
        if (s->buffers[i]) {
            vgpu_buffer_unregister(s, i);
        }
    }
}
