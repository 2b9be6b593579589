#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Eight programs with verified data share a device with two queues, while some are
# killed with SIGKILL and the device is reset, rebound, removed and unplugged.
# No result is wrong, nothing hangs, and the kernel log stays clean.
#
# Environment:
#   STRESS_SECONDS   how long, default 20
#
# Needs: setup-demo guest
# Slow: the guest is busy for 20 seconds, a minute on a busy host
use strict;
use warnings;
use Test::More;
use Contract;
use Guest;

my $seconds = $ENV{STRESS_SECONDS} // 20;
local $ENV{VM_MEMORY} = $ENV{VM_MEMORY} // 512;
local $ENV{VM_TIMEOUT} = 300 + 10 * $seconds;
local $ENV{KERNEL_OPTIONS} = ($ENV{KERNEL_OPTIONS} // '') . " seconds=$seconds";

# the kernel, not ACPI, handles the root port's slot
my $guest = boot('stress', '-smp', 2, '-machine', express_machine(),
    '-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off',
    '-device', 'pcie-root-port,id=rp0,chassis=1,addr=4',
    '-device', 'vgpu-stub,id=card,bus=rp0,queues=2');
$guest->good;

# What "uniq -c" counted
sub counts {
    my ($command) = @_;
    my (undef, @lines) = $guest->command($command);
    note map { "$_\n" } @lines;
    return map { /^ *(\d+) (.*)$/ ? ($2, $1) : () } @lines;
}

my %disturbed = counts('sort /tmp/disturbances | uniq -c');
is_deeply [sort keys %disturbed], [qw(kill rebind remove reset unplug)], 'there was every kind of disturbance';
# 0: verified; 1 and 3: the device was reset or gone; 137: killed
my %ended = counts('sort /tmp/statuses | uniq -c');
is_deeply [grep { !/^exit status (?:0|1|3|137)$/ } sort keys %ended], [], 'no program ends in another way';
cmp_ok $ended{'exit status 0'} // 0, '>=', 8, 'programs verify all their results';
cmp_ok $ended{'exit status 137'} // 0, '>=', 1, 'programs were killed';
my ($command) = $guest->commands(qr{^sed .*/tmp/errors});
my (undef, @errors) = $guest->command($command);
my $lost = qr/the device was removed, or its driver unbound$|device was reset, suspended or removed \(|the device is gone$/;
my $absent = qr/this machine has no vgpu-stub|the driver is not bound to| has no \/dev\/vgpu_stub: /;
is_deeply [grep { !/^ *\d+ (?:Killed$|vgpu-run: .*(?:$lost|$absent))/ } @errors], [],
    'no result is wrong or missing';
my (undef, $bad) = $guest->command('cat /sys/bus/pci/devices/0000:01:00.0/vgpu_stub/bad_access_count');
is $bad, 0, 'the driver makes no bad access';
note map { "$_\n" } @errors;

done_testing;
