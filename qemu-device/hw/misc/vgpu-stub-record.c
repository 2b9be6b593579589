/*
 * vgpu-stub: the in-flight record of a queue, and its recovery by the device
 *
 * A worker may store anything in the record. It is sealed against shrinking,
 * every field is copied before it is checked, and every index is used modulo
 * the size of the queue.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <sys/mman.h>
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/error-report.h"
#include "qemu/memfd.h"
#include "vgpu-stub-mediator.h"

#define SEALS   (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Create a record with the device's indices; false if that is not possible */
bool vgpu_record_create(VGPUShared *shared)
{
    const VGPUQueue *q = shared->q;
    size_t size = sizeof(*shared->record) +
                  q->size * sizeof(struct vgpu_mediator_slot);
    Error *err = NULL;
    int fd = qemu_memfd_create("vgpu-stub-record", size, false, 0, SEALS, &err);
    void *record = MAP_FAILED;

    if (fd < 0) {
        error_report_err(err);
        return false;
    }
    record = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (record == MAP_FAILED) {
        close(fd);
        return false;
    }
    shared->record_fd = fd;
    shared->record_size = size;
    shared->record = record;
    shared->record->version = cpu_to_le32(VGPU_MEDIATOR_VERSION);
    shared->record->size = cpu_to_le32(q->size);
    shared->record->sq_head = cpu_to_le32(q->sq_head);
    shared->record->cq_tail = cpu_to_le32(q->cq_tail);
    return true;
}

void vgpu_record_drop(VGPUShared *shared)
{
    if (shared->record) {
        munmap(shared->record, shared->record_size);
        close(shared->record_fd);
        shared->record = NULL;
    }
}

/* Indices */

/* From now on, the device serves the queue; the record is not needed */
void vgpu_record_take_indices(VGPUShared *shared, uint32_t sq_head,
                              uint32_t cq_tail)
{
    VGPUQueue *q = shared->q;

    vgpu_record_drop(shared);
    q->sq_head = q->sq_next = q->sq_tail = q->sq_published = sq_head;
    q->cq_tail = q->completed = cq_tail;
    /* as if full, so that CQ_HEAD is read and FLAGS is written */
    q->cq_head = q->cq_tail - q->size;
    q->cq_full = true;
    shared->is_unchecked = true;
}

/*
 * Compare the indices that a worker has reported with the driver's, as soon as
 * the device may read memory; false if the queue has failed
 */
bool vgpu_record_check_indices(VGPUShared *shared)
{
    VGPUQueue *q = shared->q;
    uint64_t index = vgpu_address(q->index_lo, q->index_hi);
    uint32_t sq_tail, cq_head;

    if (!shared->is_unchecked || !q->s->can_dma) {
        return true;
    }
    shared->is_unchecked = false;
    if (!vgpu_dma_read_le32(q->s, index + offsetof(struct vgpu_stub_index,
                                                   sq_tail), &sq_tail) ||
        !vgpu_dma_read_le32(q->s, index + offsetof(struct vgpu_stub_index,
                                                   cq_head), &cq_head)) {
        vgpu_queue_fail(q, VGPU_STUB_QERR_DMA);
        return false;
    }
    if (sq_tail - q->sq_head > q->size || q->cq_tail - cq_head > q->size) {
        vgpu_queue_fail(q, VGPU_STUB_QERR_BACKEND);
        return false;
    }
    return true;
}

/* Recovery */

static struct vgpu_mediator_slot *vgpu_slot(const VGPUShared *shared,
                                            uint32_t i)
{
    struct vgpu_mediator_slot *slots = (void *)(shared->record + 1);

    return &slots[i % shared->q->size];
}

/* The state of command @i; a slot that holds another one is free for it */
static uint32_t vgpu_slot_state(const VGPUShared *shared, uint32_t i)
{
    uint64_t word = ldq_le_p(&vgpu_slot(shared, i)->word);

    return (uint32_t)word == i ? word >> 32 : VGPU_MEDIATOR_SLOT_FREE;
}

