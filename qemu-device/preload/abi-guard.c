/*
 * vgpu-stub: hold QEMU's idea of a PCI device against the one compiled in
 *
 * The version is already known to match (preload.c). What is left is a build
 * whose configuration differs from QEMU's own, which moves the fields of
 * PCIDevice: CONFIG_INT128 alone makes 24 bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "hw/misc/vgpu-stub-compat.h"

static void vgpu_abi_guard(void)
{
    size_t theirs = object_type_get_instance_size(TYPE_PCI_DEVICE);

    if (theirs == sizeof(PCIDevice)) {
        return;
    }
    fprintf(stderr, "vgpu-stub: a PCI device has %zu bytes in this QEMU, %zu "
            "in the headers that the device was compiled with; run "
            "'make distclean device' to build it anew\n",
            theirs, sizeof(PCIDevice));
    /* not exit(): QEMU is not up yet, its exit handlers would abort */
    _exit(1);
}

/*
 * Types are complete when the migration stage runs, and no object exists yet.
 */
migration_init(vgpu_abi_guard)
