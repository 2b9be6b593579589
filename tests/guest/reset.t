#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Resets, PCI Express error recovery, D3hot and a disabled memory space, under the
# driver: its sysfs files wait for a reset, fail with ENODEV where the device does
# not answer, and read as specified afterwards.
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Contract;
use Guest;

# the kernel drives the root port's slot itself: with ACPI's hot-plug QEMU takes the
# port's link for down, and no reset of the link succeeds
my $guest = boot('reset', '-machine', 'q35',
    '-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off',
    '-device', 'pcie-root-port,id=rp0,chassis=1,addr=4', '-device', 'vgpu-stub,bus=rp0');
$guest->good;

my $version = sprintf '%u.%u', contract('VERSION_MAJOR'), contract('VERSION_MINOR');
my $reset = sprintf '0x%08x', contract('SCRATCH');
my $slot = '0000:01:00.0';

sub prints {
    my ($command, $expected, $what) = @_;
    my ($status, @lines) = $guest->command($command);
    is_deeply \@lines, $expected, $what or diag explain \@lines;
    return;
}

for my $method ('function', 'bus') {
    prints("echo 42 >scratch; echo 1 >/sys/bus/pci/devices/$slot/reset; cat scratch version",
        [$reset, $version], "$method reset: the registers are as specified");
    my (undef, @reads) = $guest->command('cat /tmp/reader.*');
    is scalar @reads, 2, "$method resets under readers and writers: the readers ended";
    for (@reads) {
        my ($good, $bad) = split;
        cmp_ok $good, '>', 3, 'they did read';
        is $bad, 0, 'no read failed';
    }
    prints('cat /tmp/errors', [], 'no write failed');
}

for my $error (['non-fatal', '0x0000002a'], ['fatal', $reset]) {
    my ($kind, $value) = @$error;
    my (undef, $log) = $guest->command("dmesg | grep 'AER: device recovery' | tail -n 1");
    like $log, qr/AER: device recovery successful$/, "a $kind error: recovered";
    prints('cat scratch version', [$value, $version], 'the registers are as specified');
}

for my $state ('D3hot', 'memory space disabled') {
    for my $command ('cat scratch', 'echo 1 >scratch') {
        my ($status, @lines) = $guest->command($command);
        is $status, 1, "$state: '$command' fails";
        like "@lines", qr/No such device/, "$state: it says why";
    }
    prints('cat scratch', ['0x0000002a'], 'again as before: the value was kept');
}

done_testing;
