/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-stub: every bit of configuration space
 *
 * One row per field. The device builds its configuration space from this table,
 * vgpu-probe derives its checks from it, and the tests compare the device and
 * the specification with it. Define a macro for a row and pass its name:
 *
 *   #define ROW(NAME, FORMS, OFFSET, WIDTH, MASK, CLASS, VALUE) \
 *       { #NAME, VGPU_STUB_FORM_##FORMS, OFFSET, WIDTH, MASK, \
 *         VGPU_STUB_BITS_##CLASS, VALUE },
 *   static const struct row rows[] = { VGPU_STUB_CONFIG(ROW) };
 *
 *   NAME    the field; unique within a form
 *   FORMS   the forms of the device that have the field: VGPU_STUB_FORM_*
 *   OFFSET  from the start of configuration space, in bytes
 *   WIDTH   1, 2 or 4 bytes, little-endian, naturally aligned
 *   MASK    the field's bits in a read of WIDTH bytes at OFFSET
 *   CLASS   what may change these bits: VGPU_STUB_BITS_*
 *   VALUE   their value after a reset, within MASK
 *
 * Within a form, no two rows cover the same bit. Bits without a row are fixed
 * at zero: those between and after the capabilities, and extended space.
 */
#ifndef VGPU_STUB_CONFIG_H
#define VGPU_STUB_CONFIG_H

#include "vgpu_stub.h"
#include "vgpu_stub_queue.h"

/* The bus determines the form of the device */
#define VGPU_STUB_FORM_CONVENTIONAL     0x1     /* a conventional bus */
#define VGPU_STUB_FORM_INTEGRATED       0x2     /* an Express root bus */
#define VGPU_STUB_FORM_ENDPOINT         0x4     /* below an Express port */
#define VGPU_STUB_FORM_EXPRESS          0x6
#define VGPU_STUB_FORM_ALL              0x7

/* Constant */
#define VGPU_STUB_BITS_FIXED            0
/* The guest writes any value; every reset restores VALUE */
#define VGPU_STUB_BITS_GUEST            1
/* Depends on the machine's configuration; VALUE is the usual value */
#define VGPU_STUB_BITS_PLATFORM         2
/* Constant, but depends on the version of QEMU or the machine type */
#define VGPU_STUB_BITS_VERSION          3
/* Error bits: zero unless an error occurred; writing 1 clears them */
#define VGPU_STUB_BITS_ERROR            4

#define VGPU_STUB_CONFIG_COMMON(ROW)                                           \
    /* Type 0 header: PCI Local Bus 3.0, section 6.1 */                        \
    ROW(VENDOR_ID, ALL, 0x00, 2, 0xffff, FIXED, VGPU_STUB_VENDOR_ID)           \
    ROW(DEVICE_ID, ALL, 0x02, 2, 0xffff, FIXED, VGPU_STUB_DEVICE_ID)           \
    ROW(COMMAND_IO, ALL, 0x04, 2, 0x0001, GUEST, 0)                            \
    ROW(COMMAND_MEMORY, ALL, 0x04, 2, 0x0002, GUEST, 0)                        \
    ROW(COMMAND_MASTER, ALL, 0x04, 2, 0x0004, GUEST, 0)                        \
    ROW(COMMAND_SPECIAL, ALL, 0x04, 2, 0x0008, FIXED, 0)                       \
    ROW(COMMAND_INVALIDATE, ALL, 0x04, 2, 0x0010, FIXED, 0)                    \
    ROW(COMMAND_VGA_SNOOP, ALL, 0x04, 2, 0x0020, FIXED, 0)                     \
    ROW(COMMAND_PARITY, ALL, 0x04, 2, 0x0040, FIXED, 0)                        \
    ROW(COMMAND_STEPPING, ALL, 0x04, 2, 0x0080, FIXED, 0)                      \
    ROW(COMMAND_SERR, ALL, 0x04, 2, 0x0100, GUEST, 0)                          \
    ROW(COMMAND_FAST_BACK, ALL, 0x04, 2, 0x0200, FIXED, 0)                     \
    ROW(COMMAND_INTX_DISABLE, ALL, 0x04, 2, 0x0400, GUEST, 0)                  \
    ROW(COMMAND_RESERVED, ALL, 0x04, 2, 0xf800, FIXED, 0)                      \
    ROW(STATUS_RESERVED, ALL, 0x06, 2, 0x0007, FIXED, 0)                       \
    ROW(STATUS_INTX, ALL, 0x06, 2, 0x0008, FIXED, 0)                           \
    ROW(STATUS_CAP_LIST, ALL, 0x06, 2, 0x0010, FIXED, 0x0010)                  \
    ROW(STATUS_66MHZ, ALL, 0x06, 2, 0x0020, FIXED, 0)                          \
    ROW(STATUS_UDF, ALL, 0x06, 2, 0x0040, FIXED, 0)                            \
    ROW(STATUS_FAST_BACK, ALL, 0x06, 2, 0x0080, FIXED, 0)                      \
    ROW(STATUS_MASTER_PARITY, ALL, 0x06, 2, 0x0100, ERROR, 0)                  \
    ROW(STATUS_DEVSEL, ALL, 0x06, 2, 0x0600, FIXED, 0)                         \
    ROW(STATUS_SIG_TARGET_ABORT, ALL, 0x06, 2, 0x0800, ERROR, 0)               \
    ROW(STATUS_REC_TARGET_ABORT, ALL, 0x06, 2, 0x1000, ERROR, 0)               \
    ROW(STATUS_REC_MASTER_ABORT, ALL, 0x06, 2, 0x2000, ERROR, 0)               \
    ROW(STATUS_SIG_SYSTEM_ERROR, ALL, 0x06, 2, 0x4000, ERROR, 0)               \
    ROW(STATUS_DETECTED_PARITY, ALL, 0x06, 2, 0x8000, ERROR, 0)                \
    ROW(REVISION, ALL, 0x08, 1, 0xff, FIXED, VGPU_STUB_REVISION)               \
    ROW(PROG_IF, ALL, 0x09, 1, 0xff, FIXED, VGPU_STUB_PROG_IF)                 \
    ROW(CLASS, ALL, 0x0a, 2, 0xffff, FIXED, VGPU_STUB_CLASS)                   \
    ROW(CACHE_LINE_SIZE, ALL, 0x0c, 1, 0xff, GUEST, 0)                         \
    ROW(LATENCY_TIMER, ALL, 0x0d, 1, 0xff, FIXED, 0)                           \
    ROW(HEADER_TYPE, ALL, 0x0e, 1, 0x7f, FIXED, VGPU_STUB_HEADER_TYPE)         \
    ROW(MULTIFUNCTION, ALL, 0x0e, 1, 0x80, PLATFORM, 0)                        \
    ROW(BIST, ALL, 0x0f, 1, 0xff, FIXED, 0)                                    \
    ROW(BAR0_FLAGS, ALL, 0x10, 4, 0x0000000f, FIXED, VGPU_STUB_BAR0_FLAGS)     \
    ROW(BAR0_ALIGNMENT, ALL, 0x10, 4, 0x00000ff0, FIXED, 0)                    \
    ROW(BAR0_ADDRESS, ALL, 0x10, 4, 0xfffff000, GUEST, 0)                      \
    ROW(BAR1, ALL, 0x14, 4, 0xffffffff, FIXED, 0)                              \
    ROW(BAR2, ALL, 0x18, 4, 0xffffffff, FIXED, 0)                              \
    ROW(BAR3, ALL, 0x1c, 4, 0xffffffff, FIXED, 0)                              \
    ROW(BAR4, ALL, 0x20, 4, 0xffffffff, FIXED, 0)                              \
    ROW(BAR5, ALL, 0x24, 4, 0xffffffff, FIXED, 0)                              \
    ROW(CARDBUS_CIS, ALL, 0x28, 4, 0xffffffff, FIXED, 0)                       \
    ROW(SUBSYSTEM_VENDOR_ID, ALL, 0x2c, 2, 0xffff, FIXED,                      \
        VGPU_STUB_SUBSYSTEM_VENDOR_ID)                                         \
    ROW(SUBSYSTEM_ID, ALL, 0x2e, 2, 0xffff, FIXED, VGPU_STUB_SUBSYSTEM_ID)     \
    ROW(EXPANSION_ROM, ALL, 0x30, 4, 0xffffffff, FIXED, 0)                     \
    ROW(RESERVED_35, ALL, 0x34, 4, 0xffffff00, FIXED, 0)                       \
    ROW(RESERVED_38, ALL, 0x38, 4, 0xffffffff, FIXED, 0)                       \
    ROW(INTERRUPT_LINE, ALL, 0x3c, 1, 0xff, GUEST, 0)                          \
    ROW(INTERRUPT_PIN, ALL, 0x3d, 1, 0xff, FIXED, 0)                           \
    ROW(MIN_GRANT, ALL, 0x3e, 1, 0xff, FIXED, 0)                               \
    ROW(MAX_LATENCY, ALL, 0x3f, 1, 0xff, FIXED, 0)                             \
    /* Power Management: PCI Power Management 1.2, section 3.2 */              \
    ROW(PM_ID, ALL, 0x40, 1, 0xff, FIXED, 0x01)                                \
    ROW(PM_NEXT, ALL, 0x41, 1, 0xff, FIXED, 0)                                 \
    ROW(PMC_VERSION, ALL, 0x42, 2, 0x0007, FIXED, 0x0003)                      \
    ROW(PMC_PME_CLOCK, ALL, 0x42, 2, 0x0008, FIXED, 0)                         \
    ROW(PMC_RESERVED, ALL, 0x42, 2, 0x0010, FIXED, 0)                          \
    ROW(PMC_DSI, ALL, 0x42, 2, 0x0020, FIXED, 0)                               \
    ROW(PMC_AUX_CURRENT, ALL, 0x42, 2, 0x01c0, FIXED, 0)                       \
    ROW(PMC_D1_D2, ALL, 0x42, 2, 0x0600, FIXED, 0)                             \
    ROW(PMC_PME, ALL, 0x42, 2, 0xf800, FIXED, 0)                               \
    /* D0 or D3hot: writing D1 or D2 does not change the state */              \
    ROW(PMCSR_POWER_STATE, ALL, 0x44, 2, 0x0003, GUEST, 0)                     \
    ROW(PMCSR_NO_SOFT_RESET, ALL, 0x44, 2, 0x0008, FIXED, 0x0008)              \
    ROW(PMCSR_RESERVED, ALL, 0x44, 2, 0x00f4, FIXED, 0)                        \
    ROW(PMCSR_PME, ALL, 0x44, 2, 0x8100, FIXED, 0)                             \
    ROW(PMCSR_DATA, ALL, 0x44, 2, 0x7e00, FIXED, 0)                            \
    ROW(PM_BRIDGE, ALL, 0x46, 1, 0xff, FIXED, 0)                               \
    ROW(PM_DATA, ALL, 0x47, 1, 0xff, FIXED, 0)                                 \
    /* PCI Express: PCI Express Base 4.0, section 7.5.3 */                     \
    ROW(EXP_ID, EXPRESS, 0x80, 1, 0xff, FIXED, 0x10)                           \
    ROW(EXP_NEXT, EXPRESS, 0x81, 1, 0xff, FIXED, VGPU_STUB_PM_CAP_OFFSET)      \
    ROW(EXP_VERSION, EXPRESS, 0x82, 2, 0x000f, FIXED, 0x0002)                  \
    ROW(EXP_TYPE, INTEGRATED, 0x82, 2, 0x00f0, FIXED, 0x0090)                  \
    ROW(EXP_TYPE, ENDPOINT, 0x82, 2, 0x00f0, FIXED, 0)                         \
    ROW(EXP_SLOT, EXPRESS, 0x82, 2, 0x0100, FIXED, 0)                          \
    ROW(EXP_INTERRUPT_MESSAGE, EXPRESS, 0x82, 2, 0x3e00, FIXED, 0)             \
    ROW(EXP_RESERVED, EXPRESS, 0x82, 2, 0xc000, FIXED, 0)                      \
    ROW(DEVCAP_MAX_PAYLOAD, EXPRESS, 0x84, 4, 0x00000007, FIXED, 0)            \
    ROW(DEVCAP_PHANTOM, EXPRESS, 0x84, 4, 0x00000018, FIXED, 0)                \
    ROW(DEVCAP_EXT_TAG, EXPRESS, 0x84, 4, 0x00000020, VERSION, 0)              \
    ROW(DEVCAP_LATENCY, EXPRESS, 0x84, 4, 0x00000fc0, FIXED, 0)                \
    ROW(DEVCAP_ROLE_BASED_ERRORS, EXPRESS, 0x84, 4, 0x00008000, FIXED,         \
        0x00008000)                                                            \
    ROW(DEVCAP_SLOT_POWER, EXPRESS, 0x84, 4, 0x0ffc0000, FIXED, 0)             \
    ROW(DEVCAP_FLR, EXPRESS, 0x84, 4, 0x10000000, FIXED, 0x10000000)           \
    ROW(DEVCAP_RESERVED, EXPRESS, 0x84, 4, 0xe0037000, FIXED, 0)               \
    ROW(DEVCTL, EXPRESS, 0x88, 2, 0x7fff, FIXED, 0)                            \
    /* writing 1 starts a Function Level Reset */                              \
    ROW(DEVCTL_FLR, EXPRESS, 0x88, 2, 0x8000, FIXED, 0)                        \
    ROW(DEVSTA_ERRORS, EXPRESS, 0x8a, 2, 0x000f, ERROR, 0)                     \
    ROW(DEVSTA_AUX_POWER, EXPRESS, 0x8a, 2, 0x0010, FIXED, 0)                  \
    ROW(DEVSTA_PENDING, EXPRESS, 0x8a, 2, 0x0020, FIXED, 0)                    \
    ROW(DEVSTA_RESERVED, EXPRESS, 0x8a, 2, 0xffc0, FIXED, 0)                   \
    /* an integrated endpoint has no link */                                   \
    ROW(LNKCAP, INTEGRATED, 0x8c, 4, 0xffffffff, FIXED, 0)                     \
    ROW(LNKCAP, ENDPOINT, 0x8c, 4, 0xffffffff, FIXED, 0x00000411)              \
    ROW(LNKCTL, EXPRESS, 0x90, 2, 0xffff, FIXED, 0)                            \
    ROW(LNKSTA, INTEGRATED, 0x92, 2, 0xffff, FIXED, 0)                         \
    ROW(LNKSTA, ENDPOINT, 0x92, 2, 0xdfff, FIXED, 0x0011)                      \
    ROW(LNKSTA_ACTIVE, ENDPOINT, 0x92, 2, 0x2000, VERSION, 0)                  \
    ROW(SLTCAP, EXPRESS, 0x94, 4, 0xffffffff, FIXED, 0)                        \
    ROW(SLTCTL, EXPRESS, 0x98, 2, 0xffff, FIXED, 0)                            \
    ROW(SLTSTA, EXPRESS, 0x9a, 2, 0xffff, FIXED, 0)                            \
    ROW(RTCTL, EXPRESS, 0x9c, 2, 0xffff, FIXED, 0)                             \
    ROW(RTCAP, EXPRESS, 0x9e, 2, 0xffff, FIXED, 0)                             \
    ROW(RTSTA, EXPRESS, 0xa0, 4, 0xffffffff, FIXED, 0)                         \
    ROW(DEVCAP2_EXT_FORMAT, EXPRESS, 0xa4, 4, 0x00100000, FIXED, 0x00100000)   \
    ROW(DEVCAP2_EETLP_PREFIX, EXPRESS, 0xa4, 4, 0x00200000, FIXED, 0x00200000) \
    ROW(DEVCAP2, EXPRESS, 0xa4, 4, 0xffcfffff, FIXED, 0)                       \
    ROW(DEVCTL2, EXPRESS, 0xa8, 2, 0x7fff, FIXED, 0)                           \
    ROW(DEVCTL2_EETLP_BLOCKING, EXPRESS, 0xa8, 2, 0x8000, GUEST, 0)            \
    ROW(DEVSTA2, EXPRESS, 0xaa, 2, 0xffff, FIXED, 0)                           \
    ROW(LNKCAP2, EXPRESS, 0xac, 4, 0xffffffff, FIXED, 0)                       \
    ROW(LNKCTL2, EXPRESS, 0xb0, 2, 0xffff, FIXED, 0)                           \
    ROW(LNKSTA2, EXPRESS, 0xb2, 2, 0xffff, FIXED, 0)                           \
    ROW(SLTCAP2, EXPRESS, 0xb4, 4, 0xffffffff, FIXED, 0)                       \
    ROW(SLTCTL2, EXPRESS, 0xb8, 2, 0xffff, FIXED, 0)                           \
    ROW(SLTSTA2, EXPRESS, 0xba, 2, 0xffff, FIXED, 0)                           \
    /* Extended space: the null capability that ends an empty list */          \
    ROW(EXT_CAP, EXPRESS, 0x100, 4, 0xffffffff, FIXED, 0)

/* The rows that depend on queues */
#define VGPU_STUB_CONFIG_NO_QUEUES(ROW)                                        \
    ROW(CAP_POINTER, CONVENTIONAL, 0x34, 1, 0xff, FIXED,                       \
        VGPU_STUB_PM_CAP_OFFSET)                                               \
    ROW(CAP_POINTER, EXPRESS, 0x34, 1, 0xff, FIXED, VGPU_STUB_EXP_CAP_OFFSET)

#define VGPU_STUB_CONFIG_QUEUES(ROW)                                           \
    ROW(CAP_POINTER, ALL, 0x34, 1, 0xff, FIXED, VGPU_STUB_MSIX_CAP_OFFSET)     \
    /* MSI-X: PCI Local Bus 3.0, section 6.8.2; queues= sets the size */       \
    ROW(MSIX_ID, ALL, 0x50, 1, 0xff, FIXED, 0x11)                              \
    ROW(MSIX_NEXT, CONVENTIONAL, 0x51, 1, 0xff, FIXED,                         \
        VGPU_STUB_PM_CAP_OFFSET)                                               \
    ROW(MSIX_NEXT, EXPRESS, 0x51, 1, 0xff, FIXED, VGPU_STUB_EXP_CAP_OFFSET)    \
    ROW(MSIX_TABLE_SIZE, ALL, 0x52, 2, 0x07ff, PLATFORM, 1)                    \
    ROW(MSIX_RESERVED, ALL, 0x52, 2, 0x3800, FIXED, 0)                         \
    ROW(MSIX_MASK_ALL, ALL, 0x52, 2, 0x4000, GUEST, 0)                         \
    ROW(MSIX_ENABLE, ALL, 0x52, 2, 0x8000, GUEST, 0)                           \
    ROW(MSIX_TABLE, ALL, 0x54, 4, 0xffffffff, FIXED, VGPU_STUB_MSIX_TABLE)     \
    ROW(MSIX_PBA, ALL, 0x58, 4, 0xffffffff, FIXED, VGPU_STUB_MSIX_PBA)

/* The device without queues, and with them */
#define VGPU_STUB_CONFIG(ROW)                                                  \
    VGPU_STUB_CONFIG_COMMON(ROW)                                               \
    VGPU_STUB_CONFIG_NO_QUEUES(ROW)
#define VGPU_STUB_CONFIG_WITH_QUEUES(ROW)                                      \
    VGPU_STUB_CONFIG_COMMON(ROW)                                               \
    VGPU_STUB_CONFIG_QUEUES(ROW)

#define VGPU_STUB_CHECK_ROW(NAME, FORMS, OFFSET, WIDTH, MASK, CLASS, VALUE)    \
    _Static_assert(((VALUE) & ~(MASK)) == 0, #NAME ": value within mask");     \
    _Static_assert((OFFSET) % (WIDTH) == 0, #NAME ": naturally aligned");

VGPU_STUB_CONFIG_COMMON(VGPU_STUB_CHECK_ROW)
VGPU_STUB_CONFIG_NO_QUEUES(VGPU_STUB_CHECK_ROW)
VGPU_STUB_CONFIG_QUEUES(VGPU_STUB_CHECK_ROW)

#endif /* VGPU_STUB_CONFIG_H */
