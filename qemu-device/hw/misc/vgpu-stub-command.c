/*
 * vgpu-stub: checks of commands
 *
 * The checks follow the order of the table of statuses in
 * docs/specs/vgpu-stub.rst; each is made for OUT before IN.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "vgpu-stub-internal.h"

typedef struct VGPUOperation {
    uint16_t opcode;
    uint64_t arg_mask;          /* allowed bits of ARG */
    bool out, in;               /* has data */
} VGPUOperation;

static const VGPUOperation vgpu_operations[] = {
    { VGPU_STUB_OP_NOP },
    { VGPU_STUB_OP_COPY, 0, true, true },
    { VGPU_STUB_OP_FILL, UINT64_MAX, false, true },
    { VGPU_STUB_OP_CRC32C, UINT32_MAX, true, false },
    { VGPU_STUB_OP_REGISTER,
      UINT16_MAX | VGPU_STUB_BUFFER_READ | VGPU_STUB_BUFFER_WRITE,
      true, false },
    { VGPU_STUB_OP_UNREGISTER, UINT16_MAX },
};

static const VGPUOperation *vgpu_operation(const VGPUCommand *command)
{
    for (size_t i = 0; i < ARRAY_SIZE(vgpu_operations); i++) {
        if (vgpu_operations[i].opcode == command->sqe.opcode) {
            return &vgpu_operations[i];
        }
    }
    return NULL;
}

/* A check of a descriptor; returns 0 or an error status */
typedef uint16_t VGPUDescCheck(VGPUStubState *s, VGPUCommand *command,
                               const struct vgpu_stub_desc *desc,
                               VGPUData *data);

static uint16_t vgpu_check_reserved(VGPUStubState *s, VGPUCommand *command,
                                    const struct vgpu_stub_desc *desc,
                                    VGPUData *data)
{
    bool none = desc->type == VGPU_STUB_DESC_NONE;
    bool no_addr = none || desc->type == VGPU_STUB_DESC_INLINE;
    bool no_number = no_addr || desc->type == VGPU_STUB_DESC_DIRECT;

    if (desc->reserved || (no_addr && desc->addr) ||
        (no_number && desc->number) || (none && desc->len)) {
        return VGPU_STUB_ERR_RESERVED;
    }
    return VGPU_STUB_OK;
}

static uint16_t vgpu_check_type(VGPUStubState *s, VGPUCommand *command,
                                const struct vgpu_stub_desc *desc,
                                VGPUData *data)
{
    bool is_out = desc == &command->sqe.out;
    const VGPUOperation *op = vgpu_operation(command);
    bool has_data = is_out ? op->out : op->in;

    if (has_data == (desc->type == VGPU_STUB_DESC_NONE) ||
        desc->type > VGPU_STUB_DESC_INLINE) {
        return VGPU_STUB_ERR_DESC;
    }
    if (desc->type == VGPU_STUB_DESC_INLINE && !is_out) {
        return VGPU_STUB_ERR_DESC;
    }
    if (desc->type == VGPU_STUB_DESC_BUFFER &&
        command->sqe.opcode == VGPU_STUB_OP_REGISTER) {
        return VGPU_STUB_ERR_DESC;
    }
    return VGPU_STUB_OK;
}

static uint16_t vgpu_check_length(VGPUStubState *s, VGPUCommand *command,
                                  const struct vgpu_stub_desc *desc,
                                  VGPUData *data)
{
    const struct vgpu_stub_sqe *sqe = &command->sqe;

    if (desc->type == VGPU_STUB_DESC_NONE) {
        return VGPU_STUB_OK;
    }
    if (!desc->len || desc->len > VGPU_STUB_TRANSFER_MAX ||
        (desc->type == VGPU_STUB_DESC_INLINE &&
         desc->len > VGPU_STUB_INLINE_MAX) ||
        (desc->type == VGPU_STUB_DESC_DIRECT &&
         desc->addr + (desc->len - 1) < desc->addr)) {
        return VGPU_STUB_ERR_LENGTH;
    }
    if (sqe->opcode == VGPU_STUB_OP_COPY && sqe->out.len != sqe->in.len) {
        return VGPU_STUB_ERR_LENGTH;
    }
    if (sqe->opcode == VGPU_STUB_OP_REGISTER &&
        desc->len % sizeof(struct vgpu_stub_segment)) {
        return VGPU_STUB_ERR_LENGTH;
    }
    return VGPU_STUB_OK;
}

static uint16_t vgpu_check_list(VGPUStubState *s, VGPUCommand *command,
                                const struct vgpu_stub_desc *desc,
                                VGPUData *data)
{
    uint64_t size = desc->number * sizeof(struct vgpu_stub_segment);

    if (desc->type != VGPU_STUB_DESC_LIST) {
        return VGPU_STUB_OK;
    }
    if (!desc->number || desc->number > VGPU_STUB_LIST_MAX ||
        desc->addr % sizeof(uint64_t) || desc->addr + (size - 1) < desc->addr) {
        return VGPU_STUB_ERR_LIST;
    }
    return VGPU_STUB_OK;
}

