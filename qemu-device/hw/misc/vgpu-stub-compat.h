/*
 * vgpu-stub: what differs between the QEMU versions that it builds in
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_VGPU_STUB_COMPAT_H
#define HW_MISC_VGPU_STUB_COMPAT_H

#include "qapi/error.h"

#define VGPU_QEMU_AT_LEAST(major, minor) \
    (QEMU_VERSION_MAJOR > (major) || \
     (QEMU_VERSION_MAJOR == (major) && QEMU_VERSION_MINOR >= (minor)))

/* struct PCIDevice moved with 8.0 */
#if VGPU_QEMU_AT_LEAST(8, 0)
#include "hw/pci/pci_device.h"
#else
#include "hw/pci/pci.h"
#endif

/* class_init's data is const since 10.1 */
#if VGPU_QEMU_AT_LEAST(10, 1)
#define VGPU_CLASS_DATA         const void
#else
#define VGPU_CLASS_DATA         void
#endif

/* Resettable came with 5.0, the type of a reset with 9.1 */
#if VGPU_QEMU_AT_LEAST(9, 1)
#define VGPU_RESET_HOLD_ARGS    Object *obj, ResetType type
#elif VGPU_QEMU_AT_LEAST(5, 0)
#define VGPU_RESET_HOLD_ARGS    Object *obj
#else
#define VGPU_RESET_HOLD_ARGS    DeviceState *obj
#endif

#if VGPU_QEMU_AT_LEAST(5, 0)
#define VGPU_SET_RESET_HOLD(klass, fn) \
    (RESETTABLE_CLASS(klass)->phases.hold = (fn))
#else
#define VGPU_SET_RESET_HOLD(klass, fn)  (DEVICE_CLASS(klass)->reset = (fn))
#endif

/* This macro came with 5.2 */
#ifndef OBJECT_DECLARE_SIMPLE_TYPE
#define OBJECT_DECLARE_SIMPLE_TYPE(Type, NAME) \
    typedef struct Type Type; \
    static inline Type *NAME(void *obj) \
    { \
        return OBJECT_CHECK(Type, obj, TYPE_##NAME); \
    }
#endif

/* These functions cannot fail since 5.1; before, no flag says read-only */
static inline void vgpu_add_property(Object *obj, const char *name,
                                     const uint32_t *value, const char *desc)
{
#if VGPU_QEMU_AT_LEAST(5, 1)
    object_property_add_uint32_ptr(obj, name, value, OBJ_PROP_FLAG_READ);
    object_property_set_description(obj, name, desc);
#else
    object_property_add_uint32_ptr(obj, name, value, &error_abort);
    object_property_set_description(obj, name, desc, &error_abort);
#endif
}

/* This function came with 10.0 */
#if !VGPU_QEMU_AT_LEAST(10, 0)
static inline int pci_pm_init(PCIDevice *pci_dev, uint8_t offset, Error **errp)
{
    return pci_add_capability(pci_dev, PCI_CAP_ID_PM, offset, PCI_PM_SIZEOF,
                              errp);
}
#endif

#endif
