/*
 * vgpu-stub: registered buffers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "vgpu-stub-internal.h"

/* Segments must be set in order */
void vgpu_buffer_set_segment(VGPUBuffer *buffer, uint32_t i, uint64_t addr,
                             uint32_t len)
{
    buffer->segments[i] = (VGPUSegment) {
        .addr = addr, .len = len, .start = buffer->len,
    };
    buffer->len += len;
}

/*
 * The command is checked: the handle is free, the count within the limits.
 * Returns a status; @len is the buffer's length.
 */
uint16_t vgpu_buffer_register(VGPUStubState *s, VGPUCommand *command,
                              uint64_t *len)
{
    uint32_t count = command->sqe.out.len / sizeof(struct vgpu_stub_segment);
    VGPUBuffer *buffer = vgpu_buffer_new(count, command->sqe.arg >> 32);
    uint16_t status;

    if (!buffer) {
        return VGPU_STUB_ERR_SPACE;
    }
    status = vgpu_data_read_segments(&s->host, &command->out, count,
                                     buffer->segments, &buffer->len);
    if (status != VGPU_STUB_OK) {
        vgpu_buffer_free(buffer);
        return status;
    }
    vgpu_buffers_insert(&s->buffers, command->sqe.arg & UINT16_MAX, buffer);
    *len = buffer->len;
    return VGPU_STUB_OK;
}

void vgpu_buffer_unregister(VGPUStubState *s, uint32_t handle)
{
    vgpu_shared_forget_buffer(s, handle);
    vgpu_buffers_remove(&s->buffers, handle);
}

/* No command may be in flight */
void vgpu_buffers_forget(VGPUStubState *s)
{
    for (uint32_t i = 0; i < VGPU_STUB_BUFFERS_MAX; i++) {
        if (s->buffers.by_handle[i]) {
            vgpu_buffer_unregister(s, i);
        }
    }
}