static uint16_t vgpu_check_handle(VGPUStubState *s, VGPUCommand *command,
                                  const struct vgpu_stub_desc *desc,
                                  VGPUData *data)
{
    if (desc->type == VGPU_STUB_DESC_BUFFER &&
        !vgpu_buffer_find(s, desc->number)) {
        return VGPU_STUB_ERR_HANDLE;
    }
    return VGPU_STUB_OK;
}

static uint16_t vgpu_check_bounds(VGPUStubState *s, VGPUCommand *command,
                                  const struct vgpu_stub_desc *desc,
                                  VGPUData *data)
{
    VGPUBuffer *buffer;

    if (desc->type != VGPU_STUB_DESC_BUFFER) {
        return VGPU_STUB_OK;
    }
    buffer = vgpu_buffer_find(s, desc->number);
    if (desc->addr > buffer->len || desc->len > buffer->len - desc->addr) {
        return VGPU_STUB_ERR_BOUNDS;
    }
    return VGPU_STUB_OK;
}

static uint16_t vgpu_check_access(VGPUStubState *s, VGPUCommand *command,
                                  const struct vgpu_stub_desc *desc,
                                  VGPUData *data)
{
    uint64_t wanted = desc == &command->sqe.out ? VGPU_STUB_BUFFER_READ
                                                : VGPU_STUB_BUFFER_WRITE;

    if (desc->type == VGPU_STUB_DESC_BUFFER &&
        !(vgpu_buffer_find(s, desc->number)->access & (wanted >> 32))) {
        return VGPU_STUB_ERR_ACCESS;
    }
    return VGPU_STUB_OK;
}

