/*
 * vgpu-stub: configuration space, built from the table in vgpu_stub_config.h
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/bswap.h"
#include "qemu/error-report.h"
#include "qemu/range.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci_bus.h"
#include "vgpu-stub-config-space.h"
#include "vgpu_stub_config.h"

/*
 * In earlier versions of this device, an integrated endpoint had these link
 * registers. Streams with these values still load; the guest then reads zero.
 */
#define OLD_INTEGRATED_LNKCAP   0x00000411
#define OLD_INTEGRATED_LNKSTA   (0x0011 | PCI_EXP_LNKSTA_DLLLA)

typedef struct VGPUConfigRow {
    uint8_t forms;
    uint16_t offset;
    uint8_t width;
    uint32_t mask;
    uint8_t class;
    uint32_t value;
} VGPUConfigRow;

#define ROW(NAME, FORMS, OFFSET, WIDTH, MASK, CLASS, VALUE) \
    { VGPU_STUB_FORM_##FORMS, OFFSET, WIDTH, MASK, \
      VGPU_STUB_BITS_##CLASS, VALUE },

static const VGPUConfigRow vgpu_config_rows[] = {
    VGPU_STUB_CONFIG(ROW)
    { }
};

static const VGPUConfigRow vgpu_config_rows_with_queues[] = {
    VGPU_STUB_CONFIG_WITH_QUEUES(ROW)
    { }
};

static unsigned vgpu_config_form(PCIDevice *pci_dev)
{
    if (!pci_is_express(pci_dev)) {
        return VGPU_STUB_FORM_CONVENTIONAL;
    }
    return pci_bus_is_root(pci_get_bus(pci_dev)) ? VGPU_STUB_FORM_INTEGRATED
                                                 : VGPU_STUB_FORM_ENDPOINT;
}

#define FOR_EACH_ROW(pci_dev, row) \
    for ((row) = msix_present(pci_dev) ? vgpu_config_rows_with_queues \
                                       : vgpu_config_rows; \
         (row)->width; (row)++)

/* @space is configuration space or one of its masks */
static void vgpu_config_set(uint8_t *space, const VGPUConfigRow *row,
                            uint32_t value)
{
    uint8_t *field = space + row->offset;

    stn_le_p(field, row->width,
             (ldn_le_p(field, row->width) & ~row->mask) | value);
}

static void vgpu_config_set_row(PCIDevice *pci_dev, const VGPUConfigRow *row)
{
    switch (row->class) {
    case VGPU_STUB_BITS_FIXED:
        vgpu_config_set(pci_dev->config, row, row->value);
        break;
    case VGPU_STUB_BITS_GUEST:
        vgpu_config_set(pci_dev->config, row, row->value);
        vgpu_config_set(pci_dev->wmask, row, row->mask);
        break;
    case VGPU_STUB_BITS_ERROR:
        vgpu_config_set(pci_dev->config, row, row->value);
        vgpu_config_set(pci_dev->w1cmask, row, row->mask);
        break;
    case VGPU_STUB_BITS_VERSION:
        /* QEMU chooses the value; do not compare it with the source's */
        vgpu_config_set(pci_dev->cmask, row, 0);
        break;
    case VGPU_STUB_BITS_PLATFORM:
        break;
    }
}

/* A newer QEMU may set bits that the table does not define */
static bool vgpu_config_check(PCIDevice *pci_dev, Error **errp)
{
    uint32_t size = pci_config_size(pci_dev);
    g_autofree uint8_t *named = g_malloc0(size);
    unsigned form = vgpu_config_form(pci_dev);
    const VGPUConfigRow *row;
    uint32_t i;

    FOR_EACH_ROW(pci_dev, row) {
        if (row->forms & form) {
            vgpu_config_set(named, row, row->mask);
        }
    }
    for (i = 0; i < size; i++) {
        uint8_t unknown = pci_dev->config[i] & ~named[i];

        if (unknown) {
            error_setg(errp, "vgpu-stub: QEMU has set bits 0x%02x at 0x%03x of "
                       "configuration space, which vgpu_stub_config.h does not "
                       "define; update the device for this version of QEMU",
                       unknown, i);
            return false;
        }
    }
    return true;
}

/* By default, QEMU makes everything after the header writable */
static bool vgpu_config_set_all(PCIDevice *pci_dev, Error **errp)
{
    uint32_t size = pci_config_size(pci_dev);
    unsigned form = vgpu_config_form(pci_dev);
    const VGPUConfigRow *row;

    memset(pci_dev->wmask, 0, size);
    memset(pci_dev->w1cmask, 0, size);
    memset(pci_dev->cmask, 0xff, size);
    FOR_EACH_ROW(pci_dev, row) {
        if (row->forms & form) {
            vgpu_config_set_row(pci_dev, row);
        }
    }
    if (form == VGPU_STUB_FORM_INTEGRATED) {
        uint8_t *cmask = pci_dev->cmask + VGPU_STUB_EXP_CAP_OFFSET;

        pci_set_long(cmask + PCI_EXP_LNKCAP, ~OLD_INTEGRATED_LNKCAP);
        pci_set_word(cmask + PCI_EXP_LNKSTA, ~OLD_INTEGRATED_LNKSTA);
    }
    return vgpu_config_check(pci_dev, errp);
}

static bool vgpu_config_add_express(PCIDevice *pci_dev, Error **errp)
{
    if (!pci_bus_is_express(pci_get_bus(pci_dev))) {
        pci_dev->cap_present &= ~QEMU_PCI_CAP_EXPRESS;
        return true;
    }
    if (pcie_endpoint_cap_init(pci_dev, VGPU_STUB_EXP_CAP_OFFSET) < 0) {
        error_setg(errp, "vgpu-stub: no room for the Express capability");
        return false;
    }
    return true;
}

/* One vector for each queue and one for events */
static bool vgpu_config_add_msix(PCIDevice *pci_dev, MemoryRegion *msix,
                                 uint32_t queue_count, Error **errp)
{
    uint32_t vectors = queue_count + 1;

    if (!queue_count) {
        return true;
    }
    if (msix_init(pci_dev, vectors, msix, 0, VGPU_STUB_MSIX_TABLE, msix, 0,
                  VGPU_STUB_MSIX_PBA, VGPU_STUB_MSIX_CAP_OFFSET, errp) < 0) {
        return false;
    }
    while (vectors--) {
        msix_vector_use(pci_dev, vectors);
    }
    return true;
}

bool vgpu_config_realize(PCIDevice *pci_dev, MemoryRegion *msix,
                         uint32_t queue_count, Error **errp)
{
    return pci_pm_init(pci_dev, VGPU_STUB_PM_CAP_OFFSET, errp) >= 0 &&
           vgpu_config_add_express(pci_dev, errp) &&
           vgpu_config_add_msix(pci_dev, msix, queue_count, errp) &&
           vgpu_config_set_all(pci_dev, errp);
}

void vgpu_config_unrealize(PCIDevice *pci_dev, MemoryRegion *msix)
{
    msix_uninit(pci_dev, msix, msix);
}

/* The table or the PBA, and @addr relative to it; NULL if it is in neither */
static MemoryRegion *vgpu_msix_region(PCIDevice *pci_dev, hwaddr *addr)
{
    MemoryRegion *table = &pci_dev->msix_table_mmio;
    MemoryRegion *pba = &pci_dev->msix_pba_mmio;

    if (*addr - VGPU_STUB_MSIX_TABLE < memory_region_size(table)) {
        *addr -= VGPU_STUB_MSIX_TABLE;
        return table;
    }
    if (*addr - VGPU_STUB_MSIX_PBA < memory_region_size(pba)) {
        *addr -= VGPU_STUB_MSIX_PBA;
        return pba;
    }
    return NULL;
}

/* PCI 3.0, section 6.8.2: aligned accesses of 4 or 8 bytes */
static bool vgpu_msix_access_valid(hwaddr addr, unsigned size)
{
    return size >= 4 && !(addr & (size - 1));
}

bool vgpu_msix_read(PCIDevice *pci_dev, hwaddr addr, unsigned size,
                    uint64_t *val)
{
    MemoryRegion *mr = vgpu_msix_region(pci_dev, &addr);
    unsigned i;

    *val = 0;
    if (!mr || !vgpu_msix_access_valid(addr, size)) {
        return mr;
    }
    for (i = 0; i < size; i += 4) {
        *val |= mr->ops->read(mr->opaque, addr + i, 4) << (i * 8);
    }
    return true;
}

bool vgpu_msix_write(PCIDevice *pci_dev, hwaddr addr, uint64_t val,
                     unsigned size)
{
    MemoryRegion *mr = vgpu_msix_region(pci_dev, &addr);
    unsigned i;

    /* the PBA is read-only */
    if (mr != &pci_dev->msix_table_mmio ||
        !vgpu_msix_access_valid(addr, size)) {
        return mr;
    }
    for (i = 0; i < size; i += 4) {
        mr->ops->write(mr->opaque, addr + i, extract64(val, i * 8, 32), 4);
    }
    return true;
}

void vgpu_config_reset(PCIDevice *pci_dev)
{
    unsigned form = vgpu_config_form(pci_dev);
    const VGPUConfigRow *row;

    FOR_EACH_ROW(pci_dev, row) {
        if (row->forms & form && row->offset >= PCI_CONFIG_HEADER_SIZE &&
            (row->class == VGPU_STUB_BITS_GUEST ||
             row->class == VGPU_STUB_BITS_ERROR)) {
            vgpu_config_set(pci_dev->config, row, row->value);
        }
    }
}

/* Power management (PCI Power Management 1.2, section 5.3) */

static uint8_t *vgpu_config_pmcsr(PCIDevice *pci_dev)
{
    return pci_dev->config + VGPU_STUB_PM_CAP_OFFSET + PCI_PM_CTRL;
}

unsigned vgpu_config_power_state(PCIDevice *pci_dev)
{
    return pci_get_word(vgpu_config_pmcsr(pci_dev)) & PCI_PM_CTRL_STATE_MASK;
}

void vgpu_config_set_power_state(PCIDevice *pci_dev, unsigned state)
{
    pci_set_word_by_mask(vgpu_config_pmcsr(pci_dev), PCI_PM_CTRL_STATE_MASK,
                         state);
}

bool vgpu_config_power_state_valid(unsigned state)
{
    return state == VGPU_PM_D0 || state == VGPU_PM_D3HOT;
}

/*
 * This replaces pcie_cap_flr_init() and pcie_cap_flr_write_config(), which make
 * the bit writable: a migration stream could set it, and the next write to any
 * offset would start a reset.
 */
bool vgpu_config_starts_flr(PCIDevice *pci_dev, uint32_t addr, uint32_t val,
                            int len)
{
    uint32_t at = VGPU_STUB_EXP_CAP_OFFSET + PCI_EXP_DEVCTL + 1;

    return pci_is_express(pci_dev) && range_covers_byte(addr, len, at) &&
           (val >> 8 * (at - addr)) & (PCI_EXP_DEVCTL_BCR_FLR >> 8);
}

/* Migration */

/* Check what QEMU does not, and report the first error */
static bool vgpu_config_loaded_valid(PCIDevice *pci_dev, int32_t version)
{
    unsigned state = vgpu_config_power_state(pci_dev);

    if (pci_dev->version_id != version) {
        error_report("vgpu-stub: the stream has version %d of PCIDevice, "
                     "but only version %d was ever saved",
                     pci_dev->version_id, version);
        return false;
    }
    if (pci_dev->irq_state) {
        error_report("vgpu-stub: the stream has interrupt state 0x%x, "
                     "but the device has no interrupt pin",
                     pci_dev->irq_state);
        return false;
    }
    if (!vgpu_config_power_state_valid(state)) {
        error_report("vgpu-stub: the stream has power state D%u in PMCSR, "
                     "but the device has D0 and D3hot only", state);
        return false;
    }
    return true;
}

/* Bits that QEMU does not compare keep this QEMU's value */
static void vgpu_config_keep_own(PCIDevice *pci_dev, const uint8_t *own)
{
    uint32_t i;

    for (i = 0; i < pci_config_size(pci_dev); i++) {
        uint8_t cmask = pci_dev->cmask[i];

        pci_dev->config[i] = (pci_dev->config[i] & cmask) | (own[i] & ~cmask);
    }
}

/*
 * QEMU loads directly into the live device. An interrupt that the bus has not
 * counted would make the next reset assert, and a lower version would make QEMU
 * refuse every intact stream from then on. Restore both, even if the stream is
 * refused for another reason.
 */
int vgpu_config_load(PCIDevice *pci_dev, QEMUFile *f)
{
    uint32_t size = pci_config_size(pci_dev);
    g_autofree uint8_t *before = g_malloc(size);
    int32_t version = pci_dev->version_id;
    Error *err = NULL;
    int ret;

    memcpy(before, pci_dev->config, size);
    ret = vmstate_load_state(f, &vmstate_pci_device, pci_dev,
                             vmstate_pci_device.version_id, &err);
    if (err) {
        error_report_err(err);
    }
    if (ret) {
        error_report("vgpu-stub: the stream is from a device with another "
                     "configuration space, or damaged; use the same queues= "
                     "and the same kind of bus on both sides");
    }
    if (ret == 0 && !vgpu_config_loaded_valid(pci_dev, version)) {
        ret = -EINVAL;
    }
    pci_dev->version_id = version;
    pci_dev->irq_state = 0;
    if (ret == 0) {
        vgpu_config_keep_own(pci_dev, before);
        return 0;
    }
    memcpy(pci_dev->config, before, size);
    /* rewrite the command register to make QEMU map BAR0 where it was */
    pci_default_write_config(pci_dev, PCI_COMMAND,
                             pci_get_word(before + PCI_COMMAND), 2);
    return ret;
}
