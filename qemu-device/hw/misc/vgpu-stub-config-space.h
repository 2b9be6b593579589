/*
 * vgpu-stub: configuration space
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_VGPU_STUB_CONFIG_SPACE_H
#define HW_MISC_VGPU_STUB_CONFIG_SPACE_H

#include "migration/vmstate.h"
#include "vgpu-stub-compat.h"

/* Supported values of PMCSR's PowerState */
#define VGPU_PM_D0      0
#define VGPU_PM_D3HOT   3

/*
 * Add the capabilities and set every bit; fails if QEMU sets unknown bits.
 * @msix: an empty region that gets the MSI-X table and PBA
 */
bool vgpu_config_realize(PCIDevice *pci_dev, MemoryRegion *msix,
                         uint32_t queue_count, Error **errp);
void vgpu_config_unrealize(PCIDevice *pci_dev, MemoryRegion *msix);

/* Access the MSI-X table or PBA; false if @addr in BAR0 is in neither */
bool vgpu_msix_read(PCIDevice *pci_dev, hwaddr addr, unsigned size,
                    uint64_t *val);
bool vgpu_msix_write(PCIDevice *pci_dev, hwaddr addr, uint64_t val,
                     unsigned size);

/* Reset what QEMU does not: the writable bits after the header */
void vgpu_config_reset(PCIDevice *pci_dev);

unsigned vgpu_config_power_state(PCIDevice *pci_dev);
void vgpu_config_set_power_state(PCIDevice *pci_dev, unsigned state);
bool vgpu_config_power_state_valid(unsigned state);

/* Whether this write starts a Function Level Reset */
bool vgpu_config_starts_flr(PCIDevice *pci_dev, uint32_t addr, uint32_t val,
                            int len);

/* Load PCIDevice from a stream; on failure, the device is unchanged */
int vgpu_config_load(PCIDevice *pci_dev, QEMUFile *f);

#endif
