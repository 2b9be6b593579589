/*
 * QTest testcase for vgpu-stub
 *
 * The cases of a device without queues run on a conventional bus, on an Express
 * root bus and below a root port.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "libqtest.h"
#include "libqos/libqos.h"
#include "libqos/pci.h"
#include "libqos/pci-pc.h"
#include "hw/pci/pci_regs.h"
#include "qemu/bswap.h"
#include "hw/misc/vgpu_stub_config.h"
#include "hw/misc/vgpu_stub_queue.h"

#define PMCSR               (VGPU_STUB_PM_CAP_OFFSET + PCI_PM_CTRL)
#define D3HOT               3
#define DEVCTL              (VGPU_STUB_EXP_CAP_OFFSET + PCI_EXP_DEVCTL)

#define SLOT                QPCI_DEVFN(4, 0)

/* pc's ACPI hot-plug register that selects the bus to eject from */
#define ACPI_PCIHP_SELECT   0xae10

/* Since 6.1, q35 uses ACPI for hot-plug on root ports by default */
#if QEMU_VERSION_MAJOR >= 7
#define NATIVE_HOTPLUG \
    "-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off "
#else
#define NATIVE_HOTPLUG      ""
#endif

typedef struct Place {
    const char *name;
    const char *arguments;
    int devfn;              /* with the bus in bits 15:8 */
    bool port;              /* the device is below a root port in SLOT */
    unsigned form;
} Place;

static const Place places[] = {
    { .name = "pc",
      .arguments = "-machine pc -device vgpu-stub,addr=4,queues=0",
      .devfn = SLOT, .form = VGPU_STUB_FORM_CONVENTIONAL },
    { .name = "q35",
      .arguments = "-machine q35 -device vgpu-stub,addr=4,queues=0",
      .devfn = SLOT, .form = VGPU_STUB_FORM_INTEGRATED },
    { .name = "root-port",
      .arguments = "-machine q35 -device pcie-root-port,id=rp,addr=4 "
                   "-device vgpu-stub,bus=rp,queues=0",
      .devfn = 1 << 8, .port = true, .form = VGPU_STUB_FORM_ENDPOINT },
};

typedef struct Machine {
    const Place *place;
    QTestState *qts;
    QPCIBus *bus;
    QPCIDevice *dev;
    QPCIBar bar;
} Machine;

/* Make bus 1 reachable, with a window for the addresses that libqos assigns */
static void open_root_port(Machine *m)
{
    QPCIDevice *port = qpci_device_find(m->bus, SLOT);

    g_assert(port);
    qpci_config_writel(port, PCI_PRIMARY_BUS, 0x00010100);
    qpci_config_writew(port, PCI_MEMORY_BASE, 0xe000);
    qpci_config_writew(port, PCI_MEMORY_LIMIT, 0xefff);
    qpci_config_writew(port, PCI_COMMAND, PCI_COMMAND_MEMORY);
    g_free(port);
}

static void machine_find(Machine *m)
{
    if (m->place->port) {
        open_root_port(m);
    }
    m->dev = qpci_device_find(m->bus, m->place->devfn);
    g_assert(m->dev);
}

static void machine_start(Machine *m, const Place *place, const char *more)
{
    m->place = place;
    m->qts = qtest_initf("-nodefaults %s %s", place->arguments, more);
    m->bus = qpci_new_pc(m->qts, NULL);
    machine_find(m);
}

static void machine_map(Machine *m)
{
    uint64_t size;

    m->bar = qpci_iomap(m->dev, 0, &size);
    g_assert_cmpuint(size, ==, VGPU_STUB_BAR0_SIZE);
    qpci_config_writew(m->dev, PCI_COMMAND, PCI_COMMAND_MEMORY);
}

static void machine_stop(Machine *m)
{
    g_free(m->dev);
    qpci_free_pc(m->bus);
    qtest_quit(m->qts);
}

