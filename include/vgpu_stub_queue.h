/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-stub: queues
 *
 * The part of the hardware interface that exists with the feature QUEUES: its
 * registers and its structures in guest memory. All fields are little-endian
 * and naturally aligned. The chapter "Queues" of docs/specs/vgpu-stub.rst
 * defines their meaning; a test compares its tables with this file.
 */
#ifndef VGPU_STUB_QUEUE_H
#define VGPU_STUB_QUEUE_H

#include "vgpu_stub.h"

#ifdef __KERNEL__
#include <linux/types.h>
typedef __u8 vgpu_stub_u8;
typedef __le16 vgpu_stub_le16;
typedef __le32 vgpu_stub_le32;
typedef __le64 vgpu_stub_le64;
#else
#include <stdint.h>
typedef uint8_t vgpu_stub_u8;
typedef uint16_t vgpu_stub_le16;
typedef uint32_t vgpu_stub_le32;
typedef uint64_t vgpu_stub_le64;
#endif

/* Interface version with queues */
#define VGPU_STUB_VERSION_QUEUES        0x00010001

/* FEATURES */
#define VGPU_STUB_FEATURE_QUEUES        0x00000001

/* Of a device with a mediator, docs/specs/vgpu-mediator.rst */
#define VGPU_STUB_VERSION_MEDIATOR      0x00010002
#define VGPU_STUB_FEATURE_MEDIATOR      0x00000002
#define VGPU_STUB_STATUS_NO_BACKEND     0x00000002

/* Limits of this version; the registers have the limits of a device */
#define VGPU_STUB_QUEUES_MAX            16
#define VGPU_STUB_QUEUE_SIZE_MIN        2
#define VGPU_STUB_QUEUE_SIZE_MAX        1024    /* entries */
#define VGPU_STUB_LIST_MAX              512     /* segments of a list */
#define VGPU_STUB_BUFFERS_MAX           1024
#define VGPU_STUB_BUFFER_SEGMENTS_MAX   65536   /* of one buffer */
#define VGPU_STUB_SEGMENTS_MAX          262144  /* of all buffers together */
#define VGPU_STUB_TRANSFER_MAX          0x40000000      /* bytes */

/* MSI-X: the table and the PBA are in WIN_MSIX of BAR0 */
#define VGPU_STUB_MSIX_CAP_OFFSET       0x50
#define VGPU_STUB_MSIX_TABLE            0xc00
#define VGPU_STUB_MSIX_PBA              0xe00

/* Registers of the device, in WIN_CONTROL */
#define VGPU_STUB_REG_CONTROL           0x020   /* RW */
#define VGPU_STUB_REG_QUEUES            0x024   /* RO */
#define VGPU_STUB_REG_QUEUE_SIZE_MAX    0x028   /* RO */
#define VGPU_STUB_REG_VECTORS           0x02c   /* RO */
#define VGPU_STUB_REG_COMMAND_SETS      0x030   /* RO */
#define VGPU_STUB_REG_EVENT_VECTOR      0x034   /* RW */
#define VGPU_STUB_REG_EVENTS            0x038   /* RW1C */
#define VGPU_STUB_REG_LIST_MAX          0x040   /* RO */
#define VGPU_STUB_REG_BUFFERS_MAX       0x044   /* RO */
#define VGPU_STUB_REG_BUFFER_SEGMENTS_MAX 0x048 /* RO */
#define VGPU_STUB_REG_SEGMENTS_MAX      0x04c   /* RO */
#define VGPU_STUB_REG_TRANSFER_MAX      0x050   /* RO */

#define VGPU_STUB_CONTROL_RESET         0x00000001

#define VGPU_STUB_EVENT_QUEUE_ERROR     0x00000001

#define VGPU_STUB_VECTOR_NONE           0x0000ffff

/* Registers of queue n, at WIN_QUEUE + n * QUEUE_STRIDE */
#define VGPU_STUB_QUEUE_STRIDE          0x40

