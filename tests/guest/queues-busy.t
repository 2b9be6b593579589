#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Resets, PCI Express errors, unbind, removal, unplug and kill -9 while two programs keep
# a device's queues busy: each program learns how its work ended, at once, and nothing is
# left behind.
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Contract;
use Chardev;
use Guest;

local $ENV{GUEST} = chardev_guest();
local $ENV{VM_MEMORY} = $ENV{VM_MEMORY} // 512;

# the kernel, not ACPI, drives the root port's slot
my $guest = boot('queues-busy', '-smp', 2, '-machine', express_machine(),
    '-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off',
    '-device', 'pcie-root-port,id=rp0,chassis=1,addr=4',
    '-device', 'vgpu-stub,id=card,bus=rp0,queues=2');
$guest->good;

sub ended {
    my ($what, $how) = @_;
    my (undef, @lines) = $guest->command("cat /tmp/busy.* # $what");
    is scalar(grep { /^ended: / } @lines), 2, "$what: both programs ended";
    like $_, $how, "$what: as they should" for grep { /^ended: / } @lines;
    return;
}

ended('reset', qr/^ended: told, finished some, cut off some, failed 0$/);
ended('errors', qr/^ended: told, finished some, cut off (?:some|none), failed 0$/);
chardev_passes($guest, 'cat /tmp/idle', 'unbind, and a program that only waits');
my ($status, @lines) = $guest->command('rmmod vgpu_stub');
isnt $status, 0, 'the module stays while files are open';
ended($_, qr/^ended: No such device, finished some, cut off (?:some|none), failed 0$/)
    for 'unbind', 'remove', 'unplug';
chardev_passes($guest, "chardev work # $_", $_) for 'killed first', 'killed second', 'plugged again';

my (undef, $bad) = $guest->command('cat /sys/bus/pci/devices/0000:01:00.0/vgpu_stub/bad_access_count');
is $bad, 0, 'no access was wrong';
my (undef, @log) = $guest->command('dmesg');
is_deeply [grep { /vgpu_stub.*(?:queue \d+:|does not stop|cannot)/ } @log], [], 'the driver has nothing to complain of';

done_testing;