static bool vgpu_write_completion(VGPUQueue *q, uint32_t index, uint32_t id,
                                  uint16_t status, uint64_t result)
{
    struct vgpu_stub_cqe cqe = {
        .id = cpu_to_le32(id), .status = cpu_to_le16(status),
        .result = cpu_to_le64(result),
    };

    return vgpu_dma_write(q->s, vgpu_address(q->cq_lo, q->cq_hi) +
                                index % q->size * sizeof(cqe),
                          &cqe, sizeof(cqe));
}

/* A completion from CQ_TAIL of the record on was perhaps not written */
static bool vgpu_recover_done(VGPUShared *shared, uint32_t i, uint32_t written,
                              uint32_t *tail)
{
    const struct vgpu_mediator_slot *slot = vgpu_slot(shared, i);
    uint32_t index = ldl_le_p(&slot->cq_index);

    if (index - written >= shared->q->size) {
        return true;
    }
    if (index - written >= *tail - written) {
        *tail = index + 1;
    }
    return vgpu_write_completion(shared->q, index, ldl_le_p(&slot->entry.id),
                                 lduw_le_p(&slot->status),
                                 ldq_le_p(&slot->result));
}

/* The number of commands that were started; -1 if the record is not usable */
static int64_t vgpu_recover_read(VGPUShared *shared, uint32_t head,
                                 uint32_t *tail)
{
    uint32_t written = *tail;
    uint32_t n = 0;
    uint32_t state;

    while (n < shared->q->size && (state = vgpu_slot_state(shared, head + n))) {
        if (state > VGPU_MEDIATOR_SLOT_QUIET) {
            return -1;
        }
        if (state == VGPU_MEDIATOR_SLOT_DONE &&
            !vgpu_recover_done(shared, head + n, written, tail)) {
            return -1;
        }
        n++;
    }
    return n;
}

/* The entry in host order; set 1 is the device's */
static bool vgpu_copy_set_1(const VGPUShared *shared, uint32_t i,
                            struct vgpu_stub_sqe *sqe)
{
    *sqe = vgpu_slot(shared, i)->entry;
    vgpu_sqe_to_host(sqe);
    return sqe->opcode >> 8 == VGPU_STUB_SET_BUFFER;
}

/* Whether the device has executed the command for a worker that has ended */
static bool vgpu_is_executed(const VGPUShared *shared, uint32_t i)
{
    return shared->execute.is_known && shared->execute.number == i;
}

/* Set 0 is replayable, but not while the mediator is away */
static bool vgpu_can_restart(const VGPUShared *shared, uint32_t i)
{
    struct vgpu_stub_sqe sqe;

    if (vgpu_copy_set_1(shared, i, &sqe)) {
        return !vgpu_is_executed(shared, i);
    }
    return vgpu_back_end(shared->q->s) != VGPU_BACK_END_AWAY &&
           lduw_le_p(&vgpu_slot(shared, i)->attempts) <
           VGPU_MEDIATOR_ATTEMPTS_MAX;
}

/* Whether the command is complete; if not, it has to be cancelled */
static bool vgpu_recover_command(VGPUStubState *s, VGPUCommand *command,
                                 int64_t deadline)
{
    if (command->sqe.opcode >> 8 != VGPU_STUB_SET_BUFFER) {
        return vgpu_command_execute_now(s, command, deadline);
    }
    /* UNREGISTER of a buffer that a command uses: nothing can wait for it */
    return vgpu_command_start(s, command) == VGPU_DONE;
}

