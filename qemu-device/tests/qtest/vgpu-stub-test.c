/*
 * QTest testcase for vgpu-stub
 *
 * Every case runs on a conventional bus, on the root bus of an Express machine
 * and behind a root port.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "libqtest.h"
#include "libqos/libqos.h"
#include "libqos/pci.h"
#include "libqos/pci-pc.h"
#include "hw/pci/pci_regs.h"
#include "hw/misc/vgpu_stub.h"

/* The kinds of function that PCI_EXP_FLAGS holds, as they stand there */
#define TYPE_ENDPOINT       (PCI_EXP_TYPE_ENDPOINT << 4)
#define TYPE_INTEGRATED     (PCI_EXP_TYPE_RC_END << 4)

#define PMCSR               (VGPU_STUB_PM_CAP_OFFSET + PCI_PM_CTRL)
#define D3HOT               3

#define SLOT                QPCI_DEVFN(4, 0)

/* Where pc's ACPI tables choose the bus that a slot is ejected from */
#define ACPI_PCIHP_SELECT   0xae10

/* Since 6.1 ACPI serves q35's root ports, unless it is told not to */
#if QEMU_VERSION_MAJOR >= 7
#define NATIVE_HOTPLUG \
    "-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off "
#else
#define NATIVE_HOTPLUG      ""
#endif

typedef struct Bed {
    const char *name;
    const char *arguments;
    int devfn;              /* with the bus in bits 15:8 */
    bool express;
    bool port;              /* the device is behind a root port in SLOT */
    unsigned type;
} Bed;

static const Bed beds[] = {
    { .name = "pc", .arguments = "-machine pc -device vgpu-stub,addr=4",
      .devfn = SLOT },
    { .name = "q35", .arguments = "-machine q35 -device vgpu-stub,addr=4",
      .devfn = SLOT, .express = true, .type = TYPE_INTEGRATED },
    { .name = "root-port",
      .arguments = "-machine q35 -device pcie-root-port,id=rp,addr=4 "
                   "-device vgpu-stub,bus=rp",
      .devfn = 1 << 8, .express = true, .port = true, .type = TYPE_ENDPOINT },
};

typedef struct Machine {
    const Bed *bed;
    QTestState *qts;
    QPCIBus *bus;
    QPCIDevice *dev;
    QPCIBar bar;
} Machine;

/* Bus 1 behind the root port, with a window for what libqos hands out */
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
    if (m->bed->port) {
        open_root_port(m);
    }
    m->dev = qpci_device_find(m->bus, m->bed->devfn);
    g_assert(m->dev);
}

