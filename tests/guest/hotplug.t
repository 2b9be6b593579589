#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Hot-plug and unplug with the driver loaded and its files being read: with ACPI on pc,
# below a root port (PCI Express), and behind a PCI bridge.
#
# Environment:
#   ROUNDS   number of plug/unplug cycles on each bus, default 3
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Vm;

my $rounds = $ENV{ROUNDS} // 3;
$ENV{VM_TIMEOUT} //= 300 + 30 * $rounds;
my $driver = '/sys/bus/pci/drivers/vgpu_stub';
my %machines = (
    'ACPI' => { machine => ['pc'], bus => 'pci.0' },
    'root port' => { machine => ['q35', '-device', 'pcie-root-port,id=rp0,chassis=1'],
        bus => 'rp0' },
    # Linux has an SHPC driver for bridges, but Debian's cloud kernel is built without
    # it, so this too is ACPI hot-plug
    'PCI bridge' => { machine => ['pc', '-device', 'pci-bridge,id=bridge,chassis_nr=1'],
        bus => 'bridge' },
);

# Read the files in a loop; a file may disappear, but its reader must not hang
my $readers = '(while [ ! -e /tmp/stop ]; do cat ' . "$driver/0000:*/vgpu_stub/*;"
    . ' done; touch /tmp/stopped) >/dev/null 2>&1 &';

sub wait_for {
    my ($vm, $condition, $what) = @_;
    my ($status, @lines) = $vm->run("i=0; until $condition; do i=\$((i + 1));"
        . ' [ $i -lt 600 ] || exit 1; usleep 50000; done');
    return if $status == 0;
    $vm->end;
    die "$what: timeout: @lines";
}

sub plug {
    my ($vm, $bus) = @_;
    my $answer = $vm->qmp('device_add', { driver => 'vgpu-stub', id => 'card', bus => $bus,
        $bus eq 'rp0' ? () : (addr => '5') });
    die $answer->{error}{desc} if $answer->{error};
    wait_for($vm, "[ -e $driver/0000:*/vgpu_stub/scratch ]", 'plug');
}

# For the error message when QEMU sends no DEVICE_DELETED: where the device still exists
sub whereabouts {
    my ($vm) = @_;
    my $devices = $vm->qmp('qom-list', { path => '/machine/peripheral' })->{return};
    my (undef, @lines) = $vm->run("ls -d $driver/0000:*; dmesg | tail -n 5");
    my $in_qemu = grep { $_->{name} eq 'card' } @$devices;
    return 'in QEMU: ' . ($in_qemu ? 'yes' : 'no') . "; in the guest: @lines\n";
}

# The guest releases the device, then QEMU deletes it and sends an event, which may come
# before or after the answer to any command.
sub unplug {
    my ($vm) = @_;
    my $answer = $vm->qmp('device_del', { id => 'card' });
    die $answer->{error}{desc} if $answer->{error};
    eval { $vm->wait_event('DEVICE_DELETED'); 1 } or die $@, whereabouts($vm);
    wait_for($vm, "[ ! -e $driver/0000:*/vgpu_stub ]", 'unplug');
}

for my $name (sort keys %machines) {
    subtest $name => sub {
        my $vm = Vm->new('-machine', @{ $machines{$name}{machine} });
        my $good = 0;
        $vm->run($readers);
        for my $round (1 .. $rounds) {
            plug($vm, $machines{$name}{bus});
            my ($status, $value) = $vm->run("cd $driver/0000:*/vgpu_stub;"
                . " fresh=\$(cat scratch); echo $round >scratch; echo \$fresh \$((\$(cat scratch)))");
            $good++ if $status == 0 && $value eq "0x00000000 $round";
            unplug($vm);
        }
        is $good, $rounds, "plugged, used and unplugged $rounds times";
        my ($status) = $vm->run('touch /tmp/stop; i=0; until [ -e /tmp/stopped ] ||'
            . ' [ $i = 100 ]; do i=$((i + 1)); usleep 100000; done; [ -e /tmp/stopped ]');
        is $status, 0, 'the reader does not hang';
        ($status) = $vm->run('rmmod vgpu_stub; ! grep -q vgpu_stub /proc/iomem');
        is $status, 0, 'rmmod releases all resources';
        $vm->end->good;
    };
}

done_testing;
