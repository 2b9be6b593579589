/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-stub: the protocol between the device and its host mediator
 *
 * The messages on the Unix socket and the in-flight record in shared memory.
 * All fields are little-endian and naturally aligned.
 * docs/specs/vgpu-mediator.rst defines their meaning; a test compares its
 * tables with this file.
 */
#ifndef VGPU_MEDIATOR_H
#define VGPU_MEDIATOR_H

#include "vgpu_stub_queue.h"

#define VGPU_MEDIATOR_VERSION           1

/* Limits */
#define VGPU_MEDIATOR_DATA_MAX          65536   /* payload of one frame */
#define VGPU_MEDIATOR_MESSAGE_MAX       65560
#define VGPU_MEDIATOR_DESCRIPTORS_MAX   3
#define VGPU_MEDIATOR_REGIONS_MAX       64
#define VGPU_MEDIATOR_REQUESTS_MAX      64      /* without an answer */
#define VGPU_MEDIATOR_NAME_MAX          64
#define VGPU_MEDIATOR_TEXT_MAX          72
#define VGPU_MEDIATOR_ATTEMPTS_MAX      3
#define VGPU_MEDIATOR_PAGE              4096

/* FEATURES of HELLO and of its answer */
#define VGPU_MEDIATOR_FEATURE_SHARED    0x00000001
#define VGPU_MEDIATOR_FEATURE_FRAMED    0x00000002

/* Messages from the device */
#define VGPU_MEDIATOR_HELLO             0x0001
#define VGPU_MEDIATOR_MEMORY_ADD        0x0002
#define VGPU_MEDIATOR_MEMORY_CLEAR      0x0003
#define VGPU_MEDIATOR_BUFFER_ADD        0x0004
#define VGPU_MEDIATOR_BUFFER_REMOVE     0x0005
#define VGPU_MEDIATOR_QUEUE_START       0x0006
#define VGPU_MEDIATOR_QUEUE_STOP        0x0007
#define VGPU_MEDIATOR_RESET             0x0008
#define VGPU_MEDIATOR_PING              0x0009
#define VGPU_MEDIATOR_COMMAND           0x000a
#define VGPU_MEDIATOR_DATA_OUT          0x000b
#define VGPU_MEDIATOR_CREDIT_IN         0x000c
#define VGPU_MEDIATOR_CANCEL            0x000d

/* Messages from the back end */
#define VGPU_MEDIATOR_EXECUTE           0x0040
#define VGPU_MEDIATOR_QUEUE_ERROR       0x0041
#define VGPU_MEDIATOR_COMMAND_DONE      0x0042
#define VGPU_MEDIATOR_DATA_IN           0x0043
#define VGPU_MEDIATOR_CREDIT_OUT        0x0044

/* From either side; the sender then closes the connection */
#define VGPU_MEDIATOR_ERROR             0x007f

/* The answer to a request has its type and this bit */
#define VGPU_MEDIATOR_ANSWER            0x8000

/* STATUS of an answer */
#define VGPU_MEDIATOR_OK                0
#define VGPU_MEDIATOR_FAIL_HOST         1
#define VGPU_MEDIATOR_FAIL_LIMIT        2
#define VGPU_MEDIATOR_FAIL_ADDRESS      3
#define VGPU_MEDIATOR_FAIL_RECORD       4
#define VGPU_MEDIATOR_CANCELLED         5

/* CODE of ERROR */
#define VGPU_MEDIATOR_BAD_LENGTH        1
#define VGPU_MEDIATOR_BAD_TYPE          2
#define VGPU_MEDIATOR_BAD_DESCRIPTORS   3
#define VGPU_MEDIATOR_BAD_RESERVED      4
#define VGPU_MEDIATOR_BAD_SERIAL        5
#define VGPU_MEDIATOR_BAD_STATE         6
#define VGPU_MEDIATOR_BAD_VALUE         7
#define VGPU_MEDIATOR_BAD_VERSION       8
#define VGPU_MEDIATOR_BAD_TIMEOUT       9
#define VGPU_MEDIATOR_BUSY              10
#define VGPU_MEDIATOR_INTERNAL          11

struct vgpu_mediator_header {
    vgpu_stub_le32 length;      /* of the whole message, in bytes */
    vgpu_stub_le16 type;
    vgpu_stub_le16 descriptors; /* passed with the first byte */
    vgpu_stub_le32 serial;
    vgpu_stub_le32 reserved;
};