/* Execute a command that no worker has, and return its status */
static uint16_t vgpu_recover_execute(VGPUQueue *q,
                                     const struct vgpu_stub_sqe *sqe,
                                     int64_t deadline)
{
    VGPUCommand *command = vgpu_queue_new_command(q, 0);

    command->sqe = *sqe;
    command->is_started = true;
    if (vgpu_recover_command(q->s, command, deadline)) {
        vgpu_command_release(q->s, command);
        return command->status;
    }
    vgpu_command_cancel(q->s, command);
    return VGPU_STUB_ERR_BACKEND;
}

static bool vgpu_recover_started(VGPUShared *shared, uint32_t i, uint32_t *tail,
                                 int64_t deadline)
{
    VGPUQueue *q = shared->q;
    struct vgpu_stub_sqe sqe;
    uint16_t status = VGPU_STUB_ERR_BACKEND;
    uint64_t result = 0;

    if (vgpu_copy_set_1(shared, i, &sqe) && vgpu_is_executed(shared, i)) {
        status = shared->execute.status;
        result = shared->execute.result;
    } else if (vgpu_can_restart(shared, i) && vgpu_now() < deadline) {
        status = vgpu_recover_execute(q, &sqe, deadline);
        result = vgpu_queue_command(q, 0)->result;
    }
    if (status == VGPU_STUB_OK && sqe.flags & VGPU_STUB_SQE_QUIET) {
        return true;
    }
    return vgpu_write_completion(q, (*tail)++, sqe.id, status, result);
}

static bool vgpu_recover_slots(VGPUShared *shared, uint32_t *head,
                               uint32_t *tail, int64_t deadline)
{
    int64_t started = vgpu_recover_read(shared, *head, tail);
    uint32_t end = *head + started;

    if (started < 0) {
        return false;
    }
    /* the last ones are fetched again, and those that others follow are not */
    while (end != *head &&
           vgpu_slot_state(shared, end - 1) == VGPU_MEDIATOR_SLOT_STARTED &&
           vgpu_can_restart(shared, end - 1)) {
        end--;
    }
    for (; *head != end; ++*head) {
        if (vgpu_slot_state(shared, *head) == VGPU_MEDIATOR_SLOT_STARTED &&
            !vgpu_recover_started(shared, *head, tail, deadline)) {
            return false;
        }
    }
    return true;
}

static bool vgpu_recover_publish(VGPUQueue *q)
{
    uint64_t index = vgpu_address(q->index_lo, q->index_hi);

    /* write the entries before the indices */
    smp_wmb();
    return vgpu_dma_write_le32(q->s, index + offsetof(struct vgpu_stub_index,
                                                      cq_tail), q->cq_tail) &&
           vgpu_dma_write_le32(q->s, index + offsetof(struct vgpu_stub_index,
                                                      sq_head), q->sq_head);
}

/*
 * Complete what a worker has left, if the device may access memory; then the
 * device serves the queue. No process of the back end may be able to access
 * memory any more. What has to be executed for that ends at @deadline.
 */
void vgpu_record_recover(VGPUShared *shared, int64_t deadline)
{
    VGPUQueue *q = shared->q;
    uint32_t head = ldl_le_p(&shared->record->sq_head);
    uint32_t tail = ldl_le_p(&shared->record->cq_tail);
    bool is_good = ldl_le_p(&shared->record->version) ==
                   VGPU_MEDIATOR_VERSION &&
                   ldl_le_p(&shared->record->size) == q->size &&
                   vgpu_recover_slots(shared, &head, &tail, deadline);

    vgpu_record_take_indices(shared, head, tail);
    if (!is_good) {
        vgpu_queue_fail(q, VGPU_STUB_QERR_BACKEND);
        qemu_bh_schedule(q->s->bh);
        return;
    }
    if (vgpu_record_check_indices(shared)) {
        if (!vgpu_recover_publish(q)) {
            vgpu_queue_fail(q, VGPU_STUB_QERR_DMA);
        }
    }
    /* the worker's last signal may have been lost */
    vgpu_queue_signal(q);
    vgpu_queue_kick(q);
}
