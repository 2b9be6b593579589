/*
 * Fuzz targets for vgpu-stub: configuration space, BAR0, the migration stream
 *
 * An input of the bus targets is a list of accesses. A model of the device
 * predicts their effect; a difference aborts. An input of the migration targets
 * is a list of changes to an intact section of a stream: the device must refuse
 * the section and stay unchanged, or the loaded state must be valid.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/pci/pci_host.h"
#include "hw/pci/pcie_host.h"
#include "qemu/rcu.h"
#include "io/channel-buffer.h"
#include "migration/qemu-file.h"
#include "migration/vmstate.h"
#include "tests/qtest/libqtest.h"
#include "fuzz.h"
#include "hw/misc/vgpu-stub-compat.h"
#include "hw/misc/vgpu_stub_config.h"

#define SLOT        4
#define BAR0        0xe0000000
#define ECAM        0xb0000000
#define PMCSR       (VGPU_STUB_PM_CAP_OFFSET + PCI_PM_CTRL)

/* q35 host bridge: address and enable bit of memory-mapped config space */
#define PCIEXBAR    0x60

/* Distributions install the firmware outside QEMU's own directory */
#define ARGUMENTS   ",accel=qtest -m 16 -nodefaults -display none " \
                    "-L /usr/share/qemu -L /usr/share/seabios " \
                    "-device vgpu-stub,addr=4,queues=0"

typedef enum { CONFIG_READ, CONFIG_WRITE, BAR_READ, BAR_WRITE, KINDS } Kind;

/* Separate, because mapping a BAR costs as much as a thousand accesses */
#define MAP         254
#define RESET       255

typedef struct QEMU_PACKED Access {
    uint8_t kind;
    uint8_t width;          /* 1 << (width % 3); in BAR0, 1 << (width % 4) */
    uint16_t offset;
    uint32_t value;
} Access;

/* Sets a byte of the saved section; at its end, value bytes are cut off */
typedef struct QEMU_PACKED Change {
    uint16_t offset;
    uint8_t value;
} Change;

/* Expected values of the registers that hold state */
typedef struct Model {
    uint32_t scratch;
    uint32_t bad_access;
} Model;

static PCIDevice *dev;
static uint8_t *fresh;      /* configuration space after a reset */
static uint8_t *writable;   /* bits that may change after that */
static uint8_t *mapped;     /* configuration space with BAR0 mapped */
static uint8_t *saved;      /* the device's section of a stream */
static size_t saved_size;

/* Configuration space: through ports on pc, memory-mapped on q35 (4 KiB) */

static uint16_t config_port(QTestState *s, unsigned offset)
{
    qtest_outl(s, 0xcf8, 0x80000000 | SLOT << 11 | (offset & 0xfc));
    return 0xcfc + offset % 4;
}

static void port_access(QTestState *s, const Access *a, unsigned offset)
{
    uint16_t port = config_port(s, offset);
    bool write = a->kind % KINDS == CONFIG_WRITE;

    switch (a->width % 3) {
    case 0:
        write ? qtest_outb(s, port, a->value) : (void)qtest_inb(s, port);
        break;
    case 1:
        write ? qtest_outw(s, port, a->value) : (void)qtest_inw(s, port);
        break;
    default:
        write ? qtest_outl(s, port, a->value) : (void)qtest_inl(s, port);
    }
}

static void memory_access(QTestState *s, uint64_t addr, unsigned log_width,
                          bool write, uint64_t val)
{
    switch (log_width) {
    case 0:
        write ? qtest_writeb(s, addr, val) : (void)qtest_readb(s, addr);
        break;
    case 1:
        write ? qtest_writew(s, addr, val) : (void)qtest_readw(s, addr);
        break;
    case 2:
        write ? qtest_writel(s, addr, val) : (void)qtest_readl(s, addr);
        break;
    default:
        write ? qtest_writeq(s, addr, val) : (void)qtest_readq(s, addr);
    }
}

static void config_access(QTestState *s, const Access *a)
{
    unsigned log_width = a->width % 3;
    unsigned offset = a->offset % pci_config_size(dev);

    offset &= ~((1u << log_width) - 1);
    if (pci_is_express(dev)) {
        memory_access(s, ECAM + (SLOT << PCIE_MMCFG_DEVFN_BIT << 3) + offset,
                      log_width, a->kind % KINDS == CONFIG_WRITE, a->value);
    } else {
        port_access(s, a, offset);
    }
}

/* The model */

static unsigned power_state(void)
{
    return pci_get_word(dev->config + PMCSR) & PCI_PM_CTRL_STATE_MASK;
}

static uint32_t peek(hwaddr addr)
{
    MemoryRegion *mr = dev->io_regions[0].memory;

    return mr->ops->read(mr->opaque, addr, VGPU_STUB_REG_SIZE);
}

static bool bar_answers(void)
{
    return dev->io_regions[0].addr == BAR0 && power_state() == 0;
}

