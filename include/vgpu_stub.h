/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-stub: the hardware interface
 *
 * The device's IDs and registers. The device model, the guest driver, the tools
 * and the tests include this file instead of repeating its numbers; a test
 * compares the specification, qemu-device/docs/specs/vgpu-stub.rst, with it.
 * vgpu_stub_config.h defines every bit of configuration space.
 *
 * It contains only macros, so it compiles unchanged in QEMU, in the Linux
 * kernel and in user space.
 */
#ifndef VGPU_STUB_H
#define VGPU_STUB_H

/* Configuration space, type 0 header (PCI Local Bus 3.0, section 6.1) */
#define VGPU_STUB_VENDOR_ID             0x1af4  /* Red Hat, Inc. */
#define VGPU_STUB_DEVICE_ID             0x1111
#define VGPU_STUB_SUBSYSTEM_VENDOR_ID   0x1af4
#define VGPU_STUB_SUBSYSTEM_ID          0x1111
#define VGPU_STUB_REVISION              0x01
#define VGPU_STUB_CLASS                 0x1200  /* processing accelerator */
#define VGPU_STUB_PROG_IF               0x00
#define VGPU_STUB_HEADER_TYPE           0x00    /* without bit 7 */

/* Power Management capability (PCI Power Management 1.2, section 3.2) */
#define VGPU_STUB_PM_CAP_OFFSET         0x40
#define VGPU_STUB_PMC                   0x0003  /* version 3, no D1, D2, PME */
#define VGPU_STUB_PMCSR                 0x0008  /* D0, NoSoftRst */

/* PCI Express capability, only on an Express bus */
#define VGPU_STUB_EXP_CAP_OFFSET        0x80

/* BAR0: 32-bit, non-prefetchable memory (the low four bits of the BAR) */
#define VGPU_STUB_BAR0_FLAGS            0x0
#define VGPU_STUB_BAR0_SIZE             0x1000

/*
 * BAR0 is divided into four windows. Version 1.0 has registers only in the
 * first; the others are reserved for features that FEATURES announces.
 */
#define VGPU_STUB_WIN_CONTROL           0x000   /* identification, control */
#define VGPU_STUB_WIN_CONTROL_SIZE      0x100
#define VGPU_STUB_WIN_QUEUE             0x100   /* queue registers */
#define VGPU_STUB_WIN_QUEUE_SIZE        0x700
#define VGPU_STUB_WIN_DOORBELL          0x800   /* doorbells */
#define VGPU_STUB_WIN_DOORBELL_SIZE     0x400
#define VGPU_STUB_WIN_MSIX              0xc00   /* MSI-X table and PBA */
#define VGPU_STUB_WIN_MSIX_SIZE         0x400

/*
 * Registers are 32 bits wide and little-endian. Any access other than an
 * aligned 32-bit read of a register, or write of a writable one, is a bad
 * access: it reads zero, changes nothing and is counted in BAD_ACCESS.
 */
#define VGPU_STUB_REG_SIZE              4

#define VGPU_STUB_REG_MAGIC             0x000   /* RO */
#define VGPU_STUB_REG_VERSION           0x004   /* RO */
#define VGPU_STUB_REG_FEATURES          0x008   /* RO */
#define VGPU_STUB_REG_STATUS            0x010   /* RO */
#define VGPU_STUB_REG_SCRATCH           0x014   /* RW */
#define VGPU_STUB_REG_BAD_ACCESS        0x018   /* RO */

/* MAGIC: the bytes "VGPU" in memory order */
#define VGPU_STUB_MAGIC                 0x55504756

/*
 * VERSION: bits 31:16 major, 15:0 minor. A driver refuses an unknown major
 * version; a higher minor version only adds registers or feature bits.
 */
#define VGPU_STUB_VERSION_MAJOR         1
#define VGPU_STUB_VERSION_MINOR         0
#define VGPU_STUB_VERSION               0x00010000
#define VGPU_STUB_MAJOR(version)        (((version) >> 16) & 0xffff)
#define VGPU_STUB_MINOR(version)        ((version) & 0xffff)

/* FEATURES: one bit per optional part of the device; version 1.0 has none */
#define VGPU_STUB_FEATURES              0x00000000

/* STATUS */
#define VGPU_STUB_STATUS_READY          0x00000001  /* registers are usable */
#define VGPU_STUB_STATUS                VGPU_STUB_STATUS_READY

/* SCRATCH: reads back the last value written, for liveness checks */
#define VGPU_STUB_SCRATCH               0x00000000

/* BAD_ACCESS: saturates at its maximum; a reset clears it */
#define VGPU_STUB_BAD_ACCESS            0x00000000
#define VGPU_STUB_BAD_ACCESS_MAX        0xffffffff

_Static_assert(VGPU_STUB_WIN_CONTROL + VGPU_STUB_WIN_CONTROL_SIZE ==
               VGPU_STUB_WIN_QUEUE, "control window ends at the queues");
_Static_assert(VGPU_STUB_WIN_QUEUE + VGPU_STUB_WIN_QUEUE_SIZE ==
               VGPU_STUB_WIN_DOORBELL, "queue window ends at the doorbells");
_Static_assert(VGPU_STUB_WIN_DOORBELL + VGPU_STUB_WIN_DOORBELL_SIZE ==
               VGPU_STUB_WIN_MSIX, "doorbell window ends at the MSI-X table");
_Static_assert(VGPU_STUB_WIN_MSIX + VGPU_STUB_WIN_MSIX_SIZE ==
               VGPU_STUB_BAR0_SIZE, "MSI-X window ends with the BAR");
_Static_assert(VGPU_STUB_REG_BAD_ACCESS + VGPU_STUB_REG_SIZE <=
               VGPU_STUB_WIN_CONTROL_SIZE, "registers fit their window");
_Static_assert(VGPU_STUB_MAGIC == ('V' | 'G' << 8 | 'P' << 16 | 'U' << 24),
               "magic spells VGPU");
_Static_assert(VGPU_STUB_MAJOR(VGPU_STUB_VERSION) == VGPU_STUB_VERSION_MAJOR &&
               VGPU_STUB_MINOR(VGPU_STUB_VERSION) == VGPU_STUB_VERSION_MINOR,
               "version is made of its two halves");

#endif /* VGPU_STUB_H */
