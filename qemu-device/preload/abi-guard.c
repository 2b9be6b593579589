/*
 * vgpu-stub: compare the layout of PCIDevice in QEMU with the one compiled in
 *
 * preload.c has already compared the versions. A QEMU of the same version with
 * another configuration can still lay out PCIDevice differently: CONFIG_INT128
 * alone changes the size of every MemoryRegion in it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "hw/qdev-properties.h"
#include "hw/misc/vgpu-stub-compat.h"

/* Fields from the start to the end of PCIDevice, each set by a property */
static const struct {
    const char *property;
    ptrdiff_t offset;
} known_fields[] = {
    { "addr", offsetof(PCIDevice, devfn) },
    { "multifunction", offsetof(PCIDevice, cap_present) },
    { "romfile", offsetof(PCIDevice, romfile) },
    { "rombar", offsetof(PCIDevice, rom_bar) },
    { "failover_pair_id", offsetof(PCIDevice, failover_pair_id) },
    { "acpi-index", offsetof(PCIDevice, acpi_index) },
};

/* The field's offset in the running QEMU, or -1 if it has no such property */
static ptrdiff_t offset_in_qemu(const char *name)
{
    ObjectClass *klass = object_class_by_name(TYPE_PCI_DEVICE);
    ObjectProperty *property = object_class_property_find(klass, name);
    const Property *qdev_property = property ? property->opaque : NULL;

    return qdev_property ? qdev_property->offset : -1;
}

static void vgpu_abi_guard(void)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(known_fields); i++) {
        ptrdiff_t offset = offset_in_qemu(known_fields[i].property);

        if (offset == known_fields[i].offset) {
            continue;
        }
        fprintf(stderr, "vgpu-stub: this QEMU and the device were built with "
                "different configurations: '%s' of a PCI device is at "
                "offset %td in QEMU, but at %td in the device; build the "
                "device into QEMU instead, see docs/in-tree.md\n",
                known_fields[i].property, offset, known_fields[i].offset);
        /* not exit(): QEMU's exit handlers abort this early */
        _exit(1);
    }
}

/* All types are registered before this stage, and no object exists yet */
migration_init(vgpu_abi_guard)