static void expect_access(Model *m, const Access *a, unsigned offset)
{
    bool whole = a->width % 4 == 2 && offset % VGPU_STUB_REG_SIZE == 0;
    bool write = a->kind % KINDS == BAR_WRITE;

    if (!bar_answers()) {
        return;
    }
    if (whole && offset == VGPU_STUB_REG_SCRATCH) {
        m->scratch = write ? a->value : m->scratch;
        return;
    }
    if (whole && !write &&
        (offset <= VGPU_STUB_REG_FEATURES ||
         offset == VGPU_STUB_REG_STATUS ||
         offset == VGPU_STUB_REG_BAD_ACCESS)) {
        return;
    }
    m->bad_access++;
}

static void bar_access(QTestState *s, Model *m, const Access *a)
{
    unsigned log_width = a->width % 4;
    unsigned span = VGPU_STUB_BAR0_SIZE - (1u << log_width) + 1;
    unsigned offset = a->offset % span;

    expect_access(m, a, offset);
    memory_access(s, BAR0 + offset, log_width, a->kind % KINDS == BAR_WRITE,
                  a->value);
}

/* A write to configuration space may have started a reset */
static void check_reset(Model *m)
{
    if (peek(VGPU_STUB_REG_SCRATCH) == VGPU_STUB_SCRATCH &&
        peek(VGPU_STUB_REG_BAD_ACCESS) == VGPU_STUB_BAD_ACCESS) {
        *m = (Model) { VGPU_STUB_SCRATCH, VGPU_STUB_BAD_ACCESS };
    }
}

typedef struct Row {
    unsigned forms;
    unsigned offset;
    unsigned width;
    uint32_t mask;
    unsigned class;
} Row;

