#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What config.t and bar0.t do not cover, on each kind of bus: power states, Function
# Level Reset, hot-plug, trace events, and the device as seen from the host.
#
# Needs: setup-device device
use strict;
use warnings;
use Test::More;
use Contract;
use Device;

use constant {
    PMCSR => Device::PMCSR, D3HOT => Device::D3HOT, POWER_STATE => 0x3,
    # pc's ACPI hot-plug registers: the bus, and a mask of slots to eject
    ACPI_SELECT => 0xae10, ACPI_EJECT => 0xae08,
    SLTCTL => 0x18, POWER_ON => 0x100, POWER_OFF => 0x700,
};

my $device;
my $scratch = contract('REG_SCRATCH');

sub state { return $device->config(PMCSR, 2) & POWER_STATE }

# With writes to PMCSR of each width
sub test_power {
    for my $width (1, 2, 4) {
        my $what = "PMCSR, $width bytes";
        my $bad = $device->reg('BAD_ACCESS');
        $device->reg_write($scratch, 0xcafe);
        $device->config(PMCSR, $width, D3HOT);
        is state(), D3HOT, "$what: D3hot is entered";
        isnt $device->reg('MAGIC'), contract('MAGIC'), "$what: BAR0 does not respond in D3hot";
        $device->reg_write($scratch, 0xdead);
        for my $unsupported (1, 2) {
            $device->config(PMCSR, $width, $unsupported);
            is state(), D3HOT, "$what: D$unsupported is not entered from D3hot";
            isnt $device->reg('MAGIC'), contract('MAGIC'), "$what: BAR0 still does not respond";
        }
        $device->config(PMCSR, $width, 0);
        is state(), 0, "$what: back in D0";
        is $device->reg('SCRATCH'), 0xcafe, "$what: SCRATCH is kept, and the write in D3hot ignored";
        is $device->reg('BAD_ACCESS'), $bad, "$what: accesses in D3hot are not counted";
        for my $unsupported (1, 2) {
            $device->config(PMCSR, $width, $unsupported);
            is state(), 0, "$what: D$unsupported is not entered from D0";
            is $device->reg('MAGIC'), contract('MAGIC'), "$what: BAR0 responds";
        }
    }
    return;
}

