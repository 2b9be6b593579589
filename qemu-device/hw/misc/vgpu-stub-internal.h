/*
 * vgpu-stub: declarations shared by the device's files
 *
 * A bottom half in the main loop serves the queues: it fetches, checks and
 * completes commands. It executes short ones itself and hands the others to a
 * worker thread, which only sees pointers to mapped memory. So all state
 * belongs to the main loop, which never waits for more than one job of bounded
 * size.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_VGPU_STUB_INTERNAL_H
#define HW_MISC_VGPU_STUB_INTERNAL_H

#include "qemu/queue.h"
#include "qemu/thread.h"
#include "chardev/char-fe.h"
#include "vgpu-stub-compat.h"
#include "vgpu_engine.h"

#define TYPE_VGPU_STUB "vgpu-stub"
OBJECT_DECLARE_SIMPLE_TYPE(VGPUStubState, VGPU_STUB)

typedef struct vgpu_segment VGPUSegment;
typedef struct vgpu_buffer VGPUBuffer;
typedef struct vgpu_data VGPUData;

typedef struct VGPUQueue VGPUQueue;

/*
 * How many commands of a queue may be in flight. Only a worker on the framed
 * path gets more than one at a time.
 */
#define VGPU_COMMANDS   32

typedef struct VGPUCommand {
    VGPUQueue *q;
    uint32_t index;             /* in the submission ring */
    bool is_started;            /* else it waits for earlier ones */
    bool is_complete;           /* perhaps earlier ones are not */
    struct vgpu_stub_sqe sqe;   /* in the host's byte order */
    VGPUData out;
    VGPUData in;
    struct vgpu_job job;
    uint16_t status;
    uint64_t result;            /* 0 unless the status is OK */
    bool is_short;              /* executed by the main loop, not the worker */
    bool is_waiting;            /* for the mediator */
    bool is_framed;             /* a worker of the mediator has it */
    bool is_lost;               /* ... and has ended */
    bool is_ended;              /* ... and has reported status and result */
    unsigned attempts;          /* workers that got it */
    VGPUData all_out, all_in;   /* OUT and IN, when the worker got it */
    GByteArray *received;       /* from the worker, and not yet written */

    /* protected by the worker's lock */
    bool with_worker;
    QSIMPLEQ_ENTRY(VGPUCommand) next;
} VGPUCommand;

struct VGPUQueue {
    VGPUStubState *s;

    /* registers */
    uint32_t state;
    uint32_t error;
    uint32_t size;
    uint32_t vector;
    uint32_t sq_lo, sq_hi;
    uint32_t cq_lo, cq_hi;
    uint32_t index_lo, index_hi;

    /* the device's indices */
    uint32_t sq_head;           /* of the first command in flight */
    uint32_t sq_next;           /* to be fetched */
    uint32_t cq_tail;           /* published */
    uint32_t sq_published;      /* what the driver sees of sq_head */
    uint32_t completed;         /* after the last entry written */
    bool initialized;           /* the device's half of the index block */
    bool cq_full;

    /* the driver's indices as last read */
    uint32_t sq_tail;
    uint32_t cq_head;

    bool kicked;
    VGPUCommand commands[VGPU_COMMANDS];
    struct vgpu_pieces pieces;  /* mapped data of the one that QEMU executes */
};

typedef struct VGPUMediator VGPUMediator;
typedef struct VGPUSaved VGPUSaved;
typedef struct VGPUSavedQueue VGPUSavedQueue;
typedef struct VGPUSavedBuffer VGPUSavedBuffer;

struct VGPUStubState {
    PCIDevice parent_obj;

    MemoryRegion mmio;
    MemoryRegion msix;

    /* registers that hold state; the others are constants */
    uint32_t scratch;
    uint32_t bad_access;

    uint32_t queue_count;       /* property */
    uint32_t event_vector;
    uint32_t events;
    VGPUQueue *queues;
    uint32_t next_queue;        /* next to be served */
    struct vgpu_buffers buffers;
    struct vgpu_host host;      /* for the engine */
    QEMUBH *bh;
    VMChangeStateEntry *run_state;
    bool stopped;               /* machine not running, or device unplugged */
    bool can_dma;
    bool serving;               /* accessing memory or sending interrupts */
    bool reset_wanted;          /* once that is finished */
    bool unrealize_wanted;      /* the same, of the mediator's end */
    uint32_t signals;           /* vectors to signal, one bit each */

    CharFrontend mediator_chr;   /* property */
    uint32_t mediator_timeout;  /* property, milliseconds */
    VGPUMediator *mediator;     /* NULL: the engine in QEMU executes commands */

    VGPUSaved *saved;           /* while a stream is written or read */
    bool loaded;                /* the stream had queues */

    QemuThread worker;
    QemuMutex worker_lock;
    QemuCond worker_cond;       /* new work, or work done */
    QSIMPLEQ_HEAD(, VGPUCommand) worker_todo;
    VGPUCommand *worker_now;
    bool worker_quit;
    bool worker_hold;           /* it must not start a job */
};

/* vgpu-stub-dma.c; false is a DMA fault */
bool vgpu_dma_read(VGPUStubState *s, uint64_t addr, void *buf, size_t len);
bool vgpu_dma_write(VGPUStubState *s, uint64_t addr, const void *buf,
                    size_t len);
bool vgpu_dma_read_le32(VGPUStubState *s, uint64_t addr, uint32_t *val);
bool vgpu_dma_write_le32(VGPUStubState *s, uint64_t addr, uint32_t val);
bool vgpu_data_write(VGPUStubState *s, VGPUData *data, const void *buf,
                     size_t len);
void vgpu_host_init(VGPUStubState *s);

