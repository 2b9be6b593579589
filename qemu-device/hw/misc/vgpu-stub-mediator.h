/*
 * vgpu-stub: the device's end of the mediator protocol
 *
 * docs/specs/vgpu-mediator.rst specifies the protocol. Everything runs in the
 * main loop under the BQL, and nothing waits: what has to happen by a deadline
 * has a timer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_VGPU_STUB_MEDIATOR_H
#define HW_MISC_VGPU_STUB_MEDIATOR_H

#include "qemu/event_notifier.h"
#include "qemu/units.h"
#include "vgpu_mediator_message.h"
#include "vgpu-stub-internal.h"

#define VGPU_NEVER                  INT64_MAX
#define VGPU_HEADER_SIZE            sizeof(struct vgpu_mediator_header)
/* What a back end that does not receive can make the device keep */
#define VGPU_CHANNEL_OUT_MAX        (128 * KiB)
/* Of a message, of the answer to HELLO, and of progress in sending */
#define VGPU_CHANNEL_DEADLINE_MS    1000
/* In each direction */
#define VGPU_FRAMES_CREDIT_MAX      (16 * MiB)

/* A request or notices that were not yet sent completely */
typedef struct VGPUOutgoing {
    QSIMPLEQ_ENTRY(VGPUOutgoing) next;
    size_t length;
    size_t sent;
    int fds[VGPU_MEDIATOR_DESCRIPTORS_MAX];
    unsigned fd_count;
    uint32_t serial;            /* of a request, else 0 */
    uint8_t bytes[];
} VGPUOutgoing;

/* A request without an answer */
typedef struct VGPURequest {
    uint32_t serial;            /* 0: this one is free */
    uint16_t type;
    uint32_t tag;               /* for the sender, with the answer */
    int64_t deadline;           /* VGPU_NEVER: none, or not yet sent */
} VGPURequest;

/* Memory of the guest that a worker can map */
typedef struct VGPURegion {
    uint64_t address;
    uint64_t size;
    uint64_t offset;            /* in the file */
    MemoryRegion *mr;
    uint64_t writable;
} VGPURegion;

typedef struct VGPUMemoryTable {
    bool is_shared;             /* all memory of the machine is in it */
    unsigned count;
    VGPURegion regions[VGPU_MEDIATOR_REGIONS_MAX];
} VGPUMemoryTable;

/* A queue on the shared path */
typedef enum VGPUWorker {
    VGPU_WORKER_NONE,           /* no worker accesses the rings */
    VGPU_WORKER_SERVES,         /* QUEUE_START was sent */
    VGPU_WORKER_STOPS,          /* QUEUE_STOP was sent */
} VGPUWorker;

/* The last EXECUTE; set 1 is the device's */
typedef struct VGPUExecute {
    bool is_known;              /* the outcome of NUMBER */
    uint32_t number;
    uint16_t status;
    uint64_t result;
    uint32_t serial;            /* of the request, if it waits; else 0 */
    uint32_t handle;            /* for the answer about this buffer */
    bool removes;               /* it waits for BUFFER_REMOVE */
} VGPUExecute;

typedef struct VGPUShared {
    VGPUQueue *q;
    VGPUWorker worker;
    int record_fd;
    size_t record_size;
    /* NULL: the device's indices are right, and it serves the queue */
    struct vgpu_mediator_record *record;
    bool is_unchecked;          /* indices that a worker reported */
    bool has_work;              /* a second ago, with this SQ_HEAD: */
    uint32_t seen_head;
    EventNotifier kick;
    EventNotifier call;
    VGPUExecute execute;
} VGPUShared;

/* What the worker knows of a buffer */
typedef enum VGPUKnown {
    VGPU_BUFFER_UNKNOWN,
    VGPU_BUFFER_KNOWN,          /* BUFFER_ADD was sent */
    VGPU_BUFFER_STALE,          /* and the device has another one, or none */
    VGPU_BUFFER_REMOVING,       /* BUFFER_REMOVE was sent */
} VGPUKnown;

/* One for each command that can be in flight */
#define VGPU_TAGS                   (VGPU_STUB_QUEUES_MAX * VGPU_COMMANDS)

typedef enum VGPUCancel {
    VGPU_CANCEL_NONE,           /* the TAG can be used */
    VGPU_CANCEL_WANTED,         /* when fewer requests wait for an answer */
    VGPU_CANCEL_SENT,
} VGPUCancel;

