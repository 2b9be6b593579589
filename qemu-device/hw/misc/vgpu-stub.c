/*
 * vgpu-stub: virtual PCI accelerator stub
 *
 * The device is specified in docs/specs/vgpu-stub.rst. It is conventional PCI
 * on a conventional bus and an Express endpoint on an Express bus.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "migration/vmstate.h"
#include "hw/pci/msix.h"
#include "qom/object.h"
#include "trace.h"
#include "vgpu-stub-config-space.h"
#include "vgpu-stub-internal.h"

/* BAR0 */

static void vgpu_bad_access(VGPUStubState *s, const char *op, hwaddr addr,
                            unsigned size, const char *why)
{
    if (s->bad_access < VGPU_STUB_BAD_ACCESS_MAX) {
        s->bad_access++;
    }
    trace_vgpu_stub_bad_access(op, addr, size, why);
    qemu_log_mask(LOG_GUEST_ERROR, "vgpu-stub: bad %s at 0x%" HWADDR_PRIx
                  ", %u bytes: %s\n", op, addr, size, why);
}

/* Check width and alignment; returns what is wrong, or NULL */
static const char *vgpu_access_fault(hwaddr addr, unsigned size)
{
    if (size != VGPU_STUB_REG_SIZE) {
        return "not 32 bits wide";
    }
    if (addr % VGPU_STUB_REG_SIZE) {
        return "misaligned";
    }
    return NULL;
}

static uint32_t vgpu_version(VGPUStubState *s)
{
    if (s->mediator) {
        return VGPU_STUB_VERSION_MEDIATOR;
    }
    return s->queue_count ? VGPU_STUB_VERSION_QUEUES : VGPU_STUB_VERSION;
}

static uint32_t vgpu_features(VGPUStubState *s)
{
    return (s->queue_count ? VGPU_STUB_FEATURE_QUEUES : VGPU_STUB_FEATURES) |
           (s->mediator ? VGPU_STUB_FEATURE_MEDIATOR : 0);
}

/* Read a register into @val; returns what is wrong with the access, or NULL */
static const char *vgpu_reg_read(VGPUStubState *s, hwaddr addr, uint32_t *val)
{
    switch (addr) {
    case VGPU_STUB_REG_MAGIC:
        *val = VGPU_STUB_MAGIC;
        return NULL;
    case VGPU_STUB_REG_VERSION:
        *val = vgpu_version(s);
        return NULL;
    case VGPU_STUB_REG_FEATURES:
        *val = vgpu_features(s);
        return NULL;
    case VGPU_STUB_REG_STATUS:
        *val = VGPU_STUB_STATUS;
        if (vgpu_back_end(s) != VGPU_BACK_END_READY) {
            *val |= VGPU_STUB_STATUS_NO_BACKEND;
        }
        return NULL;
    case VGPU_STUB_REG_SCRATCH:
        *val = s->scratch;
        return NULL;
    case VGPU_STUB_REG_BAD_ACCESS:
        *val = s->bad_access;
        return NULL;
    default:
        return vgpu_queues_read(s, addr, val);
    }
}

static const char *vgpu_reg_write(VGPUStubState *s, hwaddr addr, uint32_t val)
{
    switch (addr) {
    case VGPU_STUB_REG_SCRATCH:
        s->scratch = val;
        return NULL;
    case VGPU_STUB_REG_MAGIC:
    case VGPU_STUB_REG_VERSION:
    case VGPU_STUB_REG_FEATURES:
    case VGPU_STUB_REG_STATUS:
    case VGPU_STUB_REG_BAD_ACCESS:
        return "read-only register";
    default:
        return vgpu_queues_write(s, addr, val);
    }
}

static uint64_t vgpu_mmio_read(void *opaque, hwaddr addr, unsigned size)
{
    VGPUStubState *s = opaque;
    const char *fault = vgpu_access_fault(addr, size);
    uint64_t msix;
    uint32_t val = 0;

    if (s->serving) {
        return 0;
    }
    if (addr >= VGPU_STUB_WIN_MSIX &&
        vgpu_msix_read(PCI_DEVICE(s), addr, size, &msix)) {
        return msix;
    }
    if (!fault) {
        fault = vgpu_reg_read(s, addr, &val);
    }
    if (fault) {
        vgpu_bad_access(s, "read", addr, size, fault);
    }
    trace_vgpu_stub_mmio_read(addr, size, val);
    return val;
}

