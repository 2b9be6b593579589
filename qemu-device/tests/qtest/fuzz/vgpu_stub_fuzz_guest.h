/*
 * A hostile guest of vgpu-stub, which reads its actions from an input and
 * accesses registers, queues and entries
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VGPU_STUB_FUZZ_GUEST_H
#define VGPU_STUB_FUZZ_GUEST_H

#include "hw/pci/pci_host.h"
#include "tests/qtest/libqtest.h"
#include "hw/misc/vgpu-stub-compat.h"
#include "hw/misc/vgpu_stub_config.h"
#include "hw/misc/vgpu_stub_queue.h"

#define SLOT            4
#define BAR0            0xe0000000
#define ECAM            0xb0000000
#define PCIEXBAR        0x60
#define PMCSR           (VGPU_STUB_PM_CAP_OFFSET + PCI_PM_CTRL)
#define DEVCTL          (VGPU_STUB_EXP_CAP_OFFSET + PCI_EXP_DEVCTL)
#define MSIX_CONTROL    (VGPU_STUB_MSIX_CAP_OFFSET + 2)

/* The guest uses the end of its memory; the witness has separate memory */
#define QUEUES          4
#define WITNESS         (QUEUES - 1)
#define QUEUE_SIZE      16
#define ARENA           0xc00000
#define ARENA_SIZE      0x400000
#define QUEUE_SPACE     0x10000
#define LISTS           (ARENA + QUEUES * QUEUE_SPACE)
#define LONGEST         0x30000
#define WITNESS_MEMORY  0x100800000ULL

typedef struct Input {
    const unsigned char *data;
    size_t size;
    QTestState *s;
    bool reset;             /* the witness may be disabled */
} Input;

extern PCIDevice *guest_dev;
extern uint32_t guest_tails[QUEUES];
extern uint64_t guest_entries;

uint64_t guest_take(Input *in, size_t count);
uint64_t guest_pick_address(Input *in);

void guest_reg_write(Input *in, unsigned offset, uint32_t val);
void guest_config_write(Input *in, unsigned offset, uint16_t val);
void guest_map(Input *in);
void guest_doorbell(Input *in, unsigned queue);

unsigned guest_queue_reg(unsigned queue, unsigned offset);
uint64_t guest_queue_base(unsigned queue);
uint64_t guest_queue_index(unsigned queue);
uint32_t guest_index_word(Input *in, unsigned queue, size_t field);
#define INDEX(in, queue, field) \
    guest_index_word(in, queue, offsetof(struct vgpu_stub_index, field))

void guest_queue_clear(Input *in, unsigned queue);
void guest_queue_enable(Input *in, unsigned queue);
bool guest_queue_runs(unsigned queue);
void guest_queue_prepare(Input *in, unsigned queue);
void guest_queue_submit(Input *in, unsigned queue,
                        const struct vgpu_stub_sqe *sqe);
void guest_submit_good(Input *in, unsigned queue);
void guest_submit_raw(Input *in, unsigned queue);

#endif
