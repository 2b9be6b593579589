/*
 * A hostile guest of vgpu-stub
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "hw/pci/pcie_host.h"
#include "vgpu_stub_fuzz_guest.h"

PCIDevice *guest_dev;
uint32_t guest_tails[QUEUES];
uint64_t guest_entries;

/* Reading the input, which continues with zeros after its end */

uint64_t guest_take(Input *in, size_t count)
{
    uint64_t val = 0;

    count = MIN(count, in->size);
    memcpy(&val, in->data, count);
    in->data += count;
    in->size -= count;
    return val;
}

uint64_t guest_pick_address(Input *in)
{
    static const uint64_t special[] = {
        0, BAR0, BAR0 + VGPU_STUB_REG_SCRATCH, BAR0 + VGPU_STUB_MSIX_TABLE,
        ECAM, 0xfee00000, 0xa0000, 0xfffc0000, ARENA + ARENA_SIZE - 8,
        0x4000000000, UINT64_MAX - 15, UINT64_MAX & ~4095ULL,
    };

    switch (guest_take(in, 1) % 8) {
    case 0:
        return special[guest_take(in, 1) % ARRAY_SIZE(special)];
    case 1:
        return guest_take(in, 8);
    case 2:
        return ARENA + guest_take(in, 2) % (ARENA_SIZE / 4096) * 4096;
    default:
        return ARENA + guest_take(in, 3) % ARENA_SIZE;
    }
}

static uint32_t pick_length(Input *in)
{
    switch (guest_take(in, 1) % 8) {
    case 0:
        return guest_take(in, 4);
    case 1:
        return VGPU_STUB_TRANSFER_MAX + guest_take(in, 1) - 128;
    case 2:
        return 0x10000 + guest_take(in, 1) - 128;
    case 3:
        return guest_take(in, 3) % LONGEST;
    case 4:
        return guest_take(in, 2);
    default:
        return guest_take(in, 1);
    }
}

/* Registers */

void guest_reg_write(Input *in, unsigned offset, uint32_t val)
{
    qtest_writel(in->s, BAR0 + offset, val);
}

static uint32_t peek(hwaddr addr)
{
    MemoryRegion *mr = guest_dev->io_regions[0].memory;

    return mr->ops->read(mr->opaque, addr, VGPU_STUB_REG_SIZE);
}

unsigned guest_queue_reg(unsigned queue, unsigned offset)
{
    return VGPU_STUB_WIN_QUEUE + queue * VGPU_STUB_QUEUE_STRIDE + offset;
}

void guest_config_write(Input *in, unsigned offset, uint16_t val)
{
    qtest_writew(in->s, ECAM + (SLOT << PCIE_MMCFG_DEVFN_BIT << 3) + offset,
                 val);
}

