#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Eight programs with verified data share a device with two queues, while programs are
# killed with SIGKILL and the device is reset, rebound, removed and unplugged at random.
# No result is wrong, nothing hangs, and the kernel log stays clean.
#
# Environment:
#   SECONDS   how long, default 20
#
# Needs: setup-demo guest
# Slow: the guest is busy for 20 seconds, a minute on a busy host
use strict;
use warnings;
use Test::More;
use Contract;
use Guest;

my $seconds = $ENV{SECONDS} // 20;
local $ENV{VM_MEMORY} = $ENV{VM_MEMORY} // 512;
local $ENV{VM_TIMEOUT} = 1200 + 10 * $seconds;
local $ENV{KERNEL_OPTIONS} = ($ENV{KERNEL_OPTIONS} // '') . " seconds=$seconds";

# the kernel, not ACPI, handles the root port's slot
my $guest = boot('stress', '-smp', 2, '-machine', express_machine(),
    '-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off',
    '-device', 'pcie-root-port,id=rp0,chassis=1,addr=4',
    '-device', 'vgpu-stub,id=card,bus=rp0,queues=2');
$guest->good;

# 0: verified; 1 and 3: the device was reset or gone; 137: killed
my (undef, @statuses) = $guest->command('sort /tmp/statuses | uniq -c');
my %count = map { /^ *(\d+) exit status (\d+)$/ ? ($2, $1) : () } @statuses;
is_deeply [grep { !/^(?:0|1|3|137)$/ } sort keys %count], [], 'no program ends in another way' or diag @statuses;
cmp_ok $count{0} // 0, '>=', 8, 'programs verify all their results';
cmp_ok $count{137} // 0, '>=', 1, 'programs were killed';
my ($command) = $guest->commands(qr{^sed .*/tmp/errors});
my (undef, @errors) = $guest->command($command);
is_deeply [grep { /expected|no completion/ } @errors], [], 'no result is wrong or missing';
my (undef, $bad) = $guest->command('cat /sys/bus/pci/devices/0000:01:00.0/vgpu_stub/bad_access_count');
is $bad, 0, 'the driver makes no bad access';
note map { "$_\n" } @statuses, @errors;

done_testing;
