/*
 * vgpu-stub: registered buffers and command set 1 on the shared path
 *
 * Buffers belong to the device, because they outlive a worker and migrate. So a
 * worker asks the device to execute REGISTER and UNREGISTER, and the device
 * tells it about every buffer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/memfd.h"
#include "vgpu-stub-mediator.h"

/* Buffers */

static int vgpu_segments_file(const VGPUBuffer *buffer)
{
    size_t size = buffer->count * sizeof(struct vgpu_stub_segment);
    struct vgpu_stub_segment *segments;
    Error *err = NULL;
    int fd = -1;
    void *map = qemu_memfd_alloc("vgpu-stub-buffer", size, 0, &fd, &err);

    if (!map) {
        error_report_err(err);
        return -1;
    }
    segments = map;
    for (uint32_t i = 0; i < buffer->count; i++) {
        segments[i] = (struct vgpu_stub_segment) {
            .addr = cpu_to_le64(buffer->segments[i].addr),
            .len = cpu_to_le32(buffer->segments[i].len),
        };
    }
    qemu_memfd_free(map, size, -1);
    return fd;
}

static bool vgpu_buffer_add(VGPUMediator *m, uint32_t handle)
{
    const VGPUBuffer *buffer = m->s->buffers.by_handle[handle];
    int fd = vgpu_segments_file(buffer);
    union message message = { .buffer_add = {
        .header.type = VGPU_MEDIATOR_BUFFER_ADD,
        .handle = handle,
        .access = buffer->access,
        .count = buffer->count,
        .bytes = buffer->len,
    } };

    if (fd < 0) {
        return false;
    }
    m->known[handle] = VGPU_BUFFER_KNOWN;
    vgpu_channel_request_fds(m, &message, sizeof(message.buffer_add), handle,
                             &fd, 1);
    close(fd);
    return true;
}

static void vgpu_buffer_remove(VGPUMediator *m, uint32_t handle)
{
    union message message = { .buffer_remove = {
        .header.type = VGPU_MEDIATOR_BUFFER_REMOVE,
        .handle = handle,
    } };

    if (m->known[handle] == VGPU_BUFFER_REMOVING) {
        return; /* its answer ends this one, too */
    }
    m->known[handle] = VGPU_BUFFER_REMOVING;
    vgpu_channel_request(m, &message, sizeof(message.buffer_remove), handle);
}

/* Whether nothing has to be sent for this handle, or could be */
static bool vgpu_buffer_send(VGPUMediator *m, uint32_t handle)
{
    const VGPUBuffer *buffer = m->s->buffers.by_handle[handle];
    bool is_wanted = buffer && !buffer->closing;

    switch (m->known[handle]) {
    case VGPU_BUFFER_UNKNOWN:
        if (!is_wanted) {
            return true;
        }
        if (!vgpu_shared_may_send(m)) {
            return false;
        }
        if (!vgpu_buffer_add(m, handle)) {
            vgpu_shared_refuse(m, "the device has no memory for a buffer");
        }
        return true;
    case VGPU_BUFFER_STALE:
        if (vgpu_shared_may_send(m)) {
            vgpu_buffer_remove(m, handle);
        }
        return !is_wanted;
    case VGPU_BUFFER_REMOVING:
        return !is_wanted;
    default:
        return true;
    }
}

/* Whether the worker has been told about all buffers, before a queue starts */
bool vgpu_buffers_send(VGPUMediator *m)
{
    bool complete = true;

    for (uint32_t handle = 0; handle < VGPU_STUB_BUFFERS_MAX; handle++) {
        complete = vgpu_buffer_send(m, handle) && complete;
    }
    return complete;
}

void vgpu_shared_forget_buffer(VGPUStubState *s, uint32_t handle)
{
    VGPUMediator *m = s->mediator;

    if (m && m->known[handle] == VGPU_BUFFER_KNOWN) {
        m->known[handle] = VGPU_BUFFER_STALE;
        vgpu_shared_update(s);
    }
}

/* EXECUTE */

static void vgpu_execute_answer(VGPUMediator *m, VGPUExecute *execute,
                                uint32_t status)
{
    union message message = { .execute_answer = {
        .header.type = VGPU_MEDIATOR_EXECUTE | VGPU_MEDIATOR_ANSWER,
        .status = status,
        .command_status = execute->is_known ? execute->status : 0,
        .result = execute->is_known ? execute->result : 0,
    } };
    uint32_t serial = execute->serial;

    execute->serial = 0;
    vgpu_channel_queue(m, &message, sizeof(message.execute_answer), serial);
}

static void vgpu_execute_set(VGPUExecute *execute, uint16_t status,
                             uint64_t result)
{
    execute->is_known = true;
    execute->status = status;
    execute->result = status == VGPU_STUB_OK ? result : 0;
}

/* Execute REGISTER, or begin UNREGISTER; the command is checked */
static void vgpu_execute_begin(VGPUMediator *m, VGPUExecute *execute,
                               VGPUCommand *command)
{
    VGPUStubState *s = m->s;
    uint16_t status;

    execute->handle = command->sqe.arg & UINT16_MAX;
    execute->removes = command->sqe.opcode == VGPU_STUB_OP_UNREGISTER;
    if (execute->removes) {
        s->buffers.by_handle[execute->handle]->closing = true;
        vgpu_buffer_remove(m, execute->handle);
        return;
    }
    status = vgpu_buffer_register(s, command, &execute->result);
    if (status == VGPU_STUB_OK) {
        if (vgpu_buffer_add(m, execute->handle)) {
            return;
        }
        vgpu_buffer_unregister(s, execute->handle);
        status = VGPU_STUB_ERR_SPACE;
    }
    vgpu_execute_set(execute, status, 0);
    vgpu_execute_answer(m, execute, VGPU_MEDIATOR_OK);
}

