/*
 * vgpu-stub: the guest's memory, as a worker of the mediator maps it
 *
 * A worker gets the machine's RAM, but neither the memory of other devices,
 * such as a frame buffer, nor ROMs. For it, they are not DMA targets.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/memfd.h"
#include "migration/misc.h"
#include "vgpu-stub-mediator.h"

#define PAGE    VGPU_MEDIATOR_PAGE

/* A worker that could truncate the file could kill QEMU (SIGBUS) */
static bool vgpu_is_sealed(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && seals & F_SEAL_SHRINK;
}

static bool vgpu_is_shareable(MemoryRegion *mr)
{
    int fd = memory_region_get_fd(mr);

    return fd >= 0 && qemu_ram_is_shared(mr->ram_block) && vgpu_is_sealed(fd);
}

static bool vgpu_is_machine_memory(MemoryRegion *mr)
{
    return memory_region_is_ram(mr) &&
           !object_dynamic_cast(memory_region_owner(mr), TYPE_DEVICE);
}

/* The part of a section that consists of whole pages; false if there is none */
static bool vgpu_region_of(const MemoryRegionSection *section,
                           VGPURegion *region)
{
    uint64_t start = section->offset_within_address_space;
    uint64_t end = start + int128_get64(section->size);
    uint64_t first = ROUND_UP(start, PAGE);

    end = QEMU_ALIGN_DOWN(end, PAGE);
    *region = (VGPURegion) {
        .address = first, .size = end - first,
        .offset = section->offset_within_region + (first - start) +
                  qemu_ram_get_fd_offset(section->mr->ram_block),
        .mr = section->mr, .writable = !section->readonly,
    };
    return first < end;
}

static bool vgpu_region_continues(const VGPURegion *last,
                                  const VGPURegion *region)
{
    return last->mr == region->mr && last->writable == region->writable &&
           last->address + last->size == region->address &&
           last->offset + last->size == region->offset;
}

static void vgpu_table_add(VGPUMemoryTable *table, const VGPURegion *region)
{
    VGPURegion *last = &table->regions[table->count - 1];

    if (table->count && vgpu_region_continues(last, region)) {
        last->size += region->size;
    } else if (table->count == ARRAY_SIZE(table->regions) ||
               region->offset % PAGE) {
        table->is_shared = false;
    } else {
        table->regions[table->count++] = *region;
    }
}

/* The listener: collects sections in the order of their addresses */

static void vgpu_memory_begin(MemoryListener *listener)
{
    VGPUMediator *m = container_of(listener, VGPUMediator, listener);

    m->next_table = (VGPUMemoryTable) { .is_shared = true };
}

static void vgpu_memory_section(MemoryListener *listener,
                                MemoryRegionSection *section)
{
    VGPUMediator *m = container_of(listener, VGPUMediator, listener);
    VGPURegion region;

    if (!vgpu_is_machine_memory(section->mr)) {
        return;
    }
    if (!vgpu_is_shareable(section->mr)) {
        m->next_table.is_shared = m->next_table.is_shared && section->readonly;
        return;
    }
    if (vgpu_region_of(section, &region)) {
        vgpu_table_add(&m->next_table, &region);
    }
}

static bool vgpu_tables_differ(const VGPUMemoryTable *a,
                               const VGPUMemoryTable *b)
{
    return a->is_shared != b->is_shared || a->count != b->count ||
           memcmp(a->regions, b->regions, a->count * sizeof(a->regions[0]));
}

static void vgpu_memory_commit(MemoryListener *listener)
{
    VGPUMediator *m = container_of(listener, VGPUMediator, listener);

    m->next_table.is_shared = m->next_table.is_shared && m->next_table.count;
    if (vgpu_tables_differ(&m->table, &m->next_table)) {
        m->table = m->next_table;
        m->table_changed = true;
        vgpu_shared_update(m->s);
    }
}

/* tcg_enabled() needs a file that is built for one target */
static bool vgpu_uses_tcg(void)
{
    AccelState *accel = MACHINE(qdev_get_machine())->accelerator;

    return !strcmp(object_get_typename(OBJECT(accel)), "tcg-accel");
}