#define VGPU_STUB_QUEUE_CONTROL         0x00    /* RW */
#define VGPU_STUB_QUEUE_STATUS          0x04    /* RO */
#define VGPU_STUB_QUEUE_SIZE            0x08    /* RW while DISABLED */
#define VGPU_STUB_QUEUE_VECTOR          0x0c    /* RW while DISABLED */
#define VGPU_STUB_QUEUE_SQ_LO           0x10    /* RW while DISABLED */
#define VGPU_STUB_QUEUE_SQ_HI           0x14    /* RW while DISABLED */
#define VGPU_STUB_QUEUE_CQ_LO           0x18    /* RW while DISABLED */
#define VGPU_STUB_QUEUE_CQ_HI           0x1c    /* RW while DISABLED */
#define VGPU_STUB_QUEUE_INDEX_LO        0x20    /* RW while DISABLED */
#define VGPU_STUB_QUEUE_INDEX_HI        0x24    /* RW while DISABLED */

#define VGPU_STUB_QUEUE_ENABLE          0x00000001      /* CONTROL */

/* STATUS: bits 3:0 the state, bits 15:8 the error that led to ERROR */
#define VGPU_STUB_QUEUE_STATE_MASK      0x0000000f
#define VGPU_STUB_QUEUE_DISABLED        0
#define VGPU_STUB_QUEUE_RUNNING         1
#define VGPU_STUB_QUEUE_STOPPING        2
#define VGPU_STUB_QUEUE_ERROR           3

#define VGPU_STUB_QUEUE_ERROR_SHIFT     8
#define VGPU_STUB_QUEUE_ERROR_MASK      0x0000ff00
#define VGPU_STUB_QERR_NONE             0
#define VGPU_STUB_QERR_SIZE             1
#define VGPU_STUB_QERR_ADDRESS          2
#define VGPU_STUB_QERR_VECTOR           3
#define VGPU_STUB_QERR_DMA              4
#define VGPU_STUB_QERR_SQ_TAIL          5
#define VGPU_STUB_QERR_CQ_HEAD          6
#define VGPU_STUB_QERR_BACKEND          7

#define VGPU_STUB_RING_ALIGN            4096    /* of SQ and CQ */
#define VGPU_STUB_INDEX_ALIGN           128

/* Doorbell of queue n, at WIN_DOORBELL + n * DOORBELL_STRIDE, WO */
#define VGPU_STUB_DOORBELL_STRIDE       4

/* The index block: each side writes one cache line */
struct vgpu_stub_index {
    /* written by the driver */
    vgpu_stub_le32 sq_tail;
    vgpu_stub_le32 cq_head;
    vgpu_stub_le32 cq_event;
    vgpu_stub_le32 driver_reserved[13];
    /* written by the device */
    vgpu_stub_le32 sq_head;
    vgpu_stub_le32 cq_tail;
    vgpu_stub_le32 sq_event;
    vgpu_stub_le32 flags;
    vgpu_stub_le32 device_reserved[12];
};

#define VGPU_STUB_INDEX_CQ_FULL         0x00000001      /* flags */

/* Location of a command's data */
struct vgpu_stub_desc {
    vgpu_stub_le64 addr;
    vgpu_stub_le32 len;         /* total length in bytes */
    vgpu_stub_le16 number;      /* LIST: segments; BUFFER: handle; else 0 */
    vgpu_stub_u8 type;
    vgpu_stub_u8 reserved;
};

#define VGPU_STUB_DESC_NONE             0
#define VGPU_STUB_DESC_DIRECT           1       /* addr: bus address */
#define VGPU_STUB_DESC_LIST             2       /* addr: of the segments */
#define VGPU_STUB_DESC_BUFFER           3       /* addr: offset in a buffer */
#define VGPU_STUB_DESC_INLINE           4       /* in the entry's data[] */

struct vgpu_stub_segment {
    vgpu_stub_le64 addr;
    vgpu_stub_le32 len;
    vgpu_stub_le32 reserved;
};

#define VGPU_STUB_INLINE_MAX            16

/* A submission queue entry */
struct vgpu_stub_sqe {
    vgpu_stub_le16 opcode;      /* bits 15:8 the command set */
    vgpu_stub_le16 flags;
    vgpu_stub_le32 id;
    vgpu_stub_le64 arg;
    struct vgpu_stub_desc out;  /* read by the device */
    struct vgpu_stub_desc in;   /* written by the device */
    vgpu_stub_u8 data[VGPU_STUB_INLINE_MAX];
};