static uint32_t reg_read(Machine *m, unsigned reg)
{
    return qpci_io_readl(m->dev, m->bar, reg);
}

static void reg_write(Machine *m, unsigned reg, uint32_t val)
{
    qpci_io_writel(m->dev, m->bar, reg, val);
}

/* Configuration space: compare the first 256 bytes with the table of bits */

typedef struct Row {
    unsigned forms;
    unsigned offset;
    unsigned width;
    uint32_t mask;
    unsigned class;
    uint32_t value;
} Row;

#define ROW(NAME, FORMS, OFFSET, WIDTH, MASK, CLASS, VALUE) \
    { VGPU_STUB_FORM_##FORMS, OFFSET, WIDTH, MASK, \
      VGPU_STUB_BITS_##CLASS, VALUE },

static const Row rows[] = { VGPU_STUB_CONFIG(ROW) };

typedef struct Bits {
    uint8_t value[256];     /* after a reset */
    uint8_t guest[256];     /* bits that the guest can write */
    uint8_t varies[256];    /* bits that depend on machine or version */
} Bits;

static void set_bits(uint8_t *bytes, const Row *row, uint32_t bits)
{
    unsigned i;

    for (i = 0; i < row->width; i++) {
        bytes[row->offset + i] |= bits >> 8 * i;
    }
}

static Bits table_bits(const Place *place)
{
    Bits bits = { };
    size_t i;

    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        const Row *row = &rows[i];

        if (!(row->forms & place->form) || row->offset >= 256) {
            continue;
        }
        set_bits(bits.value, row, row->value);
        if (row->class == VGPU_STUB_BITS_GUEST) {
            set_bits(bits.guest, row, row->mask);
        } else if (row->class == VGPU_STUB_BITS_PLATFORM ||
                   row->class == VGPU_STUB_BITS_VERSION) {
            set_bits(bits.varies, row, row->mask);
        }
    }
    return bits;
}

/* @set: all guest-writable bits are set; otherwise, the state after a reset */
static void assert_config(Machine *m, bool set)
{
    Bits bits = table_bits(m->place);
    unsigned i;

    for (i = 0; i < 256; i++) {
        uint8_t expected = set ? bits.value[i] | bits.guest[i] : bits.value[i];
        uint8_t read = qpci_config_readb(m->dev, i);

        if ((read ^ expected) & ~bits.varies[i]) {
            g_error("%s: configuration space at 0x%02x is 0x%02x, not 0x%02x",
                    m->place->name, i, read, expected);
        }
    }
}

static uint32_t config_read(Machine *m, unsigned offset, unsigned width)
{
    return width == 1 ? qpci_config_readb(m->dev, offset) :
           width == 2 ? qpci_config_readw(m->dev, offset) :
                        qpci_config_readl(m->dev, offset);
}

static void config_write(Machine *m, unsigned offset, unsigned width,
                         uint32_t val)
{
    if (width == 1) {
        qpci_config_writeb(m->dev, offset, val);
    } else if (width == 2) {
        qpci_config_writew(m->dev, offset, val);
    } else {
        qpci_config_writel(m->dev, offset, val);
    }
}

/* All writable bits are zero before; writing D1 or D2 to PMCSR keeps D0 */
static void try_config(Machine *m, const Bits *bits, unsigned offset,
                       unsigned width, uint32_t val)
{
    uint32_t expected = 0, varies = 0;
    unsigned i;

    for (i = 0; i < width; i++) {
        uint8_t byte = val >> 8 * i;
        uint8_t guest = bits->guest[offset + i];

        if (offset + i == PMCSR && (byte & guest) != D3HOT) {
            guest = 0;
        }
        expected |= (uint32_t)(bits->value[offset + i] | (byte & guest))
                    << 8 * i;
        varies |= (uint32_t)bits->varies[offset + i] << 8 * i;
    }
    config_write(m, offset, width, val);
    g_assert_cmphex(config_read(m, offset, width) & ~varies, ==,
                    expected & ~varies);
    config_write(m, offset, width, 0);
}