struct vgpu_mediator_hello {
    struct vgpu_mediator_header header;
    vgpu_stub_le16 version_min;
    vgpu_stub_le16 version_max;
    vgpu_stub_le32 features;
    vgpu_stub_le16 queues;
    vgpu_stub_le16 reserved0;
    vgpu_stub_le32 reserved1;
    vgpu_stub_u8 name[VGPU_MEDIATOR_NAME_MAX];
};

struct vgpu_mediator_hello_answer {
    struct vgpu_mediator_header header;
    vgpu_stub_le32 status;
    vgpu_stub_le16 version;
    vgpu_stub_le16 reserved0;
    vgpu_stub_le32 features;
    vgpu_stub_le32 command_sets;
    vgpu_stub_le32 credit_out;
    vgpu_stub_le32 reserved1;
};

struct vgpu_mediator_memory_add {
    struct vgpu_mediator_header header;
    vgpu_stub_le64 address;
    vgpu_stub_le64 size;
    vgpu_stub_le64 offset;
    vgpu_stub_le32 flags;
    vgpu_stub_le32 reserved;
};

#define VGPU_MEDIATOR_MEMORY_WRITE      0x00000001      /* flags */

struct vgpu_mediator_buffer_add {
    struct vgpu_mediator_header header;
    vgpu_stub_le16 handle;
    vgpu_stub_le16 access;
    vgpu_stub_le32 count;
    vgpu_stub_le64 bytes;
};

#define VGPU_MEDIATOR_BUFFER_READ       0x0001          /* access */
#define VGPU_MEDIATOR_BUFFER_WRITE      0x0002

struct vgpu_mediator_buffer_remove {
    struct vgpu_mediator_header header;
    vgpu_stub_le16 handle;
    vgpu_stub_le16 reserved0;
    vgpu_stub_le32 reserved1;
};

struct vgpu_mediator_queue_start {
    struct vgpu_mediator_header header;
    vgpu_stub_le16 queue;
    vgpu_stub_le16 reserved;
    vgpu_stub_le32 size;
    vgpu_stub_le64 sq;
    vgpu_stub_le64 cq;
    vgpu_stub_le64 index;
};

struct vgpu_mediator_queue_stop {
    struct vgpu_mediator_header header;
    vgpu_stub_le16 queue;
    vgpu_stub_le16 reserved0;
    vgpu_stub_le32 reserved1;
};

/* The answers to QUEUE_START and QUEUE_STOP */
struct vgpu_mediator_queue_answer {
    struct vgpu_mediator_header header;
    vgpu_stub_le32 status;
    vgpu_stub_le16 queue;
    vgpu_stub_le16 reserved;
    vgpu_stub_le32 sq_head;
    vgpu_stub_le32 cq_tail;
};

/* The answer to every other request of the device */
struct vgpu_mediator_answer {
    struct vgpu_mediator_header header;
    vgpu_stub_le32 status;
    vgpu_stub_le32 reserved;
};

struct vgpu_mediator_command {
    struct vgpu_mediator_header header;
    vgpu_stub_le32 tag;
    vgpu_stub_le16 queue;
    vgpu_stub_le16 opcode;
    vgpu_stub_le64 arg;
    vgpu_stub_le32 out_bytes;
    vgpu_stub_le32 in_bytes;
};

/* DATA_OUT and DATA_IN; 1 to DATA_MAX bytes follow */
struct vgpu_mediator_data {
    struct vgpu_mediator_header header;
    vgpu_stub_le32 tag;
    vgpu_stub_le32 reserved;
};

struct vgpu_mediator_credit {
    struct vgpu_mediator_header header;
    vgpu_stub_le32 bytes;
    vgpu_stub_le32 reserved;
};

struct vgpu_mediator_cancel {
    struct vgpu_mediator_header header;
    vgpu_stub_le32 tag;
    vgpu_stub_le32 reserved;
};

struct vgpu_mediator_execute {
    struct vgpu_mediator_header header;
    vgpu_stub_le16 queue;
    vgpu_stub_le16 reserved;
    vgpu_stub_le32 number;
    struct vgpu_stub_sqe entry;
};

