/*
 * vgpu-stub-faulty: a device with vgpu-stub's IDs that violates its
 * specification, to test the driver
 *
 * Its properties select the fault:
 *   magic=N, version=N, features=N, status=N, bad-access=N
 *                        values of these registers, default as specified
 *   bar-size=N           size of BAR0 in bytes, a power of two, at least 16
 *   bar-io=on            make BAR0 an I/O BAR
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "hw/qdev-properties.h"
#include "hw/misc/vgpu-stub-compat.h"
#include "vgpu_stub.h"

#define TYPE_VGPU_STUB_FAULTY "vgpu-stub-faulty"
OBJECT_DECLARE_SIMPLE_TYPE(VGPUFaultyState, VGPU_STUB_FAULTY)

struct VGPUFaultyState {
    PCIDevice parent_obj;

    MemoryRegion bar;
    uint32_t magic;
    uint32_t version;
    uint32_t features;
    uint32_t status;
    uint32_t bad_access;
    uint32_t bar_size;
    bool bar_io;
};

static uint64_t faulty_read(void *opaque, hwaddr addr, unsigned size)
{
    VGPUFaultyState *s = opaque;

    switch (addr) {
    case VGPU_STUB_REG_MAGIC:
        return s->magic;
    case VGPU_STUB_REG_VERSION:
        return s->version;
    case VGPU_STUB_REG_FEATURES:
        return s->features;
    case VGPU_STUB_REG_STATUS:
        return s->status;
    case VGPU_STUB_REG_BAD_ACCESS:
        return s->bad_access;
    default:
        return 0;
    }
}

static void faulty_write(void *opaque, hwaddr addr, uint64_t val, unsigned size)
{
}

static const MemoryRegionOps faulty_ops = {
    .read = faulty_read,
    .write = faulty_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
};

static void faulty_realize(PCIDevice *pci_dev, Error **errp)
{
    VGPUFaultyState *s = VGPU_STUB_FAULTY(pci_dev);

    memory_region_init_io(&s->bar, OBJECT(s), &faulty_ops, s,
                          "vgpu-stub-faulty", s->bar_size);
    pci_register_bar(pci_dev, 0, s->bar_io ? PCI_BASE_ADDRESS_SPACE_IO :
                     PCI_BASE_ADDRESS_SPACE_MEMORY, &s->bar);
}

/* Since QEMU 10.0, property arrays are const and have no end marker */
#if VGPU_QEMU_AT_LEAST(10, 0)
#define FAULTY_PROPERTY         const Property
#define FAULTY_PROPERTIES_END
#else
#define FAULTY_PROPERTY         Property
#define FAULTY_PROPERTIES_END   DEFINE_PROP_END_OF_LIST()
#endif

static FAULTY_PROPERTY faulty_properties[] = {
    DEFINE_PROP_UINT32("magic", VGPUFaultyState, magic, VGPU_STUB_MAGIC),
    DEFINE_PROP_UINT32("version", VGPUFaultyState, version, VGPU_STUB_VERSION),
    DEFINE_PROP_UINT32("features", VGPUFaultyState, features,
                       VGPU_STUB_FEATURES),
    DEFINE_PROP_UINT32("status", VGPUFaultyState, status, VGPU_STUB_STATUS),
    DEFINE_PROP_UINT32("bad-access", VGPUFaultyState, bad_access,
                       VGPU_STUB_BAD_ACCESS),
    DEFINE_PROP_UINT32("bar-size", VGPUFaultyState, bar_size,
                       VGPU_STUB_BAR0_SIZE),
    DEFINE_PROP_BOOL("bar-io", VGPUFaultyState, bar_io, false),
    FAULTY_PROPERTIES_END
};

static void faulty_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);

    k->realize = faulty_realize;
    k->vendor_id = VGPU_STUB_VENDOR_ID;
    k->device_id = VGPU_STUB_DEVICE_ID;
    k->class_id = VGPU_STUB_CLASS;
    device_class_set_props(dc, faulty_properties);
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo faulty_info = {
    .name = TYPE_VGPU_STUB_FAULTY,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(VGPUFaultyState),
    .class_init = faulty_class_init,
    .interfaces = (InterfaceInfo[]) {
        { INTERFACE_CONVENTIONAL_PCI_DEVICE },
        { }
    },
};

static void faulty_register_types(void)
{
    type_register_static(&faulty_info);
}

type_init(faulty_register_types)
