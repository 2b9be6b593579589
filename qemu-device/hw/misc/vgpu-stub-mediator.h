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

#include "qemu/units.h"
#include "vgpu_mediator_message.h"
#include "vgpu-stub-internal.h"

#define VGPU_NEVER                  INT64_MAX
/* What a back end that does not receive can make the device keep */
#define VGPU_CHANNEL_OUT_MAX        (128 * KiB)
/* Of a message, of the answer to HELLO, and of progress in sending */
#define VGPU_CHANNEL_DEADLINE_MS    1000

/* A message that was not yet sent completely */
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
    int64_t deadline;           /* VGPU_NEVER: none, or not yet sent */
} VGPURequest;

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
    int64_t hello_deadline;
    union message in;
    size_t received;
    int64_t in_deadline;
    int fds[VGPU_MEDIATOR_DESCRIPTORS_MAX + 1];
    unsigned fd_count;
    QSIMPLEQ_HEAD(, VGPUOutgoing) out;
    size_t out_bytes;
    int64_t out_deadline;
    guint out_watch;
    VGPURequest requests[VGPU_MEDIATOR_REQUESTS_MAX];
    uint32_t serial;            /* of the last request */

    /* vgpu-stub-mediator.c */
    QEMUTimer *away_timer;      /* until commands wait */
    bool away;                  /* commands do not wait any more */
    bool no_path;               /* do not negotiate again */
    int lifeline;               /* -1: none */
    guint lifeline_watch;
};

/* vgpu-stub-channel.c */
int64_t vgpu_now(void);
void vgpu_close_fds(int *fds, unsigned count);
void vgpu_channel_realize(VGPUMediator *m);
void vgpu_channel_unrealize(VGPUMediator *m);
void vgpu_channel_log(const VGPUMediator *m, const char *message,
                      const char *fault, const char *detail);
void vgpu_channel_set_timer(VGPUMediator *m);
/* Report a fault in the message just received, and close */
void vgpu_channel_fault(VGPUMediator *m, unsigned code, const char *detail);
void vgpu_channel_stuck(VGPUMediator *m);
void vgpu_channel_close(VGPUMediator *m);
/* Take over a descriptor of the message just received */
int vgpu_channel_take_fd(VGPUMediator *m, unsigned i);

/*
 * vgpu-stub-channel-send.c: messages are in the host's byte order; LENGTH and
 * SERIAL are set here
 */
void vgpu_channel_queue(VGPUMediator *m, union message *message, size_t length,
                        uint32_t serial);
void vgpu_channel_request(VGPUMediator *m, union message *message,
                          size_t length);
void vgpu_channel_drop_queue(VGPUMediator *m);

/* vgpu-stub-mediator.c: what the channel calls */
void vgpu_mediator_opened(VGPUMediator *m);
void vgpu_mediator_ended(VGPUMediator *m);
void vgpu_mediator_message(VGPUMediator *m);

#endif