struct vgpu_mediator_execute_answer {
    struct vgpu_mediator_header header;
    vgpu_stub_le32 status;
    vgpu_stub_le16 command_status;
    vgpu_stub_le16 reserved;
    vgpu_stub_le64 result;
};

struct vgpu_mediator_queue_error {
    struct vgpu_mediator_header header;
    vgpu_stub_le16 queue;
    vgpu_stub_le16 error;
    vgpu_stub_le32 sq_head;
    vgpu_stub_le32 cq_tail;
    vgpu_stub_le32 reserved;
};

struct vgpu_mediator_command_done {
    struct vgpu_mediator_header header;
    vgpu_stub_le32 tag;
    vgpu_stub_le16 status;
    vgpu_stub_le16 reserved;
    vgpu_stub_le64 result;
};

struct vgpu_mediator_error {
    struct vgpu_mediator_header header;
    vgpu_stub_le16 code;
    vgpu_stub_le16 type;
    vgpu_stub_le32 serial;
    vgpu_stub_u8 text[VGPU_MEDIATOR_TEXT_MAX];
};

/* The in-flight record of a queue: this header, then one slot per entry */
struct vgpu_mediator_record {
    vgpu_stub_le32 version;     /* VGPU_MEDIATOR_VERSION */
    vgpu_stub_le32 size;        /* entries of the queue */
    vgpu_stub_le32 sq_head;
    vgpu_stub_le32 cq_tail;
    vgpu_stub_u8 reserved[112];
};

struct vgpu_mediator_slot {
    vgpu_stub_le64 word;        /* bits 31:0 the index, 63:32 the state */
    vgpu_stub_le32 cq_index;
    vgpu_stub_le16 status;
    vgpu_stub_le16 attempts;
    vgpu_stub_le64 result;
    vgpu_stub_u8 reserved[40];
    struct vgpu_stub_sqe entry;
};

/* State of a slot */
#define VGPU_MEDIATOR_SLOT_FREE         0
#define VGPU_MEDIATOR_SLOT_STARTED      1
#define VGPU_MEDIATOR_SLOT_DONE         2
#define VGPU_MEDIATOR_SLOT_QUIET        3

#define VGPU_MEDIATOR_ASSERT_SIZE(name, size) \
    _Static_assert(sizeof(struct vgpu_mediator_##name) == (size), #name)

VGPU_MEDIATOR_ASSERT_SIZE(header, 16);
VGPU_MEDIATOR_ASSERT_SIZE(hello, 96);
VGPU_MEDIATOR_ASSERT_SIZE(hello_answer, 40);
VGPU_MEDIATOR_ASSERT_SIZE(memory_add, 48);
VGPU_MEDIATOR_ASSERT_SIZE(buffer_add, 32);
VGPU_MEDIATOR_ASSERT_SIZE(buffer_remove, 24);
VGPU_MEDIATOR_ASSERT_SIZE(queue_start, 48);
VGPU_MEDIATOR_ASSERT_SIZE(queue_stop, 24);
VGPU_MEDIATOR_ASSERT_SIZE(queue_answer, 32);
VGPU_MEDIATOR_ASSERT_SIZE(answer, 24);
VGPU_MEDIATOR_ASSERT_SIZE(command, 40);
VGPU_MEDIATOR_ASSERT_SIZE(data, 24);
VGPU_MEDIATOR_ASSERT_SIZE(credit, 24);
VGPU_MEDIATOR_ASSERT_SIZE(cancel, 24);
VGPU_MEDIATOR_ASSERT_SIZE(execute, 88);
VGPU_MEDIATOR_ASSERT_SIZE(execute_answer, 32);
VGPU_MEDIATOR_ASSERT_SIZE(queue_error, 32);
VGPU_MEDIATOR_ASSERT_SIZE(command_done, 32);
VGPU_MEDIATOR_ASSERT_SIZE(error, 96);
VGPU_MEDIATOR_ASSERT_SIZE(record, 128);
VGPU_MEDIATOR_ASSERT_SIZE(slot, 128);

_Static_assert(sizeof(struct vgpu_mediator_data) + VGPU_MEDIATOR_DATA_MAX ==
               VGPU_MEDIATOR_MESSAGE_MAX, "a full frame is the longest");
_Static_assert(__builtin_offsetof(struct vgpu_mediator_slot, entry) == 64,
               "a slot's entry has its own cache line");

#endif /* VGPU_MEDIATOR_H */
