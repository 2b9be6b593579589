/*
 * vgpu-stub: what differs between the QEMU versions that it builds in
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_VGPU_STUB_COMPAT_H
#define HW_MISC_VGPU_STUB_COMPAT_H

#include "qapi/error.h"

/* struct PCIDevice moved with 8.0 */
#if QEMU_VERSION_MAJOR >= 8
#include "hw/pci/pci_device.h"
#else
#include "hw/pci/pci.h"
#endif

/* class_init's data is const since 10.1, reset has a type since 9.1 */
#define VGPU_CLASS_DATA         void
#define VGPU_RESET_HOLD_ARGS    Object *obj

/* pci_pm_init() came with 10.0 */
static inline int pci_pm_init(PCIDevice *pci_dev, uint8_t offset, Error **errp)
{
    return pci_add_capability(pci_dev, PCI_CAP_ID_PM, offset, PCI_PM_SIZEOF,
                              errp);
}

#endif