/* vgpu-stub-buffer.c */
void vgpu_buffer_set_segment(VGPUBuffer *buffer, uint32_t i, uint64_t addr,
                             uint32_t len);
uint16_t vgpu_buffer_register(VGPUStubState *s, VGPUCommand *command,
                              uint64_t *len);
void vgpu_buffer_unregister(VGPUStubState *s, uint32_t handle);
void vgpu_buffers_forget(VGPUStubState *s);

/* vgpu-stub-engine.c */
typedef enum VGPUProgress {
    VGPU_DONE,                  /* status is set */
    VGPU_IN_FLIGHT,             /* the bottom half will be scheduled */
} VGPUProgress;

uint16_t vgpu_command_check(VGPUStubState *s, VGPUCommand *command);
void vgpu_command_release(VGPUStubState *s, VGPUCommand *command);
VGPUProgress vgpu_command_start(VGPUStubState *s, VGPUCommand *command);
bool vgpu_command_execute_now(VGPUStubState *s, VGPUCommand *command,
                              int64_t deadline);
VGPUProgress vgpu_command_continue(VGPUStubState *s, VGPUCommand *command);
void vgpu_command_cancel(VGPUStubState *s, VGPUCommand *command);
void vgpu_worker_hold(VGPUStubState *s, bool hold);
void vgpu_worker_start(VGPUStubState *s);
void vgpu_worker_stop(VGPUStubState *s);

/* vgpu-stub-ring.c */
bool vgpu_ring_initialize(VGPUQueue *q);
bool vgpu_ring_next(VGPUQueue *q);
bool vgpu_ring_complete(VGPUQueue *q, const VGPUCommand *command);
bool vgpu_ring_publish(VGPUQueue *q);

/* vgpu-stub-queue.c */
uint64_t vgpu_address(uint32_t lo, uint32_t hi);
VGPUCommand *vgpu_queue_command(VGPUQueue *q, uint32_t index);
VGPUCommand *vgpu_queue_new_command(VGPUQueue *q, uint32_t index);
bool vgpu_command_is_first(const VGPUCommand *command);
uint32_t vgpu_queue_fault(const VGPUQueue *q);
void vgpu_queue_enable(VGPUQueue *q);
void vgpu_queue_disable(VGPUQueue *q);
void vgpu_queue_abandon(VGPUQueue *q);
void vgpu_queue_fail(VGPUQueue *q, uint32_t error);
void vgpu_queue_disabled(VGPUQueue *q);
void vgpu_queue_signal(VGPUQueue *q);
void vgpu_queue_completed(VGPUQueue *q, uint32_t event, uint32_t old);
void vgpu_queue_kick(VGPUQueue *q);
void vgpu_queue_had_turn(const VGPUQueue *q);
void vgpu_queues_run(void *opaque);
void vgpu_send_signals(VGPUStubState *s);

/* vgpu-stub-mediator.c */
typedef enum VGPUBackEnd {
    VGPU_BACK_END_READY,
    VGPU_BACK_END_EXPECTED,     /* commands wait for it */
    VGPU_BACK_END_AWAY,         /* commands fail */
} VGPUBackEnd;

/* Who serves the queues */
typedef enum VGPUPath {
    VGPU_PATH_EMBEDDED,         /* the device alone */
    VGPU_PATH_SHARED,           /* a worker of the mediator */
    VGPU_PATH_FRAMED,           /* the device; a worker executes commands */
} VGPUPath;

VGPUBackEnd vgpu_back_end(VGPUStubState *s);
VGPUPath vgpu_path(VGPUStubState *s);
void vgpu_mediator_gather(VGPUStubState *s, bool gather);
bool vgpu_mediator_check(VGPUStubState *s, Error **errp);
void vgpu_mediator_realize(VGPUStubState *s);
void vgpu_mediator_unrealize(VGPUStubState *s);

/* vgpu-stub-shared.c */
void vgpu_shared_update(VGPUStubState *s);
bool vgpu_shared_serves(VGPUQueue *q);
void vgpu_shared_reset(VGPUStubState *s);
void vgpu_shared_settle(VGPUStubState *s);
bool vgpu_shared_is_settled(VGPUStubState *s);
bool vgpu_shared_is_resetting(VGPUStubState *s);

/* vgpu-stub-shared-queue.c */
bool vgpu_shared_disable(VGPUQueue *q);

/* vgpu-stub-execute.c */
void vgpu_shared_forget_buffer(VGPUStubState *s, uint32_t handle);

/* vgpu-stub-frames.c */
bool vgpu_frames_may_start(VGPUStubState *s, VGPUCommand *command);
VGPUProgress vgpu_frames_start(VGPUStubState *s, VGPUCommand *command);
VGPUProgress vgpu_frames_continue(VGPUStubState *s, VGPUCommand *command);
void vgpu_frames_cancel(VGPUStubState *s, VGPUCommand *command);

/* vgpu-stub-migration.c */
extern const VMStateDescription vmstate_vgpu_queues;
int vgpu_pre_load(void *opaque);
int vgpu_post_load(void *opaque, int version_id);

/* vgpu-stub-registers.c; read and write return what is wrong, or NULL */
void vgpu_queues_realize(VGPUStubState *s);
void vgpu_queues_unrealize(VGPUStubState *s);
void vgpu_queues_finalize(VGPUStubState *s);
void vgpu_queues_reset(VGPUStubState *s);
void vgpu_queues_update(VGPUStubState *s);
void vgpu_queues_kick(VGPUStubState *s);
const char *vgpu_queues_read(VGPUStubState *s, hwaddr addr, uint32_t *val);
const char *vgpu_queues_write(VGPUStubState *s, hwaddr addr, uint32_t val);

#endif