#define VGPU_STUB_SQE_QUIET             0x0001
#define VGPU_STUB_SQE_BARRIER           0x0002
#define VGPU_STUB_SQE_FLAGS             0x0003

/* Opcodes, by command set: bit n of COMMAND_SETS announces set n */
#define VGPU_STUB_SET_BASIC             0
#define VGPU_STUB_OP_NOP                0x0000
#define VGPU_STUB_OP_COPY               0x0001
#define VGPU_STUB_OP_FILL               0x0002
#define VGPU_STUB_OP_CRC32C             0x0003

#define VGPU_STUB_SET_BUFFER            1
#define VGPU_STUB_OP_REGISTER           0x0100
#define VGPU_STUB_OP_UNREGISTER         0x0101

/* REGISTER's arg: bits 15:0 the handle, and the allowed access */
#define VGPU_STUB_BUFFER_READ           0x0000000100000000ULL
#define VGPU_STUB_BUFFER_WRITE          0x0000000200000000ULL

/* A completion queue entry */
struct vgpu_stub_cqe {
    vgpu_stub_le32 id;
    vgpu_stub_le16 status;
    vgpu_stub_le16 reserved;
    vgpu_stub_le64 result;
};

/* Status of a command */
#define VGPU_STUB_OK                    0x0000
#define VGPU_STUB_ERR_OPCODE            0x0001
#define VGPU_STUB_ERR_FLAGS             0x0002
#define VGPU_STUB_ERR_RESERVED          0x0003
#define VGPU_STUB_ERR_ARG               0x0004
#define VGPU_STUB_ERR_DESC              0x0005
#define VGPU_STUB_ERR_LENGTH            0x0006
#define VGPU_STUB_ERR_LIST              0x0007
#define VGPU_STUB_ERR_HANDLE            0x0008
#define VGPU_STUB_ERR_BOUNDS            0x0009
#define VGPU_STUB_ERR_ACCESS            0x000a
#define VGPU_STUB_ERR_OVERLAP           0x000b
#define VGPU_STUB_ERR_SPACE             0x000c
#define VGPU_STUB_ERR_DMA               0x000d
#define VGPU_STUB_ERR_NO_BACKEND        0x000e  /* with a mediator */
#define VGPU_STUB_ERR_BACKEND           0x000f

_Static_assert(sizeof(struct vgpu_stub_index) == 128, "index block");
_Static_assert(__builtin_offsetof(struct vgpu_stub_index, sq_head) == 64,
               "each side of the index block has its own cache line");
_Static_assert(sizeof(struct vgpu_stub_desc) == 16, "descriptor");
_Static_assert(sizeof(struct vgpu_stub_segment) == 16, "segment");
_Static_assert(sizeof(struct vgpu_stub_sqe) == 64, "submission entry");
_Static_assert(__builtin_offsetof(struct vgpu_stub_sqe, out) == 16 &&
               __builtin_offsetof(struct vgpu_stub_sqe, in) == 32 &&
               __builtin_offsetof(struct vgpu_stub_sqe, data) == 48,
               "submission entry is naturally aligned");
_Static_assert(sizeof(struct vgpu_stub_cqe) == 16, "completion entry");
_Static_assert(VGPU_STUB_QUEUES_MAX * VGPU_STUB_QUEUE_STRIDE <=
               VGPU_STUB_WIN_QUEUE_SIZE, "queue registers fit their window");
_Static_assert(VGPU_STUB_QUEUES_MAX * VGPU_STUB_DOORBELL_STRIDE <=
               VGPU_STUB_WIN_DOORBELL_SIZE, "doorbells fit their window");
_Static_assert((VGPU_STUB_QUEUES_MAX + 1) * 16 + VGPU_STUB_MSIX_TABLE <=
               VGPU_STUB_MSIX_PBA, "MSI-X table ends before the PBA");
_Static_assert(VGPU_STUB_MSIX_CAP_OFFSET + 12 <= VGPU_STUB_EXP_CAP_OFFSET &&
               VGPU_STUB_MSIX_CAP_OFFSET >= VGPU_STUB_PM_CAP_OFFSET + 8,
               "MSI-X capability is between Power Management and Express");

#endif /* VGPU_STUB_QUEUE_H */