/* The framed path */
typedef struct VGPUFrames {
    bool is_open;               /* the worker has credit for IN */
    uint64_t first_credit;      /* of the answer to HELLO */
    uint64_t out_credit;        /* bytes that the device may send */
    uint64_t in_credit;         /* bytes that the worker may send */
    uint64_t consumed;          /* of those it has sent, to be granted again */
    bool wants_room;            /* data waits until messages were sent */
    uint8_t cancels[VGPU_TAGS]; /* VGPUCancel */
    unsigned cancels_wanted;
    union message message;      /* to be sent; too large for a stack */
} VGPUFrames;

struct VGPUMediator {
    VGPUStubState *s;
    char name[VGPU_MEDIATOR_NAME_MAX];  /* of the VM */

    /* vgpu-stub-channel.c */
    bool connected;             /* as the chardev sees it */
    bool open;                  /* messages are received and sent */
    bool ready;                 /* HELLO was answered */
    bool ended;                 /* end_bh has to clean up */
    QEMUBH *end_bh;             /* after the connection has ended */
    QEMUTimer *timer;           /* the next deadline */
    int64_t grace;              /* not before this time */
    int64_t opened;             /* when */
    bool reconnect;             /* without a delay */
    int64_t hello_deadline;
    union message in;
    uint32_t in_tag;            /* of the request that it answers */
    size_t received;
    int64_t in_deadline;
    int fds[VGPU_MEDIATOR_DESCRIPTORS_MAX + 1];
    unsigned fd_count;
    QSIMPLEQ_HEAD(, VGPUOutgoing) out;
    size_t out_bytes;
    bool is_gathering;          /* do not send yet */
    int64_t out_deadline;
    guint out_watch;
    VGPURequest requests[VGPU_MEDIATOR_REQUESTS_MAX];
    uint32_t serial;            /* of the last request */

    /* vgpu-stub-mediator.c */
    QEMUTimer *away_timer;      /* until commands wait */
    bool away;                  /* commands do not wait any more */
    bool no_path;               /* do not negotiate again */
    uint32_t features;          /* of the answer to HELLO */
    bool hello_waits;           /* for the end of the earlier worker */
    Notifier machine_done;
    int lifeline;               /* -1: none */
    guint lifeline_watch;

    /* vgpu-stub-memory.c */
    MemoryListener listener;
    bool is_listening;
    bool is_logging;            /* dirty memory */
    bool is_unlogged;           /* a worker did not end when that began */
    VGPUMemoryTable table;
    VGPUMemoryTable next_table; /* in a change of the memory map */
    bool table_changed;         /* since its first region was sent */
    unsigned regions_sent;
    bool has_memory;            /* the worker, until RESET is answered */

    /* vgpu-stub-shared.c and vgpu-stub-execute.c */
    VGPUShared shared[VGPU_STUB_QUEUES_MAX];
    QEMUBH *shared_bh;          /* send what is to be sent */
    QEMUTimer *ping_timer;
    bool is_resetting;          /* RESET is not answered */
    bool is_refused;            /* the worker cannot use the shared path */
    uint8_t known[VGPU_STUB_BUFFERS_MAX];       /* VGPUKnown */

    VGPUFrames frames;
};

/* vgpu-stub-channel.c */
int64_t vgpu_now(void);
void vgpu_channel_realize(VGPUMediator *m);
void vgpu_channel_unrealize(VGPUMediator *m);
void vgpu_channel_log(const VGPUMediator *m, const char *message,
                      const char *fault, const char *detail);
void vgpu_channel_set_timer(VGPUMediator *m);
/* Report a fault in the message just received, and close */
void vgpu_channel_fault(VGPUMediator *m, unsigned code, const char *detail);
void vgpu_channel_stuck(VGPUMediator *m);
void vgpu_channel_close(VGPUMediator *m);

/* vgpu-stub-channel-receive.c */
int vgpu_channel_can_read(void *opaque);
void vgpu_channel_read(void *opaque, const uint8_t *bytes, int size);
void vgpu_channel_drop_fds(VGPUMediator *m);
void vgpu_close_fds(int *fds, unsigned count);
/* Take over a descriptor of the message just received */
int vgpu_channel_take_fd(VGPUMediator *m, unsigned i);

