/*
 * vgpu-stub: build in QEMU 4.2 and later
 *
 * The device is written for the newest QEMU, where nothing below applies. Each
 * section gives earlier versions a name or a signature of the newest one;
 * delete it when no supported version needs it.
 *
 * Include this file after QEMU's own headers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_VGPU_STUB_COMPAT_H
#define HW_MISC_VGPU_STUB_COMPAT_H

#include "qapi/error.h"
#include "qom/object.h"

#define VGPU_QEMU_AT_LEAST(major, minor) \
    (QEMU_VERSION_MAJOR > (major) || \
     (QEMU_VERSION_MAJOR == (major) && QEMU_VERSION_MINOR >= (minor)))

/* Before 8.0, pci.h defined struct PCIDevice */
#if VGPU_QEMU_AT_LEAST(8, 0)
#include "hw/pci/pci_device.h"
#else
#include "hw/pci/pci.h"
#endif

/* Before 10.0, the directory was sysemu/ */
#if VGPU_QEMU_AT_LEAST(10, 0)
#include "system/runstate.h"
#include "system/system.h"
#else
#include "sysemu/runstate.h"
#include "sysemu/sysemu.h"
#endif

/* Before 10.1, the directory was exec/ */
#if VGPU_QEMU_AT_LEAST(10, 1)
#include "system/address-spaces.h"
#include "system/ramblock.h"
#else
#include "exec/address-spaces.h"
#endif

/* Before 10.1, this was a field; before 8.1, always 0 */
#if VGPU_QEMU_AT_LEAST(8, 1) && !VGPU_QEMU_AT_LEAST(10, 1)
#include "exec/ramblock.h"
#define qemu_ram_get_fd_offset(block) ((block)->fd_offset)
#elif !VGPU_QEMU_AT_LEAST(8, 1)
#define qemu_ram_get_fd_offset(block) 0
#endif

/* Before 5.1, this did not exist; XCP-ng's 4.2 has no postcopy with Xen */
#if !VGPU_QEMU_AT_LEAST(5, 1)
#define migration_in_incoming_postcopy() false
#endif

/* Before 7.1, qemu_get_vm_name() was here */
#if !VGPU_QEMU_AT_LEAST(7, 1)
#include "qemu-common.h"
#endif

/* Before 11.0, the directory was hw/ */
#if VGPU_QEMU_AT_LEAST(11, 0)
#include "hw/core/boards.h"
#include "hw/core/qdev-properties.h"
#include "hw/core/qdev-properties-system.h"
#else
#include "hw/boards.h"
#include "hw/qdev-properties.h"
#endif

/* Before 6.0, DEFINE_PROP_CHR() was in qdev-properties.h */
#if VGPU_QEMU_AT_LEAST(6, 0) && !VGPU_QEMU_AT_LEAST(11, 0)
#include "hw/qdev-properties-system.h"
#endif

/* Before 10.2, the name of a chardev's front end */
#if !VGPU_QEMU_AT_LEAST(10, 2)
#define CharFrontend CharBackend
#endif

/* Before 10.0, this took no attributes */
#if !VGPU_QEMU_AT_LEAST(10, 0)
#define memory_access_is_direct(mr, is_write, attrs) \
    memory_access_is_direct(mr, is_write)
#endif

/*
 * Callbacks whose parameters changed: these macros replace the parameters in
 * the function's definition. A name without parentheses is not expanded.
 */

/* Before 6.0, running was an int */
#if !VGPU_QEMU_AT_LEAST(6, 0)
#define vgpu_run_state_changed(opaque_param, running_param, state_param) \
    vgpu_run_state_changed(opaque_param, int running, state_param)
#endif

/* Before 11.0.50, post_save() returned an int, always 0: wrap ours */
#if QEMU_VERSION_MAJOR < 11 || \
    (QEMU_VERSION_MAJOR == 11 && QEMU_VERSION_MINOR == 0 && \
     QEMU_VERSION_MICRO < 50)
#define vgpu_queues_post_save(opaque_param) \
    vgpu_void_post_save(opaque_param); \
    static int vgpu_queues_post_save(void *opaque) \
    { \
        vgpu_void_post_save(opaque); \
        return 0; \
    } \
    static void vgpu_void_post_save(opaque_param)
#endif

/* Before 9.0, this could not fail: wrap ours, which does not */
#if !VGPU_QEMU_AT_LEAST(9, 0)
#define vgpu_memory_log_start(listener_param, errp_param) \
    vgpu_bool_log_start(listener_param, errp_param); \
    static void vgpu_memory_log_start(listener_param) \
    { \
        vgpu_bool_log_start(listener, NULL); \
    } \
    static bool vgpu_bool_log_start(listener_param, errp_param)
#endif

/* Before 6.0, this got the channel; before 5.0, an event was an int */
#if !VGPU_QEMU_AT_LEAST(6, 0)
#define vgpu_channel_can_write(unused_param, cond_param, opaque_param) \
    vgpu_channel_can_write(GIOChannel *unused, cond_param, opaque_param)