/*
 * A worker's writes are not logged: it has to stop. With KVM, what it writes
 * until then is marked as dirty afterwards. With TCG it has to stop now: pages
 * that are marked without a write by the guest lose later ones (before QEMU
 * 9.0, a TLB entry that was made meanwhile bypasses the log).
 */
static bool vgpu_memory_log_start(MemoryListener *listener, Error **errp)
{
    VGPUMediator *m = container_of(listener, VGPUMediator, listener);

    m->is_logging = true;
    if (vgpu_uses_tcg()) {
        vgpu_shared_settle(m->s);
        m->is_unlogged = vgpu_shared_has_worker(m);
    }
    vgpu_shared_update(m->s);
    return true;
}

static void vgpu_memory_log_stop(MemoryListener *listener)
{
    VGPUMediator *m = container_of(listener, VGPUMediator, listener);

    m->is_logging = m->is_unlogged = false;
    vgpu_shared_update(m->s);
}

/* Call it when the machine is complete: an IOMMU may be created late */
void vgpu_memory_realize(VGPUMediator *m)
{
    AddressSpace *as = pci_device_iommu_address_space(PCI_DEVICE(m->s));

    /* with an IOMMU, the worker cannot know what an address means */
    if (as != &address_space_memory) {
        return;
    }
    m->listener = (MemoryListener) {
        .begin = vgpu_memory_begin,
        .region_add = vgpu_memory_section,
        .region_nop = vgpu_memory_section,
        .commit = vgpu_memory_commit,
        .log_global_start = vgpu_memory_log_start,
        .log_global_stop = vgpu_memory_log_stop,
    };
    memory_listener_register(&m->listener, as);
    m->is_listening = true;
}

void vgpu_memory_unrealize(VGPUMediator *m)
{
    if (m->is_listening) {
        memory_listener_unregister(&m->listener);
        m->is_listening = false;
    }
}

/*
 * Whether a worker may access memory now. Its writes are not logged, and in
 * incoming postcopy it would read pages that have not arrived.
 */
bool vgpu_memory_is_shared(const VGPUMediator *m)
{
    return m->table.is_shared && !m->is_logging &&
           !migration_in_incoming_postcopy();
}

/* Messages */

/* Returns whether all regions have been sent; call it again when answered */
bool vgpu_memory_send(VGPUMediator *m)
{
    if (!m->regions_sent) {
        m->table_changed = false;
    }
    while (m->regions_sent < m->table.count) {
        const VGPURegion *region = &m->table.regions[m->regions_sent];
        int fd = memory_region_get_fd(region->mr);
        union message message = { .memory_add = {
            .header.type = VGPU_MEDIATOR_MEMORY_ADD,
            .address = region->address,
            .size = region->size,
            .offset = region->offset,
            .flags = region->writable ? VGPU_MEDIATOR_MEMORY_WRITE : 0,
        } };

        if (!vgpu_shared_may_send(m)) {
            return false;
        }
        m->regions_sent++;
        m->has_memory = true;
        vgpu_channel_request_fds(m, &message, sizeof(message.memory_add), 0,
                                 &fd, 1);
    }
    return true;
}

/*
 * A worker's last writes may be in pages that have been sent already. Call it
 * when the workers have stopped. Not with TCG, see vgpu_memory_log_start().
 */
void vgpu_memory_set_dirty(VGPUMediator *m)
{
    for (unsigned i = 0;
         m->is_logging && !vgpu_uses_tcg() && i < m->table.count; i++) {
        const VGPURegion *region = &m->table.regions[i];
        uint64_t start = region->offset -
                         qemu_ram_get_fd_offset(region->mr->ram_block);

        if (region->writable) {
            memory_region_set_dirty(region->mr, start, region->size);
        }
    }
}

void vgpu_memory_clear(VGPUMediator *m)
{
    union message message = {
        .header.type = VGPU_MEDIATOR_MEMORY_CLEAR,
    };

    m->table_changed = false;
    if (m->regions_sent) {
        m->regions_sent = 0;
        vgpu_memory_set_dirty(m);
        vgpu_channel_request(m, &message, sizeof(message.header), 0);
    }
}
