#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Machines without a PCI bus: QEMU refuses the device with one line, on the command
# line and in the monitor. microvm accepts it once it has PCI.
#
# Needs: setup-device device
use strict;
use warnings;
use Test::More;
use Contract;
use Qtest;

my $device = build_dir() . '/device/qemu-vgpu-stub';
my $message = "No 'PCI' bus found for device 'vgpu-stub'";

# The small QEMUs that the project builds do not have these machines
delete $ENV{QEMU_VGPU};

for my $machine ('isapc', 'microvm', 'none') {
    my $output = qx(timeout 20 '$device' -machine $machine -accel tcg -display none -S -nodefaults \\
        -device vgpu-stub 2>&1 </dev/null);
    is $? >> 8, 1, "$machine: QEMU exits with 1";
    like $output, qr/\A[^\n]*: -device vgpu-stub: \Q$message\E\n\z/, "$machine: a one-line error";
    my $qtest = Qtest->new('-machine', $machine);
    is $qtest->qmp('device_add', { driver => 'vgpu-stub' })->{error}{desc}, $message,
        "$machine: device_add is refused";
    is $qtest->qmp('query-status')->{return}{status}, 'prelaunch', "$machine: QEMU keeps running";
    is $qtest->quit, 0, "$machine: QEMU exits with 0";
}

my $qtest = Qtest->new('-machine', 'microvm,pcie=on', '-device', 'vgpu-stub,id=vgpu');
is $qtest->qmp('qom-get', { path => '/machine/peripheral/vgpu', property => 'realized' })->{return},
    JSON::PP::true, 'microvm with PCI has the device';
like $qtest->qmp('qom-get', { path => '/machine/peripheral/vgpu', property => 'parent_bus' })->{return},
    qr/pcie\.0$/, 'on its Express bus';
is $qtest->quit, 0, 'QEMU exits with 0';

done_testing;
