/*
 * vgpu-stub: the queues' part of a migration stream, as it is written and read
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_VGPU_STUB_MIGRATION_H
#define HW_MISC_VGPU_STUB_MIGRATION_H

#include "vgpu-stub-internal.h"

/*
 * The contents of a stream, all of which is checked before any of it gets into
 * the device
 */
struct VGPUSavedQueue {
    uint32_t state, error, size, vector;
    uint64_t sq, cq, index;
    uint32_t sq_head, cq_tail;
    uint32_t initialized, cq_full;
};

struct VGPUSavedBuffer {
    uint32_t handle, access, count;
};

struct VGPUSaved {
    int32_t queue_count;
    int32_t buffer_count;
    int32_t segment_count;
    VGPUSavedQueue *queues;
    VGPUSavedBuffer *buffers;
    VGPUSegment *segments;      /* of all buffers, concatenated */
};

/* vgpu-stub-migration-load.c; false, and a message, if the stream is bad */
bool vgpu_saved_counts_valid(void *opaque, int version_id);
bool vgpu_load_all(VGPUStubState *s);

#endif