#endif
#if !VGPU_QEMU_AT_LEAST(5, 0)
#define vgpu_channel_event(opaque_param, event_param) \
    vgpu_channel_event(opaque_param, int event)
#endif

/* Before 10.1, the data of class_init() was not const */
#if !VGPU_QEMU_AT_LEAST(10, 1)
#define vgpu_class_init(klass_param, data_param) \
    vgpu_class_init(klass_param, void *data)
#endif

/* Before 9.1, a reset had no type; before 5.0, it took a DeviceState */
#if !VGPU_QEMU_AT_LEAST(5, 0)
#define vgpu_reset_hold(obj_param, type_param) \
    vgpu_reset_hold(DeviceState *obj)
#elif !VGPU_QEMU_AT_LEAST(9, 1)
#define vgpu_reset_hold(obj_param, type_param) \
    vgpu_reset_hold(obj_param)
#endif

/* Before 5.0, reset() of DeviceClass did what the hold phase does now */
#if !VGPU_QEMU_AT_LEAST(5, 0)
typedef struct ResettableClass {
    struct {
        DeviceReset hold;
    } phases;
} ResettableClass;

static inline ResettableClass *RESETTABLE_CLASS(ObjectClass *klass)
{
    return (ResettableClass *)&DEVICE_CLASS(klass)->reset;
}
#endif

/* Before 10.0, an unnamed element had to end an array of properties */
#if !VGPU_QEMU_AT_LEAST(10, 0)
static inline Property *vgpu_ended_props(const Property *props, size_t n)
{
    Property *ended = g_new0(Property, n + 1);

    memcpy(ended, props, n * sizeof(*props));
    return ended;
}
#endif
#if !VGPU_QEMU_AT_LEAST(5, 0)
#define device_class_set_props(dc, array) \
    ((dc)->props = vgpu_ended_props(array, ARRAY_SIZE(array)))
#elif !VGPU_QEMU_AT_LEAST(10, 0)
#define device_class_set_props(dc, array) \
    device_class_set_props(dc, vgpu_ended_props(array, ARRAY_SIZE(array)))
#endif

/* Before 10.0, there was no pci_pm_init() */
#if !VGPU_QEMU_AT_LEAST(10, 0)
static inline int pci_pm_init(PCIDevice *pci_dev, uint8_t offset, Error **errp)
{
    return pci_add_capability(pci_dev, PCI_CAP_ID_PM, offset, PCI_PM_SIZEOF,
                              errp);
}
#endif

/* Before 5.2, this macro did not exist */
#if !VGPU_QEMU_AT_LEAST(5, 2)
#define OBJECT_DECLARE_SIMPLE_TYPE(InstanceType, MODULE_OBJ_NAME) \
    typedef struct InstanceType InstanceType; \
    static inline InstanceType *MODULE_OBJ_NAME(void *obj) \
    { \
        return OBJECT_CHECK(InstanceType, obj, TYPE_##MODULE_OBJ_NAME); \
    }
#endif

/*
 * Before 5.1, these took an Error pointer; before 5.0, there were no flags and
 * every such property was read-only.
 */
#if !VGPU_QEMU_AT_LEAST(5, 0)
#define object_property_add_uint32_ptr(obj, name, v, flags) \
    object_property_add_uint32_ptr(obj, name, v, &error_abort)
#elif !VGPU_QEMU_AT_LEAST(5, 1)
#define object_property_add_uint32_ptr(obj, name, v, flags) \
    object_property_add_uint32_ptr(obj, name, v, flags, &error_abort)
#endif
#if !VGPU_QEMU_AT_LEAST(5, 1)
#define object_property_del(obj, name) \
    object_property_del(obj, name, &error_abort)
#endif

/* Before 10.1, there was no callback that returns a value */
#if !VGPU_QEMU_AT_LEAST(10, 1)
#define qdev_add_vm_change_state_handler(dev, cb, cb_ret, opaque) \
    qdev_add_vm_change_state_handler(dev, cb, opaque)
#endif

/* Before 10.2, these printed an error themselves */
#if !VGPU_QEMU_AT_LEAST(10, 2)
#define vmstate_load_state(f, vmsd, opaque, version_id, errp) \
    vmstate_load_state(f, vmsd, opaque, version_id)
#define vmstate_save_state(f, vmsd, opaque, vmdesc, errp) \
    vmstate_save_state(f, vmsd, opaque, vmdesc)
#endif

/* Before 8.1 and its stable releases, bottom halves were not guarded */
#ifndef qemu_bh_new_guarded
#define qemu_bh_new_guarded(cb, opaque, guard) qemu_bh_new(cb, opaque)
#endif

/* Before 6.0, JSONWriter was QJSON */
#if !VGPU_QEMU_AT_LEAST(6, 0)
#define JSONWriter QJSON
#endif

#endif