static void vgpu_mmio_write(void *opaque, hwaddr addr, uint64_t val,
                            unsigned size)
{
    VGPUStubState *s = opaque;
    const char *fault = vgpu_access_fault(addr, size);

    if (s->serving ||
        (addr >= VGPU_STUB_WIN_MSIX &&
         vgpu_msix_write(PCI_DEVICE(s), addr, val, size))) {
        return;
    }
    trace_vgpu_stub_mmio_write(addr, size, val);
    if (!fault) {
        fault = vgpu_reg_write(s, addr, val);
    }
    if (fault) {
        vgpu_bad_access(s, "write", addr, size, fault);
    }
}

/*
 * Accept every width and alignment, so that the handlers count and log bad
 * accesses. The memory core would split or drop them.
 */
static const MemoryRegionOps vgpu_mmio_ops = {
    .read = vgpu_mmio_read,
    .write = vgpu_mmio_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 1,
        .max_access_size = 8,
        .unaligned = true,
    },
    .impl = {
        .min_access_size = 1,
        .max_access_size = 8,
        .unaligned = true,
    },
};

/* Power management (PCI Power Management 1.2, section 5.3) */

/* In D3hot a function responds to configuration cycles only */
static void vgpu_update_bar(VGPUStubState *s)
{
    memory_region_set_enabled(&s->mmio, vgpu_config_power_state(PCI_DEVICE(s))
                                        == VGPU_PM_D0);
}

static void vgpu_write_config(PCIDevice *pci_dev, uint32_t addr, uint32_t val,
                              int len)
{
    VGPUStubState *s = VGPU_STUB(pci_dev);
    unsigned old = vgpu_config_power_state(pci_dev);
    unsigned new;

    pci_default_write_config(pci_dev, addr, val, len);

    new = vgpu_config_power_state(pci_dev);
    if (!vgpu_config_power_state_valid(new)) {
        /* writing an unsupported state changes nothing */
        vgpu_config_set_power_state(pci_dev, old);
        new = old;
    }
    if (new != old) {
        trace_vgpu_stub_power_state(old, new);
        vgpu_update_bar(s);
    }

    if (s->queue_count) {
        msix_write_config(pci_dev, addr, val, len);
        vgpu_queues_update(s);
    }
    if (vgpu_config_starts_flr(pci_dev, addr, val, len)) {
        pci_device_reset(pci_dev);
    }
}

/* Reset and migration */

static void vgpu_reset_hold(Object *obj, ResetType type)
{
    VGPUStubState *s = VGPU_STUB(obj);

    trace_vgpu_stub_reset();
    s->scratch = VGPU_STUB_SCRATCH;
    s->bad_access = VGPU_STUB_BAD_ACCESS;
    vgpu_config_reset(PCI_DEVICE(s));
    vgpu_update_bar(s);
    if (s->queue_count) {
        msix_reset(PCI_DEVICE(s));
        vgpu_queues_reset(s);
        vgpu_queues_update(s);
    }
}

static int vgpu_load_pci_device(QEMUFile *f, void *pv, size_t size,
                                const VMStateField *field)
{
    VGPUStubState *s = VGPU_STUB(pv);
    int ret = vgpu_config_load(PCI_DEVICE(s), f);

    vgpu_update_bar(s);
    return ret;
}

static int vgpu_save_pci_device(QEMUFile *f, void *pv, size_t size,
                                const VMStateField *field, JSONWriter *vmdesc)
{
    return vmstate_save_state(f, &vmstate_pci_device, pv, NULL, NULL);
}

static const VMStateInfo vgpu_vmstate_info_pci_device = {
    .name = "PCIDevice",
    .get = vgpu_load_pci_device,
    .put = vgpu_save_pci_device,
};

static const VMStateDescription vmstate_vgpu_stub = {
    .name = TYPE_VGPU_STUB,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_load = vgpu_pre_load,
    .post_load = vgpu_post_load,
    .fields = (VMStateField[]) {
        {
            /* the format of VMSTATE_PCI_DEVICE() */
            .name = "parent_obj",
            .size = sizeof(PCIDevice),
            .vmsd = &vmstate_pci_device,
            .info = &vgpu_vmstate_info_pci_device,
            .flags = VMS_SINGLE,
            .offset = vmstate_offset_value(VGPUStubState, parent_obj,
                                           PCIDevice),
        },
        VMSTATE_UINT32(scratch, VGPUStubState),
        VMSTATE_UINT32(bad_access, VGPUStubState),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription * []) {
        &vmstate_vgpu_queues,
        NULL
    }
};