/* Map BAR0 and enable bus mastering */
void guest_map(Input *in)
{
    guest_config_write(in, PMCSR, 0);
    guest_config_write(in, PCI_BASE_ADDRESS_0 + 2, BAR0 >> 16);
    guest_config_write(in, PCI_COMMAND,
                       PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

void guest_doorbell(Input *in, unsigned queue)
{
    guest_reg_write(in, VGPU_STUB_WIN_DOORBELL +
                    queue * VGPU_STUB_DOORBELL_STRIDE, 0);
}

/* Queues, set up as the specification demands */

uint64_t guest_queue_base(unsigned queue)
{
    return queue == WITNESS ? WITNESS_MEMORY : ARENA + queue * QUEUE_SPACE;
}

uint64_t guest_queue_index(unsigned queue)
{
    return guest_queue_base(queue) + 0x2000;
}

static void queue_address(Input *in, unsigned queue, unsigned offset,
                          uint64_t addr)
{
    guest_reg_write(in, guest_queue_reg(queue, offset), addr);
    guest_reg_write(in, guest_queue_reg(queue, offset + 4), addr >> 32);
}

/* qtest_memset() of the fuzzer in QEMU 7.2 does not free its buffer */
static void clear(Input *in, uint64_t addr, size_t size)
{
    static const uint8_t zeros[QUEUE_SIZE * sizeof(struct vgpu_stub_sqe)];

    g_assert(size <= sizeof(zeros));
    qtest_memwrite(in->s, addr, zeros, size);
}

void guest_queue_clear(Input *in, unsigned queue)
{
    clear(in, guest_queue_base(queue),
          QUEUE_SIZE * sizeof(struct vgpu_stub_sqe));
    clear(in, guest_queue_index(queue), sizeof(struct vgpu_stub_index));
}

void guest_queue_enable(Input *in, unsigned queue)
{
    uint64_t base = guest_queue_base(queue);

    guest_reg_write(in, guest_queue_reg(queue, VGPU_STUB_QUEUE_CONTROL), 0);
    clear(in, guest_queue_index(queue), sizeof(struct vgpu_stub_index));
    guest_tails[queue] = 0;
    guest_reg_write(in, guest_queue_reg(queue, VGPU_STUB_QUEUE_SIZE),
                    QUEUE_SIZE);
    guest_reg_write(in, guest_queue_reg(queue, VGPU_STUB_QUEUE_VECTOR), queue);
    queue_address(in, queue, VGPU_STUB_QUEUE_SQ_LO, base);
    queue_address(in, queue, VGPU_STUB_QUEUE_CQ_LO, base + 0x1000);
    queue_address(in, queue, VGPU_STUB_QUEUE_INDEX_LO,
                  guest_queue_index(queue));
    guest_reg_write(in, guest_queue_reg(queue, VGPU_STUB_QUEUE_CONTROL),
                    VGPU_STUB_QUEUE_ENABLE);
}

uint32_t guest_index_word(Input *in, unsigned queue, size_t field)
{
    return qtest_readl(in->s, guest_queue_index(queue) + field);
}

bool guest_queue_runs(unsigned queue)
{
    return peek(guest_queue_reg(queue, VGPU_STUB_QUEUE_STATUS)) ==
           VGPU_STUB_QUEUE_RUNNING;
}

/* Make the queue run and have room, so that the guest gets further */
void guest_queue_prepare(Input *in, unsigned queue)
{
    if (!guest_queue_runs(queue)) {
        guest_queue_enable(in, queue);
    }
    qtest_writel(in->s, guest_queue_index(queue) +
                 offsetof(struct vgpu_stub_index, cq_head),
                 INDEX(in, queue, cq_tail));
    if (guest_tails[queue] - INDEX(in, queue, sq_head) >= QUEUE_SIZE) {
        guest_doorbell(in, queue);
        main_loop_wait(true);
    }
}

void guest_queue_submit(Input *in, unsigned queue,
                        const struct vgpu_stub_sqe *sqe)
{
    uint64_t slot = guest_queue_base(queue) +
                    guest_tails[queue]++ % QUEUE_SIZE * sizeof(*sqe);

    guest_entries++;
    qtest_memwrite(in->s, slot, sqe, sizeof(*sqe));
    qtest_writel(in->s, guest_queue_index(queue) +
                 offsetof(struct vgpu_stub_index, sq_tail), guest_tails[queue]);
    guest_doorbell(in, queue);
}

/* Entries */

/* Write a list of segments to memory; returns its total length */
static uint32_t put_list(Input *in, uint64_t addr, unsigned count)
{
    uint32_t len = 0;

    for (unsigned i = 0; i < count; i++) {
        struct vgpu_stub_segment segment = {
            .addr = cpu_to_le64(guest_pick_address(in)),
            .len = cpu_to_le32(pick_length(in)),
        };

        len += le32_to_cpu(segment.len);
        qtest_memwrite(in->s, addr + i * sizeof(segment), &segment,
                       sizeof(segment));
    }
    return len;
}

static uint64_t pick_list(Input *in)
{
    return LISTS + guest_take(in, 1) * 256;
}

static struct vgpu_stub_desc pick_desc(Input *in)
{
    struct vgpu_stub_desc desc = { .type = guest_take(in, 1) % 6 };
    uint64_t addr = guest_pick_address(in);
    uint32_t len = pick_length(in);
    uint16_t number = 0;

    switch (desc.type) {
    case VGPU_STUB_DESC_NONE:
        return desc;
    case VGPU_STUB_DESC_LIST:
        number = 1 + guest_take(in, 1) % 8;
        addr = pick_list(in);
        len = put_list(in, addr, number);
        break;
    case VGPU_STUB_DESC_BUFFER:
        number = guest_take(in, 1) % 4;
        addr = guest_take(in, 2);
        break;
    case VGPU_STUB_DESC_INLINE:
        addr = 0;
        len %= VGPU_STUB_INLINE_MAX + 2;
        break;
    }
    desc.addr = cpu_to_le64(addr);
    desc.len = cpu_to_le32(len);
    desc.number = cpu_to_le16(number);
    return desc;
}

/* An entry that passes most checks */
void guest_submit_good(Input *in, unsigned queue)
{
    static const uint16_t opcodes[] = {
        VGPU_STUB_OP_NOP, VGPU_STUB_OP_COPY, VGPU_STUB_OP_FILL,
        VGPU_STUB_OP_CRC32C, VGPU_STUB_OP_UNREGISTER, VGPU_STUB_OP_REGISTER,
    };
    uint16_t opcode = opcodes[guest_take(in, 1) % ARRAY_SIZE(opcodes)];
    struct vgpu_stub_sqe sqe = {
        .opcode = cpu_to_le16(opcode),
        .flags = cpu_to_le16(guest_take(in, 1) % 4),
    };

    if (opcode == VGPU_STUB_OP_COPY || opcode == VGPU_STUB_OP_CRC32C) {
        sqe.out = pick_desc(in);
    }
    if (opcode == VGPU_STUB_OP_COPY || opcode == VGPU_STUB_OP_FILL) {
        sqe.in = pick_desc(in);
    }
    if (opcode == VGPU_STUB_OP_COPY && guest_take(in, 1) % 8) {
        sqe.in.len = sqe.out.len;
    }
    if (opcode == VGPU_STUB_OP_UNREGISTER) {
        sqe.arg = cpu_to_le64(guest_take(in, 1) % 4);
    }
    if (opcode == VGPU_STUB_OP_REGISTER) {
        unsigned count = 1 + guest_take(in, 1) % 8;
        uint64_t addr = pick_list(in);

        put_list(in, addr, count);
        sqe.arg = cpu_to_le64(guest_take(in, 1) % 4 | VGPU_STUB_BUFFER_READ |
                              VGPU_STUB_BUFFER_WRITE);
        sqe.out.type = VGPU_STUB_DESC_DIRECT;
        sqe.out.addr = cpu_to_le64(addr);
        sqe.out.len = cpu_to_le32(count * sizeof(struct vgpu_stub_segment));
    }
    guest_queue_submit(in, queue, &sqe);
}

void guest_submit_raw(Input *in, unsigned queue)
{
    struct vgpu_stub_sqe sqe = { };

    for (size_t i = 0; i < sizeof(sqe); i++) {
        ((uint8_t *)&sqe)[i] = guest_take(in, 1);
    }
    guest_queue_submit(in, queue, &sqe);
}