static void machine_start(Machine *m, const Bed *bed, const char *more)
{
    m->bed = bed;
    m->qts = qtest_initf("-nodefaults %s %s", bed->arguments, more);
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

/* Offset of a capability, 0 where there is none */
static uint8_t find_capability(Machine *m, uint8_t id)
{
    uint8_t at = qpci_config_readb(m->dev, PCI_CAPABILITY_LIST);
    int left = 48;

    while (at && qpci_config_readb(m->dev, at) != id) {
        g_assert_cmpint(left--, >, 0);
        at = qpci_config_readb(m->dev, at + PCI_CAP_LIST_NEXT);
    }
    return at;
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

static void test_identity(const void *data)
{
    Machine m;
    int bar;

    machine_start(&m, data, "");
    g_assert_cmphex(qpci_config_readw(m.dev, PCI_VENDOR_ID), ==,
                    VGPU_STUB_VENDOR_ID);
    g_assert_cmphex(qpci_config_readw(m.dev, PCI_DEVICE_ID), ==,
                    VGPU_STUB_DEVICE_ID);
    g_assert_cmphex(qpci_config_readw(m.dev, PCI_COMMAND), ==, 0);
    g_assert_cmphex(qpci_config_readw(m.dev, PCI_STATUS), ==,
                    PCI_STATUS_CAP_LIST);
    g_assert_cmphex(qpci_config_readb(m.dev, PCI_REVISION_ID), ==,
                    VGPU_STUB_REVISION);
    g_assert_cmphex(qpci_config_readb(m.dev, PCI_CLASS_PROG), ==,
                    VGPU_STUB_PROG_IF);
    g_assert_cmphex(qpci_config_readw(m.dev, PCI_CLASS_DEVICE), ==,
                    VGPU_STUB_CLASS);
    g_assert_cmphex(qpci_config_readb(m.dev, PCI_HEADER_TYPE), ==,
                    VGPU_STUB_HEADER_TYPE);
    g_assert_cmphex(qpci_config_readw(m.dev, PCI_SUBSYSTEM_VENDOR_ID), ==,
                    VGPU_STUB_SUBSYSTEM_VENDOR_ID);
    g_assert_cmphex(qpci_config_readw(m.dev, PCI_SUBSYSTEM_ID), ==,
                    VGPU_STUB_SUBSYSTEM_ID);
    for (bar = PCI_BASE_ADDRESS_1; bar <= PCI_BASE_ADDRESS_5; bar += 4) {
        qpci_config_writel(m.dev, bar, 0xffffffff);
        g_assert_cmphex(qpci_config_readl(m.dev, bar), ==, 0);
    }
    qpci_config_writel(m.dev, PCI_BASE_ADDRESS_0, 0xffffffff);
    g_assert_cmphex(qpci_config_readl(m.dev, PCI_BASE_ADDRESS_0), ==,
                    (uint32_t)-VGPU_STUB_BAR0_SIZE | VGPU_STUB_BAR0_FLAGS);
    machine_stop(&m);
}

static void test_capabilities(const void *data)
{
    Machine m;
    uint8_t pm, express;

    machine_start(&m, data, "");
    pm = find_capability(&m, PCI_CAP_ID_PM);
    g_assert_cmphex(pm, ==, VGPU_STUB_PM_CAP_OFFSET);
    g_assert_cmphex(qpci_config_readw(m.dev, pm + PCI_PM_PMC), ==,
                    VGPU_STUB_PMC);
    g_assert_cmphex(qpci_config_readw(m.dev, PMCSR), ==, VGPU_STUB_PMCSR);

    express = find_capability(&m, PCI_CAP_ID_EXP);
    g_assert_cmphex(express, ==,
                    m.bed->express ? VGPU_STUB_EXP_CAP_OFFSET : 0);
    if (express) {
        g_assert_cmphex(qpci_config_readw(m.dev, express + PCI_EXP_FLAGS) &
                        PCI_EXP_FLAGS_TYPE, ==, m.bed->type);
        g_assert_true(qpci_config_readl(m.dev, express + PCI_EXP_DEVCAP) &
                      PCI_EXP_DEVCAP_FLR);
    }
    machine_stop(&m);
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

static void assert_bad_accesses(Machine *m, uint32_t *count)
{
    g_assert_cmpuint(reg_read(m, VGPU_STUB_REG_BAD_ACCESS), ==, ++*count);
}

/* Widths and alignments that no register takes: read as zero, one count each */
static void test_bad_width(const void *data)
{
    Machine m;
    uint32_t count = 0;
    uint64_t base;

    machine_start(&m, data, "");
    machine_map(&m);
    base = m.bar.addr + VGPU_STUB_REG_SCRATCH;
    reg_write(&m, VGPU_STUB_REG_SCRATCH, 0xffffffff);

    g_assert_cmphex(qtest_readb(m.qts, base), ==, 0);
    assert_bad_accesses(&m, &count);
    g_assert_cmphex(qtest_readw(m.qts, base), ==, 0);
    assert_bad_accesses(&m, &count);
    g_assert_cmphex(qtest_readq(m.qts, base - 4), ==, 0);
    assert_bad_accesses(&m, &count);
    g_assert_cmphex(qtest_readl(m.qts, base + 1), ==, 0);
    assert_bad_accesses(&m, &count);
    qtest_writeb(m.qts, base, 0);
    assert_bad_accesses(&m, &count);
    qtest_writew(m.qts, base + 2, 0);
    assert_bad_accesses(&m, &count);
    qtest_writeq(m.qts, base - 4, 0);
    assert_bad_accesses(&m, &count);
    qtest_writel(m.qts, base - 2, 0);
    assert_bad_accesses(&m, &count);
    g_assert_cmphex(reg_read(&m, VGPU_STUB_REG_SCRATCH), ==, 0xffffffff);
    machine_stop(&m);
}

/* Every offset that has no register, and every register that is read-only */
static void test_bad_offset(const void *data)
{
    Machine m;
    uint32_t count = 0;
    unsigned reg;

    machine_start(&m, data, "");
    machine_map(&m);
    for (reg = VGPU_STUB_REG_BAD_ACCESS + VGPU_STUB_REG_SIZE;
         reg < VGPU_STUB_BAR0_SIZE; reg += VGPU_STUB_REG_SIZE) {
        g_assert_cmphex(reg_read(&m, reg), ==, 0);
        assert_bad_accesses(&m, &count);
        reg_write(&m, reg, 0x55);
        assert_bad_accesses(&m, &count);
    }
    for (reg = 0; reg <= VGPU_STUB_REG_BAD_ACCESS; reg += VGPU_STUB_REG_SIZE) {
        if (reg != VGPU_STUB_REG_SCRATCH) {
            reg_write(&m, reg, 0x55);
            assert_bad_accesses(&m, &count);
        }
    }
    g_assert_cmphex(reg_read(&m, VGPU_STUB_REG_MAGIC), ==, VGPU_STUB_MAGIC);
    machine_stop(&m);
}

static void test_power(const void *data)
{
    Machine m;

    machine_start(&m, data, "");
    machine_map(&m);
    reg_write(&m, VGPU_STUB_REG_SCRATCH, 0xcafe);

    qpci_config_writew(m.dev, PMCSR, 1);
    g_assert_cmphex(qpci_config_readw(m.dev, PMCSR), ==, VGPU_STUB_PMCSR);
    qpci_config_writew(m.dev, PMCSR, D3HOT);
    g_assert_cmphex(qpci_config_readw(m.dev, PMCSR), ==,
                    VGPU_STUB_PMCSR | D3HOT);
    g_assert_cmphex(reg_read(&m, VGPU_STUB_REG_MAGIC), !=, VGPU_STUB_MAGIC);
    reg_write(&m, VGPU_STUB_REG_SCRATCH, 0);

    qpci_config_writew(m.dev, PMCSR, 0);
    g_assert_cmphex(reg_read(&m, VGPU_STUB_REG_MAGIC), ==, VGPU_STUB_MAGIC);
    g_assert_cmphex(reg_read(&m, VGPU_STUB_REG_SCRATCH), ==, 0xcafe);
    g_assert_cmpuint(reg_read(&m, VGPU_STUB_REG_BAD_ACCESS), ==, 0);
    machine_stop(&m);
}

/* Leave nothing as a reset leaves it */
static void disturb(Machine *m)
{
    reg_write(m, VGPU_STUB_REG_SCRATCH, 0x77);
    reg_write(m, VGPU_STUB_REG_MAGIC, 0);
    qpci_config_writew(m->dev, PMCSR, D3HOT);
}

static void assert_is_reset(Machine *m)
{
    g_assert_cmphex(qpci_config_readw(m->dev, PMCSR), ==, VGPU_STUB_PMCSR);
    machine_map(m);
    assert_reset_values(m);
}

static void test_system_reset(const void *data)
{
    Machine m;

    machine_start(&m, data, "");
    machine_map(&m);
    disturb(&m);
    qobject_unref(qtest_qmp(m.qts, "{ 'execute': 'system_reset' }"));
    qtest_qmp_eventwait(m.qts, "RESET");
    g_free(m.dev);
    machine_find(&m);
    assert_is_reset(&m);
    machine_stop(&m);
}

static void test_flr(const void *data)
{
    Machine m;

    machine_start(&m, data, "");
    machine_map(&m);
    disturb(&m);
    qpci_config_writew(m.dev, VGPU_STUB_EXP_CAP_OFFSET + PCI_EXP_DEVCTL,
                       PCI_EXP_DEVCTL_BCR_FLR);
    assert_is_reset(&m);
    machine_stop(&m);
}

/*
 * Until the status that @query asks for is @wanted. Asked again and again, because
 * QEMU 4.2 loses an event that comes while it is first spoken to, and hands out
 * one that comes before an answer as that answer.
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

/* What the registers and D3hot hold moves; BAR0 answers as before */
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
    to.qts = qtest_initf("-nodefaults %s %s", from.bed->arguments, incoming);
    await(to.qts, "query-status", "running");
    to.bus = qpci_new_pc(to.qts, NULL);
    to.dev = qpci_device_find(to.bus, to.bed->devfn);
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

/* A command of the monitor's, which prints nothing where all is well */
static void monitor(Machine *m, const char *command)
{
    char *answer = qtest_hmp(m->qts, "%s", command);

    g_assert_cmpstr(answer, ==, "");
    g_free(answer);
}

/* A snapshot on a disk brings back what registers held, and loses the rest */
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

/* Behind a bridge on pc it is ACPI too, which calls that bus 1 */
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

/* The guest powers the slot up and, when it is asked for the device, down */
static void test_hotplug_root_port(void)
{
    QTestState *qts = qtest_init("-nodefaults -machine q35 " NATIVE_HOTPLUG
                                 "-device pcie-root-port,id=rp,addr=4");
    QPCIBus *bus = qpci_new_pc(qts, NULL);
    QPCIDevice *port = qpci_device_find(bus, SLOT);
    uint8_t slot = qpci_find_capability(port, PCI_CAP_ID_EXP, 0);

    qtest_qmp_device_add(qts, "vgpu-stub", "vgpu", "{'bus': 'rp'}");
    qpci_config_writew(port, slot + PCI_EXP_SLTCTL, PCI_EXP_SLTCTL_PWR_IND_ON);
    /* QEMU 4.2 has no function that asks and does not wait */
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

/* Several devices are several: a write to one is not seen in the other */
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

/* What a user may set of any PCI device, and what the host sees of this one */
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

static void add(const char *name, const Bed *bed, void (*test)(const void *))
{
    char *path = g_strdup_printf("/vgpu-stub/%s/%s", bed->name, name);

    qtest_add_data_func(path, bed, test);
    g_free(path);
}

int main(int argc, char **argv)
{
    size_t i;

    g_test_init(&argc, &argv, NULL);
    for (i = 0; i < ARRAY_SIZE(beds); i++) {
        add("identity", &beds[i], test_identity);
        add("capabilities", &beds[i], test_capabilities);
        add("registers", &beds[i], test_registers);
        add("bad-width", &beds[i], test_bad_width);
        add("bad-offset", &beds[i], test_bad_offset);
        add("power", &beds[i], test_power);
        add("system-reset", &beds[i], test_system_reset);
        add("migration", &beds[i], test_migration);
        if (have_qemu_img()) {
            add("snapshot", &beds[i], test_snapshot);
        }
        if (beds[i].express) {
            add("flr", &beds[i], test_flr);
        }
    }
    qtest_add_func("/vgpu-stub/hotplug/acpi", test_hotplug_acpi);
    qtest_add_func("/vgpu-stub/hotplug/bridge", test_hotplug_bridge);
    qtest_add_func("/vgpu-stub/hotplug/root-port", test_hotplug_root_port);
    qtest_add_func("/vgpu-stub/several", test_several);
    qtest_add_func("/vgpu-stub/properties", test_properties);
    return g_test_run();
}