static void vgpu_execute(VGPUMediator *m, VGPUShared *shared)
{
    /* the device itself has none in flight */
    VGPUCommand *command = vgpu_queue_new_command(shared->q, 0);
    VGPUExecute *execute = &shared->execute;
    uint16_t status;

    command->sqe = m->in.execute.entry;
    status = vgpu_command_check(m->s, command);
    if (status == VGPU_STUB_OK) {
        vgpu_execute_begin(m, execute, command);
    } else {
        vgpu_execute_set(execute, status, 0);
        vgpu_execute_answer(m, execute, VGPU_MEDIATOR_OK);
    }
    vgpu_command_release(m->s, command);
}

void vgpu_execute_request(VGPUMediator *m)
{
    const struct vgpu_mediator_execute *request = &m->in.execute;
    VGPUShared *shared = &m->shared[request->queue];
    VGPUExecute *execute = &shared->execute;

    if (request->queue >= m->s->queue_count) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_VALUE, "no such queue");
        return;
    }
    if (m->is_resetting) {
        return;
    }
    if (shared->worker == VGPU_WORKER_NONE || execute->serial) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_STATE, "");
        return;
    }
    execute->serial = request->header.serial;
    if (execute->is_known && execute->number == request->number) {
        vgpu_execute_answer(m, execute, VGPU_MEDIATOR_OK);
        return;
    }
    execute->number = request->number;
    execute->is_known = false;
    if (shared->worker == VGPU_WORKER_STOPS || !m->s->can_dma) {
        vgpu_execute_answer(m, execute, VGPU_MEDIATOR_CANCELLED);
        return;
    }
    vgpu_execute(m, shared);
}

/* QUEUE_STOP was sent: an UNREGISTER that waits is not executed */
void vgpu_execute_cancel(VGPUShared *shared)
{
    VGPUMediator *m = shared->q->s->mediator;
    VGPUExecute *execute = &shared->execute;

    if (execute->serial && execute->removes) {
        m->s->buffers.by_handle[execute->handle]->closing = false;
        vgpu_execute_answer(m, execute, VGPU_MEDIATOR_CANCELLED);
    }
}

/* End the command that waits for an answer about its buffer */
static void vgpu_execute_end(VGPUMediator *m, VGPUExecute *execute, bool added)
{
    bool is_space = execute->removes || added;

    if (execute->removes || !added) {
        vgpu_buffer_unregister(m->s, execute->handle);
    }
    vgpu_execute_set(execute, is_space ? VGPU_STUB_OK : VGPU_STUB_ERR_SPACE,
                     execute->removes ? 0 : execute->result);
}

static VGPUExecute *vgpu_execute_of(VGPUMediator *m, uint32_t handle,
                                    bool removes)
{
    for (uint32_t i = 0; i < m->s->queue_count; i++) {
        VGPUExecute *execute = &m->shared[i].execute;

        if (execute->serial && execute->handle == handle &&
            execute->removes == removes) {
            return execute;
        }
    }
    return NULL;
}

/* The answer to BUFFER_ADD */
void vgpu_buffer_added(VGPUMediator *m)
{
    uint32_t handle = m->in_tag;
    bool added = m->in.answer.status == VGPU_MEDIATOR_OK;
    VGPUExecute *execute = vgpu_execute_of(m, handle, false);

    if (m->is_resetting) {
        return;
    }
    if (!added) {
        m->known[handle] = VGPU_BUFFER_UNKNOWN;
    }
    if (execute) {
        vgpu_execute_end(m, execute, added);
        vgpu_execute_answer(m, execute, VGPU_MEDIATOR_OK);
    } else if (!added) {
        vgpu_shared_refuse(m, "a buffer");
    }
    /* more buffers, or CANCELs, may wait for the answer */
    vgpu_shared_update(m->s);
}

/* The answer to BUFFER_REMOVE */
void vgpu_buffer_removed(VGPUMediator *m)
{
    uint32_t handle = m->in_tag;
    VGPUExecute *execute = vgpu_execute_of(m, handle, true);

    if (m->is_resetting) {
        return;
    }
    m->known[handle] = VGPU_BUFFER_UNKNOWN;
    if (execute) {
        vgpu_execute_end(m, execute, false);
        vgpu_execute_answer(m, execute, VGPU_MEDIATOR_OK);
    }
    vgpu_shared_update(m->s);
}

/* The worker has ended; the next one gets the outcome when it asks again */
void vgpu_execute_settle(VGPUMediator *m)
{
    for (uint32_t i = 0; i < m->s->queue_count; i++) {
        VGPUExecute *execute = &m->shared[i].execute;

        if (execute->serial) {
            vgpu_execute_end(m, execute, true);
            execute->serial = 0;
        }
    }
    memset(m->known, VGPU_BUFFER_UNKNOWN, sizeof(m->known));
}