static void test_config(const void *data)
{
    unsigned offset, width, bit;
    Machine m;
    Bits bits;

    machine_start(&m, data, "");
    bits = table_bits(m.place);
    assert_config(&m, false);
    for (width = 1; width <= 4; width *= 2) {
        for (offset = 0; offset < 256; offset += width) {
            try_config(&m, &bits, offset, width,
                       0xffffffff >> (32 - 8 * width));
            for (bit = 0; bit < 8 * width; bit++) {
                try_config(&m, &bits, offset, width, 1u << bit);
            }
        }
        assert_config(&m, false);
    }
    machine_stop(&m);
}

static void assert_reset_values(Machine *m)
{
    g_assert_cmphex(reg_read(m, VGPU_STUB_REG_MAGIC), ==, VGPU_STUB_MAGIC);
    g_assert_cmphex(reg_read(m, VGPU_STUB_REG_VERSION), ==, VGPU_STUB_VERSION);
    g_assert_cmphex(reg_read(m, VGPU_STUB_REG_FEATURES), ==,
                    VGPU_STUB_FEATURES);
    g_assert_cmphex(reg_read(m, VGPU_STUB_REG_STATUS), ==, VGPU_STUB_STATUS);
    g_assert_cmphex(reg_read(m, VGPU_STUB_REG_SCRATCH), ==, VGPU_STUB_SCRATCH);
    g_assert_cmphex(reg_read(m, VGPU_STUB_REG_BAD_ACCESS), ==,
                    VGPU_STUB_BAD_ACCESS);
}

static void test_registers(const void *data)
{
    Machine m;

    machine_start(&m, data, "");
    machine_map(&m);
    assert_reset_values(&m);
    reg_write(&m, VGPU_STUB_REG_SCRATCH, 0xdeadbeef);
    g_assert_cmphex(reg_read(&m, VGPU_STUB_REG_SCRATCH), ==, 0xdeadbeef);
    g_assert_cmpuint(reg_read(&m, VGPU_STUB_REG_BAD_ACCESS), ==, 0);
    machine_stop(&m);
}

static bool is_register(unsigned offset)
{
    switch (offset) {
    case VGPU_STUB_REG_MAGIC:
    case VGPU_STUB_REG_VERSION:
    case VGPU_STUB_REG_FEATURES:
    case VGPU_STUB_REG_STATUS:
    case VGPU_STUB_REG_SCRATCH:
    case VGPU_STUB_REG_BAD_ACCESS:
        return true;
    default:
        return false;
    }
}

static uint64_t bar_read(Machine *m, unsigned offset, unsigned width)
{
    uint64_t addr = m->bar.addr + offset;

    return width == 1 ? qtest_readb(m->qts, addr) :
           width == 2 ? qtest_readw(m->qts, addr) :
           width == 4 ? qtest_readl(m->qts, addr) : qtest_readq(m->qts, addr);
}

static void bar_write(Machine *m, unsigned offset, unsigned width)
{
    uint64_t addr = m->bar.addr + offset;

    if (width == 1) {
        qtest_writeb(m->qts, addr, 0x55);
    } else if (width == 2) {
        qtest_writew(m->qts, addr, 0x55);
    } else if (width == 4) {
        qtest_writel(m->qts, addr, 0x55);
    } else {
        qtest_writeq(m->qts, addr, 0x55);
    }
}

