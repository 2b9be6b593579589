/*
 * vgpu-stub: guest memory
 *
 * DMA accesses only RAM. An access to a register could call back into a device,
 * such as this one, in the middle of its work.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/rcu.h"
#include "vgpu-stub-internal.h"

static AddressSpace *vgpu_address_space(VGPUStubState *s)
{
    return pci_get_address_space(PCI_DEVICE(s));
}

/*
 * How many of @len bytes at @addr are contiguous RAM; more RAM may follow. The
 * memory map cannot change until the caller releases the BQL.
 */
static uint64_t vgpu_ram_length(VGPUStubState *s, uint64_t addr, uint64_t len,
                                bool is_write)
{
    MemTxAttrs attrs = MEMTXATTRS_UNSPECIFIED;
    hwaddr length = len;
    hwaddr xlat;
    MemoryRegion *mr;

    RCU_READ_LOCK_GUARD();
    mr = address_space_translate(vgpu_address_space(s), addr, &xlat, &length,
                                 is_write, attrs);
    return memory_access_is_direct(mr, is_write, attrs) ? length : 0;
}

static bool vgpu_is_ram(VGPUStubState *s, uint64_t addr, uint64_t len,
                        bool is_write)
{
    while (len) {
        uint64_t length = vgpu_ram_length(s, addr, len, is_write);

        if (!length) {
            return false;
        }
        addr += length;
        len -= length;
    }
    return true;
}

bool vgpu_dma_read(VGPUStubState *s, uint64_t addr, void *buf, size_t len)
{
    return vgpu_is_ram(s, addr, len, false) &&
           pci_dma_read(PCI_DEVICE(s), addr, buf, len) == MEMTX_OK;
}

bool vgpu_dma_write(VGPUStubState *s, uint64_t addr, const void *buf,
                    size_t len)
{
    return vgpu_is_ram(s, addr, len, true) &&
           pci_dma_write(PCI_DEVICE(s), addr, buf, len) == MEMTX_OK;
}

bool vgpu_dma_read_le32(VGPUStubState *s, uint64_t addr, uint32_t *val)
{
    uint32_t le;

    if (!vgpu_dma_read(s, addr, &le, sizeof(le))) {
        return false;
    }
    *val = le32_to_cpu(le);
    return true;
}

bool vgpu_dma_write_le32(VGPUStubState *s, uint64_t addr, uint32_t val)
{
    uint32_t le = cpu_to_le32(val);

    return vgpu_dma_write(s, addr, &le, sizeof(le));
}

/* Write the next @len bytes, which @data must have, and advance past them */
bool vgpu_data_write(VGPUStubState *s, VGPUData *data, const void *buf,
                     size_t len)
{
    while (len) {
        size_t n = vgpu_data_contiguous(data, len);

        if (!vgpu_dma_write(s, data->segment->addr + data->offset, buf, n)) {
            return false;
        }
        vgpu_data_advance(data, n);
        buf = (const uint8_t *)buf + n;
        len -= n;
    }
    return true;
}

/* For the engine, in the main loop */

static bool vgpu_host_read(void *opaque, uint64_t addr, void *to, size_t len)
{
    return vgpu_dma_read(opaque, addr, to, len);
}

static DMADirection vgpu_direction(bool is_write)
{
    return is_write ? DMA_DIRECTION_FROM_DEVICE : DMA_DIRECTION_TO_DEVICE;
}

static void *vgpu_host_map(void *opaque, uint64_t addr, size_t *len,
                           bool is_write)
{
    VGPUStubState *s = opaque;
    dma_addr_t mapped = vgpu_ram_length(s, addr, *len, is_write);
    void *at;

    if (!mapped) {
        return NULL;
    }
    at = pci_dma_map(PCI_DEVICE(s), addr, &mapped, vgpu_direction(is_write));
    *len = mapped;
    return at;
}

/* The bytes were accessed; if written, they are marked dirty */
static void vgpu_host_unmap(void *opaque, void *at, size_t len, bool is_write)
{
    pci_dma_unmap(PCI_DEVICE(opaque), at, len, vgpu_direction(is_write), len);
}

void vgpu_host_init(VGPUStubState *s)
{
    s->host = (struct vgpu_host) {
        .buffers = &s->buffers,
        .has_set_buffer = true,
        .read = vgpu_host_read,
        .map = vgpu_host_map,
        .unmap = vgpu_host_unmap,
        .opaque = s,
    };
}
