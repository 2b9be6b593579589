/*
 * Fuzz target for vgpu-stub: queues, as a hostile guest uses them
 *
 * An input is a list of actions of such a guest: it writes registers, entries,
 * lists and indices, rings doorbells, pauses and resets the device. It does not
 * touch one queue, the witness, which has its own memory. After each input, the
 * witness must execute a command correctly; it is enabled again if the device
 * was reset.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "qemu/rcu.h"
#include "fuzz.h"
#include "vgpu_stub_fuzz_guest.h"

#define ARGUMENTS   "qemu-fuzz -machine q35,accel=qtest " \
                    "-m 16M,slots=1,maxmem=1G -nodefaults -display none " \
                    "-L /usr/share/qemu -L /usr/share/seabios " \
                    "-object memory-backend-ram,id=m0,size=16M " \
                    "-device pc-dimm,memdev=m0 " \
                    "-device vgpu-stub,addr=4,queues=4"

/* The witness's command must complete within a minute */
#define PATIENCE_NS     (60LL * NANOSECONDS_PER_SECOND)

static uint8_t *fresh;

/* Actions */

static void write_any_register(Input *in)
{
    unsigned offset = guest_take(in, 2) % VGPU_STUB_BAR0_SIZE & ~3;
    uint32_t val = guest_take(in, 4);

    if (offset >= guest_queue_reg(WITNESS, 0) &&
        offset < guest_queue_reg(QUEUES, 0)) {
        return;
    }
    in->reset |= offset == VGPU_STUB_REG_CONTROL;
    guest_reg_write(in, offset, val);
}

static void write_index(Input *in, unsigned queue)
{
    unsigned field = guest_take(in, 1) % 3;
    uint32_t val = guest_tails[queue] + (int8_t)guest_take(in, 1);

    qtest_writel(in->s, guest_queue_index(queue) + 4 * field, val);
}

static void write_config(Input *in)
{
    switch (guest_take(in, 1) % 5) {
    case 0:
        guest_config_write(in, PMCSR, guest_take(in, 1) % 4);
        break;
    case 1:
        guest_config_write(in, PCI_COMMAND,
                           PCI_COMMAND_MEMORY | guest_take(in, 1));
        break;
    case 2:
        guest_config_write(in, MSIX_CONTROL, guest_take(in, 1) << 8);
        break;
    case 3:
        in->reset = true;
        guest_config_write(in, DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
        break;
    default:
        guest_map(in);
    }
}

/* A vector with any address except the witness's memory */
static void write_vector(Input *in)
{
    unsigned entry = VGPU_STUB_MSIX_TABLE +
                     guest_take(in, 1) % (QUEUES + 1) * 16;
    uint32_t low = guest_pick_address(in);

    /* a message to configuration space may cause a reset */
    in->reset |= low >= ECAM && low < ECAM + 0x10000000;
    guest_reg_write(in, entry, low);
    guest_reg_write(in, entry + 4, 0);
    guest_reg_write(in, entry + 8, guest_take(in, 4));
    guest_reg_write(in, entry + 12, 0);
}

/* Rarely change the memory map, which costs as much as a thousand entries */
static void act(Input *in)
{
    unsigned queue = guest_take(in, 1) % WITNESS;
    unsigned action = guest_take(in, 1) % 128;

    if (action == 0) {
        write_config(in);
    } else if (action < 4) {
        write_any_register(in);
    } else if (action < 8) {
        write_vector(in);
    } else if (action < 16) {
        write_index(in, queue);
        guest_doorbell(in, queue);
    } else if (action < 32) {
        qtest_writel(in->s, ARENA + guest_take(in, 3) % (ARENA_SIZE - 4),
                     guest_take(in, 4));
    } else if (action < 36) {
        main_loop_wait(true);
    } else if (action < 44) {
        guest_queue_prepare(in, queue);
        guest_submit_raw(in, queue);
    } else if (action < 48) {
        guest_submit_good(in, queue);
    } else {
        guest_queue_prepare(in, queue);
        guest_submit_good(in, queue);
    }
}

/* The witness */

static void witness_works(Input *in)
{
    struct vgpu_stub_sqe sqe = {
        .opcode = cpu_to_le16(VGPU_STUB_OP_CRC32C),
        .id = cpu_to_le32(guest_tails[WITNESS]),
        .out = { .type = VGPU_STUB_DESC_INLINE, .len = cpu_to_le32(9) },
        .data = "123456789",
    };
    int64_t end = get_clock() + PATIENCE_NS;
    struct vgpu_stub_cqe cqe;

    guest_queue_submit(in, WITNESS, &sqe);
    while (INDEX(in, WITNESS, cq_tail) != guest_tails[WITNESS]) {
        g_assert(get_clock() < end);
        main_loop_wait(true);
    }
    qtest_memread(in->s, guest_queue_base(WITNESS) + 0x1000 +
                  (guest_tails[WITNESS] - 1) % QUEUE_SIZE * sizeof(cqe), &cqe,
                  sizeof(cqe));
    g_assert_cmphex(cqe.id, ==, sqe.id);
    g_assert_cmphex(cqe.status, ==, 0);
    g_assert_cmphex(le64_to_cpu(cqe.result), ==, 0xe3069283);
    qtest_writel(in->s, guest_queue_index(WITNESS) +
                 offsetof(struct vgpu_stub_index, cq_head),
                 guest_tails[WITNESS]);
}

/* The next input starts with all queues disabled except the witness */
static void restore(Input *in)
{
    guest_config_write(in, MSIX_CONTROL, 0);
    guest_reg_write(in, VGPU_STUB_REG_CONTROL, VGPU_STUB_CONTROL_RESET);
    guest_queue_enable(in, WITNESS);
    for (unsigned queue = 0; queue < WITNESS; queue++) {
        guest_queue_clear(in, queue);
    }
}

/* The RCU thread frees old memory maps; waiting every time would be slow */
static void free_old_views(void)
{
    static unsigned left = 256;

    if (--left == 0) {
        drain_call_rcu();
        left = 256;
    }
}

static void fuzz_queues(QTestState *s, const unsigned char *data, size_t size)
{
    Input in = { .data = data, .size = size, .s = s };

    while (in.size) {
        act(&in);
    }
    if (memcmp(guest_dev->config, fresh, pci_config_size(guest_dev))) {
        guest_map(&in);
        free_old_views();
    }
    if (in.reset) {
        guest_queue_enable(&in, WITNESS);
    }
    g_assert(guest_queue_runs(WITNESS));
    witness_works(&in);
    restore(&in);
}

static void count_entries(void)
{
    printf("entries: %" PRIu64 "\n", guest_entries);
}

static void find_device(QTestState *s)
{
    Input in = { .s = s };

    guest_dev = PCI_DEVICE(object_resolve_path_type("", "vgpu-stub", NULL));
    qtest_outl(s, 0xcf8, 0x80000000 | PCIEXBAR);
    qtest_outl(s, 0xcfc, ECAM | 1);
    guest_map(&in);
    restore(&in);
    fresh = g_memdup2(guest_dev->config, pci_config_size(guest_dev));
    atexit(count_entries);
}

static GString *arguments(FuzzTarget *t)
{
    return g_string_new(ARGUMENTS);
}

static void register_vgpu_stub_queue_target(void)
{
    fuzz_add_target(&(FuzzTarget) {
        .name = "vgpu-stub-queues",
        .description = "Fuzz the queues of vgpu-stub",
        .get_init_cmdline = arguments,
        .pre_fuzz = find_device,
        .fuzz = fuzz_queues,
    });
}

fuzz_target_init(register_vgpu_stub_queue_target);