/*
 * vgpu-stub-channel-send.c: messages are in the host's byte order; LENGTH,
 * DESCRIPTORS and SERIAL are set here
 */
void vgpu_channel_queue(VGPUMediator *m, union message *message, size_t length,
                        uint32_t serial);
void vgpu_channel_gather(VGPUMediator *m, bool gather);
/* A request needs a free one of REQUESTS_MAX. Descriptors are duplicated. */
unsigned vgpu_channel_free_requests(const VGPUMediator *m);
void vgpu_channel_request(VGPUMediator *m, union message *message,
                          size_t length, uint32_t tag);
void vgpu_channel_request_fds(VGPUMediator *m, union message *message,
                              size_t length, uint32_t tag, const int *fds,
                              unsigned fd_count);
void vgpu_channel_drop_queue(VGPUMediator *m);

/* vgpu-stub-memory.c */
void vgpu_memory_realize(VGPUMediator *m);
void vgpu_memory_unrealize(VGPUMediator *m);
bool vgpu_memory_is_shared(const VGPUMediator *m);
bool vgpu_memory_send(VGPUMediator *m);
void vgpu_memory_set_dirty(VGPUMediator *m);
void vgpu_memory_clear(VGPUMediator *m);

/* vgpu-stub-record.c */
bool vgpu_record_create(VGPUShared *shared);
void vgpu_record_drop(VGPUShared *shared);
void vgpu_record_recover(VGPUShared *shared, int64_t deadline);
void vgpu_record_take_indices(VGPUShared *shared, uint32_t sq_head,
                              uint32_t cq_tail);
bool vgpu_record_check_indices(VGPUShared *shared);

/* vgpu-stub-execute.c: command set 1 on the shared path */
bool vgpu_buffers_send(VGPUMediator *m);
void vgpu_execute_request(VGPUMediator *m);
void vgpu_execute_cancel(VGPUShared *shared);
void vgpu_execute_settle(VGPUMediator *m);
void vgpu_buffer_added(VGPUMediator *m);
void vgpu_buffer_removed(VGPUMediator *m);

/* vgpu-stub-shared.c */
bool vgpu_shared_may_send(const VGPUMediator *m);
bool vgpu_shared_has_worker(const VGPUMediator *m);
void vgpu_shared_refuse(VGPUMediator *m, const char *what);
/* No process of the back end can access memory any more */
void vgpu_shared_worker_ended(VGPUMediator *m);
void vgpu_shared_recover(VGPUMediator *m);
void vgpu_shared_realize(VGPUMediator *m);
void vgpu_shared_unrealize(VGPUMediator *m);

/* vgpu-stub-shared-queue.c */
void vgpu_shared_start(VGPUMediator *m, VGPUShared *shared);
void vgpu_shared_stop(VGPUMediator *m, VGPUShared *shared);
void vgpu_shared_disconnect(VGPUShared *shared);
void vgpu_shared_forget(VGPUShared *shared);

/* vgpu-stub-shared-message.c */
void vgpu_shared_message(VGPUMediator *m);

/* vgpu-stub-ping.c */
void vgpu_ping_update(VGPUMediator *m);
void vgpu_ping_realize(VGPUMediator *m);
void vgpu_ping_unrealize(VGPUMediator *m);

/* vgpu-stub-reconnect.c */
void vgpu_reconnect_decide(VGPUMediator *m);
void vgpu_reconnect(VGPUMediator *m);

/* vgpu-stub-frames.c */
bool vgpu_frames_has(const VGPUCommand *command);
void vgpu_frames_send_cancels(VGPUMediator *m);
void vgpu_frames_consume(VGPUMediator *m, size_t len);
void vgpu_frames_reset(VGPUMediator *m);
void vgpu_frames_lost(VGPUMediator *m);
void vgpu_frames_writable(VGPUMediator *m);

/* vgpu-stub-frames-receive.c */
bool vgpu_frames_message(VGPUMediator *m);

/* vgpu-stub-mediator.c: what the channel calls */
void vgpu_mediator_opened(VGPUMediator *m);
void vgpu_mediator_ended(VGPUMediator *m);
void vgpu_mediator_message(VGPUMediator *m);
void vgpu_mediator_end_worker(VGPUMediator *m);
/* The worker can serve no path of those that were negotiated */
void vgpu_mediator_refused(VGPUMediator *m);

#endif