# Writes that set Initiate FLR, and writes next to it that do not
sub test_function_reset {
    my ($devctl, $flr) = (Device::DEVCTL, Device::DEVCTL_FLR);
    my %starts = ('1 byte' => [$devctl + 1, 1, $flr >> 8], '2 bytes' => [$devctl, 2, $flr],
        '4 bytes' => [$devctl, 4, $flr]);
    my %not = ('the byte before' => [$devctl, 1, $flr >> 8], 'the byte after' =>
        [$devctl + 3, 1, $flr >> 8], 'all other bits' => [$devctl, 4, 0xffffffff ^ $flr],
        'the word after' => [$devctl + 2, 2, $flr], '0' => [$devctl, 2, 0]);
    for my $what (sort keys %starts, sort keys %not) {
        $device->map_bar0;
        $device->reg_write($scratch, 0x77);
        $device->config(@{ $starts{$what} // $not{$what} });
        $device->map_bar0;
        is $device->reg('SCRATCH'), $starts{$what} && $device->is_express ?
            contract('SCRATCH') : 0x77, "Initiate FLR, $what";
    }
    return;
}

# On q35, behind a conventional bridge, extended space is not there and reads all ones
sub test_size {
    return unless $device->{express};
    my $beyond = $device->config(0x100, 4);
    is $beyond, $device->is_express ? 0 : 0xffffffff, 'extended space';
    return;
}

sub test_trace {
    my ($before) = length $device->qtest->log;
    $device->reg_write($scratch, 7);
    $device->reg_read($scratch);
    $device->reg_read($scratch, 1);
    $device->reg_write(0, 1);
    $device->config(PMCSR, 2, $_) for 1, D3HOT, 0;
    $device->system_reset;
    my $log = substr $device->qtest->log, $before;
    is join("\n", $log =~ /\bvgpu_stub_(.*?)\s*$/mg), <<'EVENTS' =~ s/\n\z//r, 'trace events';
mmio_write addr 0x14 size 4 val 0x7
mmio_read addr 0x14 size 4 val 0x7
bad_access read addr 0x14 size 1: not 32 bits wide
mmio_read addr 0x14 size 1 val 0x0
mmio_write addr 0x0 size 4 val 0x1
bad_access write addr 0x0 size 4: read-only register
power_state D0 -> D3
power_state D3 -> D0
reset
EVENTS
    return;
}

sub property {
    my ($command, %arguments) = @_;
    return $device->qtest->qmp($command, { path => '/machine/peripheral/vgpu', %arguments });
}

sub test_host {
    my $qtest = $device->qtest;
    my $id = sprintf 'PCI device %04x:%04x', contract('VENDOR_ID'), contract('DEVICE_ID');
    like $qtest->hmp('info pci'), qr/\Q$id\E/, 'info pci shows the device';
    like $qtest->hmp('info qtree'), qr/dev: vgpu-stub/, 'info qtree shows it';
    $device->map_bar0;
    $device->reg_write($scratch, 0x77);
    $device->reg_write(0, 0);
    $device->config(PMCSR, 2, D3HOT);
    my %expected = (scratch => 0x77, 'bad-access' => 1);
    for my $name (sort keys %expected) {
        is property('qom-get', property => $name)->{return}, $expected{$name}, "qom-get $name";
        ok property('qom-set', property => $name, value => 7)->{error}, "$name cannot be set";
    }
    my $options = $qtest->qmp('device-list-properties', { typename => 'vgpu-stub' })->{return};
    is join(' ', grep { /^(?:scratch|bad)/ } map { $_->{name} } @$options), '',
        'neither is an option of -device';
    return;
}

# QMP can unrealize and realize the device. QEMU 10 asserts for any PCI device with a BAR.
sub test_realize_again {
    return if $device->qtest->qmp('query-version')->{return}{qemu}{major} >= 10;
    for my $on (0, 1) {
        my $value = $on ? JSON::PP::true : JSON::PP::false;
        is_deeply property('qom-set', property => 'realized', value => $value),
            { return => {} }, $on ? 'realized again' : 'unrealized';
    }
    $device->open_buses;
    $device->map_bar0;
    is $device->reg('MAGIC'), contract('MAGIC'), 'BAR0 responds';
    is property('qom-get', property => 'scratch')->{return}, $device->reg('SCRATCH'),
        'the device has its properties';
    return;
}

for my $place (Device::places()) {
    subtest $place => sub {
        $device = Device->new($place, '-trace', 'vgpu_stub_*');
        $device->map_bar0;
        test_power();
        test_function_reset();
        test_size();
        test_trace();
        test_host();
        test_realize_again();
        is $device->qtest->quit, 0, 'QEMU exits with 0';
    };
}

sub plug {
    my ($qtest, %where) = @_;
    is_deeply $qtest->qmp('device_add', { driver => 'vgpu-stub', id => 'plugged', %where }),
        { return => {} }, 'plugged in';
    return;
}

sub unplug {
    my ($qtest, $eject) = @_;
    is_deeply $qtest->qmp('device_del', { id => 'plugged' }), { return => {} }, 'device_del';
    $eject->();
    $qtest->wait_event('DEVICE_DELETED');
    unlike $qtest->hmp('info qtree'), qr/dev: vgpu-stub/, 'unplugged';
    return;
}

subtest 'hot-plug on pc' => sub {
    my $qtest = Qtest->new('-machine', 'pc');
    for my $round (1, 2) {
        plug($qtest, addr => '4');
        unplug($qtest, sub {
            $qtest->commands(sprintf('outl %#x 0', ACPI_SELECT),
                sprintf('outl %#x %#x', ACPI_EJECT, 1 << 4));
        });
    }
    is $qtest->quit, 0, 'QEMU exits with 0';
};

# The guest powers the slot up and, after an eject request, down
subtest 'hot-plug on a root port' => sub {
    my $qtest = Qtest->new('-machine', 'q35',
        '-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off',
        '-device', 'pcie-root-port,id=above,addr=4');
    my $port = Qtest::function(0, 4, 0);
    my $cap = $qtest->config($port, 0x34, 1);
    $cap = $qtest->config($port, $cap + 1, 1) until $qtest->config($port, $cap, 1) == 0x10;
    for my $round (1, 2) {
        plug($qtest, bus => 'above');
        $qtest->config($port, $cap + SLTCTL, 2, POWER_ON);
        unplug($qtest, sub { $qtest->config($port, $cap + SLTCTL, 2, POWER_OFF) });
    }
    is $qtest->quit, 0, 'QEMU exits with 0';
};

done_testing;