#define ROW(NAME, FORMS, OFFSET, WIDTH, MASK, CLASS, VALUE) \
    { VGPU_STUB_FORM_##FORMS, OFFSET, WIDTH, MASK, VGPU_STUB_BITS_##CLASS },

static const Row rows[] = { VGPU_STUB_CONFIG(ROW) };

/* Independent of the device's own masks */
static uint8_t *find_writable(void)
{
    unsigned form = pci_is_express(dev) ? VGPU_STUB_FORM_INTEGRATED
                                        : VGPU_STUB_FORM_CONVENTIONAL;
    uint8_t *bits = g_malloc0(pci_config_size(dev));

    for (const Row *row = rows; row < rows + ARRAY_SIZE(rows); row++) {
        if (!(row->forms & form) ||
            (row->class != VGPU_STUB_BITS_GUEST &&
             row->class != VGPU_STUB_BITS_ERROR)) {
            continue;
        }
        for (unsigned i = 0; i < row->width; i++) {
            bits[row->offset + i] |= row->mask >> 8 * i;
        }
    }
    return bits;
}

static void check_config(void)
{
    for (unsigned i = 0; i < pci_config_size(dev); i++) {
        g_assert_cmphex(dev->config[i] & ~writable[i], ==,
                        fresh[i] & ~writable[i]);
    }
    g_assert(power_state() == 0 || power_state() == 3);
    g_assert(dev->io_regions[0].memory->enabled == (power_state() == 0));
}

static void check(const Model *m)
{
    check_config();
    g_assert_cmphex(peek(VGPU_STUB_REG_MAGIC), ==, VGPU_STUB_MAGIC);
    g_assert_cmphex(peek(VGPU_STUB_REG_SCRATCH), ==, m->scratch);
    g_assert_cmphex(peek(VGPU_STUB_REG_BAD_ACCESS), ==, m->bad_access);
}

/* Targets */

static void map_bar(QTestState *s)
{
    Access accesses[] = {
        { CONFIG_WRITE, 2, PMCSR, 0 },
        { CONFIG_WRITE, 2, PCI_BASE_ADDRESS_0, BAR0 },
        { CONFIG_WRITE, 1, PCI_COMMAND, PCI_COMMAND_MEMORY },
    };

    for (int i = 0; i < ARRAY_SIZE(accesses); i++) {
        config_access(s, &accesses[i]);
    }
}

static void do_access(QTestState *s, Model *m, const Access *a)
{
    if (a->kind == MAP) {
        map_bar(s);
    } else if (a->kind == RESET) {
        pci_device_reset(dev);
        *m = (Model) { VGPU_STUB_SCRATCH, VGPU_STUB_BAD_ACCESS };
    } else if (a->kind % KINDS < BAR_READ) {
        config_access(s, a);
        check_reset(m);
    } else {
        bar_access(s, m, a);
    }
}

/* The RCU thread frees old memory maps; waiting every time would be slow */
static void free_old_views(void)
{
    static unsigned left = 1;

    if (--left == 0) {
        drain_call_rcu();
        left = 256;
    }
}

/* The next input starts with BAR0 mapped and the registers unchanged */
static void restore(QTestState *s)
{
    if (memcmp(dev->config, mapped, pci_config_size(dev)) == 0 &&
        !dev->irq_state) {
        return;
    }
    device_cold_reset(DEVICE(dev));
    map_bar(s);
    memcpy(dev->config, mapped, pci_config_size(dev));
    free_old_views();
}

static Model current(void)
{
    return (Model) { peek(VGPU_STUB_REG_SCRATCH),
                     peek(VGPU_STUB_REG_BAD_ACCESS) };
}

static void fuzz_bus(QTestState *s, const unsigned char *data, size_t size)
{
    Model m = current();
    Access a;

    for (; size >= sizeof(a); data += sizeof(a), size -= sizeof(a)) {
        memcpy(&a, data, sizeof(a));
        do_access(s, &m, &a);
    }
    check(&m);
    restore(s);
}

/* BAR0 only; it stays mapped, which makes each input much faster */
static void fuzz_registers(QTestState *s, const unsigned char *data,
                           size_t size)
{
    Model m = current();
    Access a;

    for (; size >= sizeof(a); data += sizeof(a), size -= sizeof(a)) {
        memcpy(&a, data, sizeof(a));
        a.kind = BAR_READ + a.kind % 2;
        bar_access(s, &m, &a);
    }
    check(&m);
}

static void save(void)
{
    QIOChannelBuffer *buffer = qio_channel_buffer_new(512);
    QEMUFile *file = qemu_file_new_output(QIO_CHANNEL(buffer));

    g_assert(!vmstate_save_state(file, DEVICE_GET_CLASS(dev)->vmsd, dev, NULL,
                                 NULL));
    qemu_fflush(file);
    saved_size = buffer->usage;
    saved = g_memdup2(buffer->data, saved_size);
    qemu_fclose(file);
    object_unref(OBJECT(buffer));
}

/* The saved section with an input's changes applied */
static QIOChannelBuffer *changed(const unsigned char *data, size_t size)
{
    QIOChannelBuffer *buffer = qio_channel_buffer_new(saved_size);
    Change c;

    memcpy(buffer->data, saved, saved_size);
    buffer->usage = saved_size;
    for (; size >= sizeof(c); data += sizeof(c), size -= sizeof(c)) {
        memcpy(&c, data, sizeof(c));
        c.offset %= saved_size + 1;
        if (c.offset == saved_size) {
            buffer->usage -= MIN(buffer->usage, c.value);
        } else {
            buffer->data[c.offset] = c.value;
        }
    }
    return buffer;
}

static int load(QIOChannelBuffer *buffer)
{
    const VMStateDescription *vmsd = DEVICE_GET_CLASS(dev)->vmsd;
    QEMUFile *file;
    int ret;

    file = qemu_file_new_input(QIO_CHANNEL(buffer));
    object_unref(OBJECT(buffer));
    ret = vmstate_load_state(file, vmsd, dev, vmsd->version_id, NULL);
    qemu_fclose(file); /* its error is expected: the file ends here */
    return ret;
}

static void fuzz_load(QTestState *s, const unsigned char *data, size_t size)
{
    load(changed(data, size));
    check_config();
    g_assert_cmphex(peek(VGPU_STUB_REG_MAGIC), ==, VGPU_STUB_MAGIC);
    g_assert_cmphex(dev->irq_state, ==, 0);
    g_assert_cmpint(dev->version_id, ==, vmstate_pci_device.version_id);
    restore(s);
}

static void find_device(QTestState *s)
{
    Object *obj = object_resolve_path_type("", "vgpu-stub", NULL);

    dev = PCI_DEVICE(obj);
    if (pci_is_express(dev)) {
        qtest_outl(s, 0xcf8, 0x80000000 | PCIEXBAR);
        qtest_outl(s, 0xcfc, ECAM | 1);
    }
    fresh = g_memdup2(dev->config, pci_config_size(dev));
    writable = find_writable();
    map_bar(s);
    mapped = g_memdup2(dev->config, pci_config_size(dev));
    save();
}

static GString *arguments(FuzzTarget *t)
{
    return g_string_new(t->opaque);
}

static void register_vgpu_stub_targets(void)
{
    static char pc[] = "qemu-fuzz -machine pc" ARGUMENTS;
    static char q35[] = "qemu-fuzz -machine q35" ARGUMENTS;
    FuzzTarget targets[] = {
        { .name = "vgpu-stub-conventional", .opaque = pc, .fuzz = fuzz_bus,
          .description = "Fuzz vgpu-stub on a conventional bus" },
        { .name = "vgpu-stub-express", .opaque = q35, .fuzz = fuzz_bus,
          .description = "Fuzz vgpu-stub on an Express bus" },
        { .name = "vgpu-stub-registers", .opaque = pc, .fuzz = fuzz_registers,
          .description = "Fuzz BAR0 of vgpu-stub" },
        { .name = "vgpu-stub-load", .opaque = pc, .fuzz = fuzz_load,
          .description = "Fuzz the migration stream of vgpu-stub" },
        { .name = "vgpu-stub-load-express", .opaque = q35, .fuzz = fuzz_load,
          .description = "Fuzz the stream of vgpu-stub on an Express bus" },
    };

    for (int i = 0; i < ARRAY_SIZE(targets); i++) {
        targets[i].get_init_cmdline = arguments;
        targets[i].pre_fuzz = find_device;
        fuzz_add_target(&targets[i]);
    }
}

fuzz_target_init(register_vgpu_stub_targets);