/* The segment with the byte at @offset */
static const VGPUSegment *vgpu_buffer_segment(const VGPUBuffer *buffer,
                                              uint64_t offset)
{
    uint32_t low = 0, high = buffer->count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (buffer->segments[middle].start <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &buffer->segments[low];
}

static void vgpu_open_direct(VGPUData *data, uint64_t addr, uint32_t len)
{
    data->direct = (VGPUSegment) { .addr = addr, .len = len };
    data->segment = &data->direct;
    data->offset = 0;
    data->left = len;
}

static uint16_t vgpu_open_list(VGPUStubState *s, VGPUData *data,
                               const struct vgpu_stub_desc *desc)
{
    VGPUData array = {};
    uint16_t status;
    uint64_t len;

    vgpu_open_direct(&array, desc->addr,
                     desc->number * sizeof(struct vgpu_stub_segment));
    data->list = g_new0(VGPUSegment, desc->number);
    data->list_count = desc->number;
    status = vgpu_read_segments(s, &array, desc->number, data->list, &len);
    if (status == VGPU_STUB_OK && len != desc->len) {
        status = VGPU_STUB_ERR_LIST;
    }
    data->segment = data->list;
    data->left = desc->len;
    return status;
}

static void vgpu_open_buffer(VGPUStubState *s, VGPUData *data,
                             const struct vgpu_stub_desc *desc)
{
    data->buffer = vgpu_buffer_find(s, desc->number);
    data->buffer->users++;
    data->segment = vgpu_buffer_segment(data->buffer, desc->addr);
    data->offset = desc->addr - data->segment->start;
    data->left = desc->len;
}

static uint16_t vgpu_open(VGPUStubState *s, VGPUCommand *command,
                          const struct vgpu_stub_desc *desc, VGPUData *data)
{
    switch (desc->type) {
    case VGPU_STUB_DESC_DIRECT:
        vgpu_open_direct(data, desc->addr, desc->len);
        break;
    case VGPU_STUB_DESC_LIST:
        return vgpu_open_list(s, data, desc);
    case VGPU_STUB_DESC_BUFFER:
        vgpu_open_buffer(s, data, desc);
        break;
    case VGPU_STUB_DESC_INLINE:
        data->bytes = command->sqe.data;
        data->left = desc->len;
        break;
    }
    return VGPU_STUB_OK;
}

/* Checks of the whole entry */

static uint16_t vgpu_check_arg(VGPUCommand *command)
{
    uint64_t arg = command->sqe.arg;

    if (arg & ~vgpu_operation(command)->arg_mask) {
        return VGPU_STUB_ERR_ARG;
    }
    if (command->sqe.opcode == VGPU_STUB_OP_REGISTER &&
        (!(arg >> 32) || (arg & UINT16_MAX) >= VGPU_STUB_BUFFERS_MAX)) {
        return VGPU_STUB_ERR_ARG;
    }
    return VGPU_STUB_OK;
}

static uint16_t vgpu_check_handle_arg(VGPUStubState *s, VGPUCommand *command)
{
    uint32_t handle = command->sqe.arg & UINT16_MAX;

    if ((command->sqe.opcode == VGPU_STUB_OP_REGISTER && s->buffers[handle]) ||
        (command->sqe.opcode == VGPU_STUB_OP_UNREGISTER &&
         !vgpu_buffer_find(s, handle))) {
        return VGPU_STUB_ERR_HANDLE;
    }
    return VGPU_STUB_OK;
}

static bool vgpu_ranges_share(uint64_t a, uint32_t a_len, uint64_t b,
                              uint32_t b_len)
{
    return a < b ? b - a < a_len : a - b < b_len;
}

/* DESC_DIRECT and DESC_LIST */
static bool vgpu_segments_share(const VGPUData *a, const VGPUData *b)
{
    uint32_t a_count = a->list ? a->list_count : 1;
    uint32_t b_count = b->list ? b->list_count : 1;

    for (uint32_t i = 0; i < a_count; i++) {
        for (uint32_t j = 0; j < b_count; j++) {
            if (vgpu_ranges_share(a->segment[i].addr, a->segment[i].len,
                                  b->segment[j].addr, b->segment[j].len)) {
                return true;
            }
        }
    }
    return false;
}

static uint16_t vgpu_check_overlap(VGPUCommand *command)
{
    const struct vgpu_stub_sqe *sqe = &command->sqe;
    bool share;

    if (sqe->opcode != VGPU_STUB_OP_COPY || command->out.bytes) {
        return VGPU_STUB_OK;
    }
    if (command->out.buffer || command->in.buffer) {
        share = command->out.buffer == command->in.buffer &&
                vgpu_ranges_share(sqe->out.addr, sqe->out.len,
                                  sqe->in.addr, sqe->in.len);
    } else {
        share = vgpu_segments_share(&command->out, &command->in);
    }
    return share ? VGPU_STUB_ERR_OVERLAP : VGPU_STUB_OK;
}

static uint16_t vgpu_check_space(VGPUStubState *s, VGPUCommand *command)
{
    uint32_t count = command->sqe.out.len / sizeof(struct vgpu_stub_segment);

    if (command->sqe.opcode == VGPU_STUB_OP_REGISTER &&
        (count > VGPU_STUB_BUFFER_SEGMENTS_MAX ||
         count > VGPU_STUB_SEGMENTS_MAX - s->segment_count)) {
        return VGPU_STUB_ERR_SPACE;
    }
    return VGPU_STUB_OK;
}

static uint16_t vgpu_check_entry(VGPUCommand *command)
{
    if (!vgpu_operation(command)) {
        return VGPU_STUB_ERR_OPCODE;
    }
    if (command->sqe.flags & ~VGPU_STUB_SQE_FLAGS) {
        return VGPU_STUB_ERR_FLAGS;
    }
    return VGPU_STUB_OK;
}

static uint16_t vgpu_check_descs(VGPUStubState *s, VGPUCommand *command,
                                 VGPUDescCheck *const *checks, size_t count)
{
    uint16_t status = VGPU_STUB_OK;

    for (size_t i = 0; i < count && status == VGPU_STUB_OK; i++) {
        status = checks[i](s, command, &command->sqe.out, &command->out);
        if (status == VGPU_STUB_OK) {
            status = checks[i](s, command, &command->sqe.in, &command->in);
        }
    }
    return status;
}

/*
 * Check a command and open its data. The caller must release the command,
 * whatever the status.
 */
uint16_t vgpu_command_check(VGPUStubState *s, VGPUCommand *command)
{
    static VGPUDescCheck *const before_arg[] = { vgpu_check_reserved };
    static VGPUDescCheck *const before_handle[] = {
        vgpu_check_type, vgpu_check_length, vgpu_check_list,
    };
    static VGPUDescCheck *const after_handle[] = {
        vgpu_check_handle, vgpu_check_bounds, vgpu_check_access, vgpu_open,
    };
    uint16_t status = vgpu_check_entry(command);

    status = status ?: vgpu_check_descs(s, command, before_arg,
                                        ARRAY_SIZE(before_arg));
    status = status ?: vgpu_check_arg(command);
    status = status ?: vgpu_check_descs(s, command, before_handle,
                                        ARRAY_SIZE(before_handle));
    status = status ?: vgpu_check_handle_arg(s, command);
    status = status ?: vgpu_check_descs(s, command, after_handle,
                                        ARRAY_SIZE(after_handle));
    status = status ?: vgpu_check_overlap(command);
    return status ?: vgpu_check_space(s, command);
}

static void vgpu_data_release(VGPUStubState *s, VGPUData *data)
{
    g_free(data->list);
    if (data->buffer && --data->buffer->users == 0 && data->buffer->closing) {
        qemu_bh_schedule(s->bh);
    }
    memset(data, 0, sizeof(*data));
}

void vgpu_command_release(VGPUStubState *s, VGPUCommand *command)
{
    vgpu_data_release(s, &command->out);
    vgpu_data_release(s, &command->in);
}