/* Every offset and width: a bad access reads zero and is counted once */
static void test_bad_accesses(const void *data)
{
    Machine m;
    uint32_t count = 0;
    unsigned width, offset;

    machine_start(&m, data, "");
    machine_map(&m);
    reg_write(&m, VGPU_STUB_REG_SCRATCH, 0xffffffff);
    for (width = 1; width <= 8; width *= 2) {
        for (offset = 0; offset <= VGPU_STUB_BAR0_SIZE - width; offset++) {
            bool valid = width == VGPU_STUB_REG_SIZE && is_register(offset);

            if (!valid) {
                g_assert_cmphex(bar_read(&m, offset, width), ==, 0);
                count++;
            }
            if (!valid || offset != VGPU_STUB_REG_SCRATCH) {
                bar_write(&m, offset, width);
                count++;
            }
            g_assert_cmpuint(reg_read(&m, VGPU_STUB_REG_BAD_ACCESS), ==,
                             count);
        }
    }
    g_assert_cmphex(reg_read(&m, VGPU_STUB_REG_MAGIC), ==, VGPU_STUB_MAGIC);
    g_assert_cmphex(reg_read(&m, VGPU_STUB_REG_SCRATCH), ==, 0xffffffff);
    machine_stop(&m);
}

static void test_power(const void *data)
{
    unsigned width;
    Machine m;

    machine_start(&m, data, "");
    machine_map(&m);
    reg_write(&m, VGPU_STUB_REG_SCRATCH, 0xcafe);
    for (width = 1; width <= 4; width *= 2) {
        config_write(&m, PMCSR, width, 1);
        g_assert_cmphex(qpci_config_readw(m.dev, PMCSR), ==, VGPU_STUB_PMCSR);
        config_write(&m, PMCSR, width, D3HOT);
        g_assert_cmphex(qpci_config_readw(m.dev, PMCSR), ==,
                        VGPU_STUB_PMCSR | D3HOT);
        g_assert_cmphex(reg_read(&m, VGPU_STUB_REG_MAGIC), !=,
                        VGPU_STUB_MAGIC);
        reg_write(&m, VGPU_STUB_REG_SCRATCH, 0);
        config_write(&m, PMCSR, width, 2);
        g_assert_cmphex(qpci_config_readw(m.dev, PMCSR), ==,
                        VGPU_STUB_PMCSR | D3HOT);

        config_write(&m, PMCSR, width, 0);
        g_assert_cmphex(reg_read(&m, VGPU_STUB_REG_MAGIC), ==,
                        VGPU_STUB_MAGIC);
        g_assert_cmphex(reg_read(&m, VGPU_STUB_REG_SCRATCH), ==, 0xcafe);
        g_assert_cmpuint(reg_read(&m, VGPU_STUB_REG_BAD_ACCESS), ==, 0);
    }
    machine_stop(&m);
}

/* Set everything that a reset clears, and leave the function in @state */
static void disturb(Machine *m, unsigned state)
{
    Bits bits = table_bits(m->place);
    unsigned i;

    reg_write(m, VGPU_STUB_REG_SCRATCH, 0x77);
    reg_write(m, VGPU_STUB_REG_MAGIC, 0);
    for (i = 0; i < 256; i++) {
        if (bits.guest[i] && i != PMCSR) {
            qpci_config_writeb(m->dev, i, bits.guest[i]);
        }
    }
    qpci_config_writew(m->dev, PMCSR, D3HOT);
    assert_config(m, true);
    qpci_config_writew(m->dev, PMCSR, state);
}

static void system_reset(Machine *m)
{
    qobject_unref(qtest_qmp(m->qts, "{ 'execute': 'system_reset' }"));
    qtest_qmp_eventwait(m->qts, "RESET");
    g_free(m->dev);
    machine_find(m);
}

