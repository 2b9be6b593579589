#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Resets, PCI Express error recovery, D3hot and disabled memory decoding with the driver
# bound: its sysfs files wait for a reset, fail with ENODEV while the device does not
# respond, and have the specified values afterwards.
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Contract;
use Guest;

# Use native PCI Express hot-plug: with ACPI hot-plug, QEMU reports the port's link as
# down, and a link reset fails
my $guest = boot('reset', '-machine', 'q35',
    '-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off',
    '-device', 'pcie-root-port,id=rp0,chassis=1,addr=4', '-device', 'vgpu-stub,bus=rp0');
$guest->good;

my $version = interface_version();
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
        [$reset, $version], "$method reset: the registers have their reset values");
    my (undef, @reads) = $guest->command('cat /tmp/reader.*');
    is scalar @reads, 2, "$method resets with readers and writers: the readers ended";
    for (@reads) {
        my ($good, $bad) = split;
        cmp_ok $good, '>', 3, 'reads happened';
        is $bad, 0, 'no read failed';
    }
    prints('cat /tmp/errors', [], 'no write failed');
}

for my $error (['non-fatal', '0x0000002a'], ['fatal', $reset]) {
    my ($kind, $value) = @$error;
    my (undef, $log) = $guest->command("dmesg | grep 'AER: device recovery' | tail -n 1");
    like $log, qr/AER: device recovery successful$/, "a $kind error: recovered";
    prints('cat scratch version', [$value, $version], "a $kind error: the registers are as specified");
}

for my $state ('D3hot', 'memory decoding disabled') {
    for my $command ('cat scratch', 'echo 1 >scratch') {
        my ($status, @lines) = $guest->command($command);
        is $status, 1, "$state: '$command' fails";
        like "@lines", qr/No such device/, "$state: the error is ENODEV";
    }
    prints('cat scratch', ['0x0000002a'], "$state: scratch keeps its value");
}

done_testing;