/* Device */

/*
 * Add them at realize: -device vgpu-stub,help lists properties that are added
 * earlier as if a user could set them.
 */
static void vgpu_add_properties(VGPUStubState *s)
{
    Object *obj = OBJECT(s);

    object_property_add_uint32_ptr(obj, "scratch", &s->scratch,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint32_ptr(obj, "bad-access", &s->bad_access,
                                   OBJ_PROP_FLAG_READ);
}

static bool vgpu_check_queues(VGPUStubState *s, Error **errp)
{
    if (s->queue_count > VGPU_STUB_QUEUES_MAX) {
        error_setg(errp, "vgpu-stub: queues=%u is above the maximum, %u",
                   s->queue_count, VGPU_STUB_QUEUES_MAX);
        return false;
    }
    return vgpu_mediator_check(s, errp);
}

static void vgpu_realize(PCIDevice *pci_dev, Error **errp)
{
    VGPUStubState *s = VGPU_STUB(pci_dev);

    if (!vgpu_check_queues(s, errp)) {
        return;
    }
    memory_region_init_io(&s->mmio, OBJECT(s), &vgpu_mmio_ops, s,
                          "vgpu-stub-mmio", VGPU_STUB_BAR0_SIZE);
    /*
     * Not a part of BAR0: in a page that several regions share, QEMU looks up
     * each access twice, and reading a register takes twice as long.
     */
    memory_region_init(&s->msix, OBJECT(s), "vgpu-stub-msix",
                       VGPU_STUB_BAR0_SIZE);
    if (!vgpu_config_realize(pci_dev, &s->msix, s->queue_count, errp)) {
        return;
    }
    pci_register_bar(pci_dev, 0, PCI_BASE_ADDRESS_SPACE_MEMORY, &s->mmio);
    vgpu_add_properties(s);
    if (s->queue_count) {
        vgpu_queues_realize(s);
    }
}

static void vgpu_exit(PCIDevice *pci_dev)
{
    VGPUStubState *s = VGPU_STUB(pci_dev);

    if (s->queue_count) {
        vgpu_queues_unrealize(s);
        vgpu_config_unrealize(pci_dev, &s->msix);
    }
    object_property_del(OBJECT(pci_dev), "scratch");
    object_property_del(OBJECT(pci_dev), "bad-access");
}

/* Before realize, QEMU derives configuration space's size from this flag */
static void vgpu_instance_init(Object *obj)
{
    PCI_DEVICE(obj)->cap_present |= QEMU_PCI_CAP_EXPRESS;
}

static void vgpu_instance_finalize(Object *obj)
{
    vgpu_queues_finalize(VGPU_STUB(obj));
}

static const Property vgpu_properties[] = {
    DEFINE_PROP_UINT32("queues", VGPUStubState, queue_count, 1),
    DEFINE_PROP_CHR("mediator", VGPUStubState, mediator_chr),
    DEFINE_PROP_UINT32("mediator-timeout", VGPUStubState, mediator_timeout,
                       10000),
};

static void vgpu_class_init(ObjectClass *klass, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    k->realize = vgpu_realize;
    k->exit = vgpu_exit;
    k->config_write = vgpu_write_config;
    k->vendor_id = VGPU_STUB_VENDOR_ID;
    k->device_id = VGPU_STUB_DEVICE_ID;
    k->subsystem_vendor_id = VGPU_STUB_SUBSYSTEM_VENDOR_ID;
    k->subsystem_id = VGPU_STUB_SUBSYSTEM_ID;
    k->revision = VGPU_STUB_REVISION;
    k->class_id = VGPU_STUB_CLASS;

    rc->phases.hold = vgpu_reset_hold;
    device_class_set_props(dc, vgpu_properties);
    dc->desc = "Virtual accelerator stub";
    dc->vmsd = &vmstate_vgpu_stub;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo vgpu_stub_info = {
    .name = TYPE_VGPU_STUB,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(VGPUStubState),
    .instance_init = vgpu_instance_init,
    .instance_finalize = vgpu_instance_finalize,
    .class_init = vgpu_class_init,
    .interfaces = (InterfaceInfo[]) {
        { INTERFACE_CONVENTIONAL_PCI_DEVICE },
        { INTERFACE_PCIE_DEVICE },
        { }
    },
};

static void vgpu_register_types(void)
{
    type_register_static(&vgpu_stub_info);
}

type_init(vgpu_register_types)