static void function_reset(Machine *m)
{
    qpci_config_writew(m->dev, DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
}

static void bus_reset(Machine *m)
{
    QPCIDevice *port = qpci_device_find(m->bus, SLOT);

    qpci_config_writew(port, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET);
    qpci_config_writew(port, PCI_BRIDGE_CONTROL, 0);
    g_free(port);
}

/* From D0 and from D3hot */
static void test_reset(const void *data, void (*reset)(Machine *))
{
    unsigned state;
    Machine m;

    machine_start(&m, data, "");
    for (state = 0; state <= D3HOT; state += D3HOT) {
        qpci_config_writew(m.dev, PMCSR, 0);
        machine_map(&m);
        disturb(&m, state);
        reset(&m);
        assert_config(&m, false);
        machine_map(&m);
        assert_reset_values(&m);
    }
    machine_stop(&m);
}

static void test_system_reset(const void *data)
{
    test_reset(data, system_reset);
}

static void test_flr(const void *data)
{
    test_reset(data, function_reset);
}

static void test_bus_reset(const void *data)
{
    test_reset(data, bus_reset);
}

/*
 * Poll @query until its status is @wanted. Waiting for events does not work in
 * QEMU 4.2: an event sent during the QMP greeting is lost, and one sent before
 * a reply is taken for the reply.
 */
static void await(QTestState *qts, const char *query, const char *wanted)
{
    bool done = false;

    while (!done) {
        QDict *answer = qtest_qmp(qts, "{ 'execute': %s }", query);
        QDict *info = qdict_get_qdict(answer, "return");
        const char *status = info ? qdict_get_try_str(info, "status") : NULL;

        g_assert_cmpstr(status, !=, "failed");
        done = g_strcmp0(status, wanted) == 0;
        qobject_unref(answer);
        g_usleep(1000);
    }
}

static void save(Machine *m, const char *path)
{
    char *uri = g_strdup_printf("exec:cat > %s", path);

    qobject_unref(qtest_qmp(m->qts, "{ 'execute': 'migrate',"
                            "  'arguments': { 'uri': %s } }", uri));
    await(m->qts, "query-migrate", "completed");
    g_free(uri);
}

/* Registers and D3hot are migrated; BAR0 responds as before */
static void test_migration(const void *data)
{
    char *path = g_strdup("/tmp/vgpu-stub-test-XXXXXX");
    int fd = g_mkstemp(path);
    char *incoming = g_strdup_printf("-incoming \"exec:cat %s\"", path);
    Machine from, to;

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    machine_start(&from, data, "");
    machine_map(&from);
    reg_write(&from, VGPU_STUB_REG_SCRATCH, 0x1234);
    reg_write(&from, VGPU_STUB_REG_MAGIC, 0);
    qpci_config_writew(from.dev, PMCSR, D3HOT);
    save(&from, path);

    to = from;
    to.qts = qtest_initf("-nodefaults %s %s", from.place->arguments, incoming);
    await(to.qts, "query-status", "running");
    to.bus = qpci_new_pc(to.qts, NULL);
    to.dev = qpci_device_find(to.bus, to.place->devfn);
    g_assert(to.dev);
    g_assert_cmphex(qpci_config_readw(to.dev, PMCSR), ==,
                    VGPU_STUB_PMCSR | D3HOT);
    g_assert_cmphex(reg_read(&to, VGPU_STUB_REG_MAGIC), !=, VGPU_STUB_MAGIC);
    qpci_config_writew(to.dev, PMCSR, 0);
    g_assert_cmphex(reg_read(&to, VGPU_STUB_REG_SCRATCH), ==, 0x1234);
    g_assert_cmpuint(reg_read(&to, VGPU_STUB_REG_BAD_ACCESS), ==, 1);

    machine_stop(&to);
    machine_stop(&from);
    unlink(path);
    g_free(incoming);
    g_free(path);
}

/* Run an HMP command that prints nothing on success */
static void monitor(Machine *m, const char *command)
{
    char *answer = qtest_hmp(m->qts, "%s", command);

    g_assert_cmpstr(answer, ==, "");
    g_free(answer);
}

/* Loading a snapshot restores the registers and drops later changes */
static void test_snapshot(const void *data)
{
    char *path = g_strdup("/tmp/vgpu-stub-test-XXXXXX");
    int fd = g_mkstemp(path);
    char *drive = g_strdup_printf("-drive if=none,format=qcow2,file=%s", path);
    Machine m;

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    mkqcow2(path, 1);
    machine_start(&m, data, drive);
    machine_map(&m);
    reg_write(&m, VGPU_STUB_REG_SCRATCH, 0x1234);
    reg_write(&m, VGPU_STUB_REG_MAGIC, 0);
    monitor(&m, "savevm before");
    reg_write(&m, VGPU_STUB_REG_SCRATCH, 0x5678);
    reg_write(&m, VGPU_STUB_REG_MAGIC, 0);
    qpci_config_writew(m.dev, PCI_COMMAND, 0);
    monitor(&m, "loadvm before");
    g_assert_cmphex(reg_read(&m, VGPU_STUB_REG_SCRATCH), ==, 0x1234);
    g_assert_cmpuint(reg_read(&m, VGPU_STUB_REG_BAD_ACCESS), ==, 1);

    machine_stop(&m);
    unlink(path);
    g_free(drive);
    g_free(path);
}

static void test_hotplug_acpi(void)
{
    QTestState *qts = qtest_init("-nodefaults -machine pc");

    qtest_qmp_device_add(qts, "vgpu-stub", "vgpu", "{'addr': '4'}");
    qpci_unplug_acpi_device_test(qts, "vgpu", 4);
    qtest_quit(qts);
}

/* On pc, ACPI handles bridges too; it numbers the bridge's bus 1 */
static void test_hotplug_bridge(void)
{
    QTestState *qts = qtest_init("-nodefaults -machine pc "
                                 "-device pci-bridge,id=bridge,chassis_nr=1");

    qtest_qmp_device_add(qts, "vgpu-stub", "vgpu",
                         "{'bus': 'bridge', 'addr': '4'}");
    qtest_outl(qts, ACPI_PCIHP_SELECT, 1);
    qpci_unplug_acpi_device_test(qts, "vgpu", 4);
    qtest_quit(qts);
}

/* The guest powers the slot on and, after an attention button press, off */
static void test_hotplug_root_port(void)
{
    QTestState *qts = qtest_init("-nodefaults -machine q35 " NATIVE_HOTPLUG
                                 "-device pcie-root-port,id=rp,addr=4");
    QPCIBus *bus = qpci_new_pc(qts, NULL);
    QPCIDevice *port = qpci_device_find(bus, SLOT);
    uint8_t slot = qpci_find_capability(port, PCI_CAP_ID_EXP, 0);

    qtest_qmp_device_add(qts, "vgpu-stub", "vgpu", "{'bus': 'rp'}");
    qpci_config_writew(port, slot + PCI_EXP_SLTCTL, PCI_EXP_SLTCTL_PWR_IND_ON);
    /* in QEMU 4.2, every libqtest function for this waits for the event */
    qobject_unref(qtest_qmp(qts, "{ 'execute': 'device_del',"
                            "  'arguments': { 'id': 'vgpu' } }"));
    g_assert(qpci_config_readw(port, slot + PCI_EXP_SLTSTA) &
             PCI_EXP_SLTSTA_ABP);
    qpci_config_writew(port, slot + PCI_EXP_SLTCTL,
                       PCI_EXP_SLTCTL_PWR_IND_OFF | PCI_EXP_SLTCTL_PCC);
    qtest_qmp_eventwait(qts, "DEVICE_DELETED");
    g_free(port);
    qpci_free_pc(bus);
    qtest_quit(qts);
}

/* Two devices have separate registers */
static void test_several(void)
{
    QTestState *qts = qtest_init("-nodefaults -machine pc "
                                 "-device vgpu-stub,addr=4 "
                                 "-device vgpu-stub,addr=5");
    QPCIBus *bus = qpci_new_pc(qts, NULL);
    Machine first = { .qts = qts, .bus = bus }, second = first;

    first.dev = qpci_device_find(bus, QPCI_DEVFN(4, 0));
    second.dev = qpci_device_find(bus, QPCI_DEVFN(5, 0));
    machine_map(&first);
    machine_map(&second);
    reg_write(&first, VGPU_STUB_REG_SCRATCH, 1);
    reg_write(&second, VGPU_STUB_REG_SCRATCH, 2);
    g_assert_cmphex(reg_read(&first, VGPU_STUB_REG_SCRATCH), ==, 1);
    g_assert_cmphex(reg_read(&second, VGPU_STUB_REG_SCRATCH), ==, 2);
    g_free(second.dev);
    machine_stop(&first);
}

static void assert_property(QTestState *qts, const char *property, int value)
{
    QDict *answer = qtest_qmp(qts, "{'execute': 'qom-get', 'arguments': {"
                              "'path': '/machine/peripheral/vgpu',"
                              "'property': %s}}", property);

    g_assert(qdict_haskey(answer, "return"));
    g_assert_cmpint(qdict_get_int(answer, "return"), ==, value);
    qobject_unref(answer);
}

/* multifunction=on, and the properties that show registers to the host */
static void test_properties(void)
{
    QTestState *qts = qtest_init("-nodefaults -machine pc -device "
                                 "vgpu-stub,id=vgpu,addr=4,multifunction=on");
    Machine m = { .qts = qts, .bus = qpci_new_pc(qts, NULL) };

    m.dev = qpci_device_find(m.bus, SLOT);
    g_assert_cmphex(qpci_config_readb(m.dev, PCI_HEADER_TYPE), ==, 0x80);
    machine_map(&m);
    reg_write(&m, VGPU_STUB_REG_SCRATCH, 0x1234);
    reg_write(&m, VGPU_STUB_REG_MAGIC, 0);
    assert_property(qts, "scratch", 0x1234);
    assert_property(qts, "bad-access", 1);
    machine_stop(&m);
}

/* Queues: a command in each, its completion, and a reset */

#define QUEUE_MEMORY        0x100000
#define QUEUE_ENTRIES       16

static unsigned queue_reg(unsigned queue, unsigned offset)
{
    return VGPU_STUB_WIN_QUEUE + queue * VGPU_STUB_QUEUE_STRIDE + offset;
}

static uint64_t queue_memory(unsigned queue, unsigned page)
{
    return QUEUE_MEMORY + (3 * queue + page) * 4096;
}

static void queue_enable(Machine *m, unsigned queue)
{
    qtest_memset(m->qts, queue_memory(queue, 2), 0, 128);
    reg_write(m, queue_reg(queue, VGPU_STUB_QUEUE_SIZE), QUEUE_ENTRIES);
    reg_write(m, queue_reg(queue, VGPU_STUB_QUEUE_SQ_LO),
              queue_memory(queue, 0));
    reg_write(m, queue_reg(queue, VGPU_STUB_QUEUE_CQ_LO),
              queue_memory(queue, 1));
    reg_write(m, queue_reg(queue, VGPU_STUB_QUEUE_INDEX_LO),
              queue_memory(queue, 2));
    reg_write(m, queue_reg(queue, VGPU_STUB_QUEUE_CONTROL),
              VGPU_STUB_QUEUE_ENABLE);
    g_assert_cmphex(reg_read(m, queue_reg(queue, VGPU_STUB_QUEUE_STATUS)), ==,
                    VGPU_STUB_QUEUE_RUNNING);
}

/* The checksum of nine bytes, which the specification has */
static void queue_run(Machine *m, unsigned queue)
{
    struct vgpu_stub_sqe sqe = {
        .opcode = cpu_to_le16(VGPU_STUB_OP_CRC32C),
        .id = cpu_to_le32(queue),
        .out = { .type = VGPU_STUB_DESC_INLINE, .len = cpu_to_le32(9) },
        .data = "123456789",
    };
    struct vgpu_stub_cqe cqe;
    uint64_t index = queue_memory(queue, 2);

    qtest_memwrite(m->qts, queue_memory(queue, 0), &sqe, sizeof(sqe));
    qtest_writel(m->qts, index + offsetof(struct vgpu_stub_index, sq_tail), 1);
    reg_write(m, VGPU_STUB_WIN_DOORBELL + queue * VGPU_STUB_DOORBELL_STRIDE, 0);
    while (!qtest_readl(m->qts, index +
                        offsetof(struct vgpu_stub_index, cq_tail))) {
        g_usleep(100);
    }
    qtest_memread(m->qts, queue_memory(queue, 1), &cqe, sizeof(cqe));
    g_assert_cmphex(le32_to_cpu(cqe.id), ==, queue);
    g_assert_cmphex(le16_to_cpu(cqe.status), ==, VGPU_STUB_OK);
    g_assert_cmphex(le64_to_cpu(cqe.result), ==, 0xe3069283);
}

static void test_queues(void)
{
    static const Place place = {
        .name = "queues", .devfn = SLOT,
        .arguments = "-machine q35 -device vgpu-stub,addr=4,queues=16",
    };
    unsigned queue;
    Machine m;

    machine_start(&m, &place, "");
    machine_map(&m);
    qpci_config_writew(m.dev, PCI_COMMAND,
                       PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    g_assert_cmphex(reg_read(&m, VGPU_STUB_REG_VERSION), ==,
                    VGPU_STUB_VERSION_QUEUES);
    g_assert_cmpuint(reg_read(&m, VGPU_STUB_REG_QUEUES), ==,
                     VGPU_STUB_QUEUES_MAX);
    for (queue = 0; queue < VGPU_STUB_QUEUES_MAX; queue++) {
        queue_enable(&m, queue);
        queue_run(&m, queue);
    }
    reg_write(&m, VGPU_STUB_REG_CONTROL, VGPU_STUB_CONTROL_RESET);
    for (queue = 0; queue < VGPU_STUB_QUEUES_MAX; queue++) {
        g_assert_cmphex(reg_read(&m, queue_reg(queue, VGPU_STUB_QUEUE_STATUS)),
                        ==, VGPU_STUB_QUEUE_DISABLED);
    }
    machine_stop(&m);
}

static void add(const char *name, const Place *place,
                void (*test)(const void *))
{
    char *path = g_strdup_printf("/vgpu-stub/%s/%s", place->name, name);

    qtest_add_data_func(path, place, test);
    g_free(path);
}

int main(int argc, char **argv)
{
    size_t i;

    g_test_init(&argc, &argv, NULL);
    for (i = 0; i < ARRAY_SIZE(places); i++) {
        add("config", &places[i], test_config);
        add("registers", &places[i], test_registers);
        add("bad-accesses", &places[i], test_bad_accesses);
        add("power", &places[i], test_power);
        add("system-reset", &places[i], test_system_reset);
        add("migration", &places[i], test_migration);
        if (have_qemu_img()) {
            add("snapshot", &places[i], test_snapshot);
        }
        if (places[i].form & VGPU_STUB_FORM_EXPRESS) {
            add("flr", &places[i], test_flr);
        }
        if (places[i].port) {
            add("bus-reset", &places[i], test_bus_reset);
        }
    }
    qtest_add_func("/vgpu-stub/hotplug/acpi", test_hotplug_acpi);
    qtest_add_func("/vgpu-stub/hotplug/bridge", test_hotplug_bridge);
    qtest_add_func("/vgpu-stub/hotplug/root-port", test_hotplug_root_port);
    qtest_add_func("/vgpu-stub/several", test_several);
    qtest_add_func("/vgpu-stub/properties", test_properties);
    qtest_add_func("/vgpu-stub/queues", test_queues);
    return g_test_run();
}
