#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A device with queues in a booted guest: every call of /dev/vgpu_stub0 and every error
# of it, with one queue and with sixteen, on both kinds of bus, with interrupts and
# without, and where buffers cannot be mapped in place.
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Contract;
use Chardev;
use Guest;

local $ENV{GUEST} = chardev_guest();
my @calls = qw(info errors work events limits pair);

sub vectors {
    my ($guest) = @_;
    my (undef, $count) = $guest->command('grep -c vgpu_stub0 /proc/interrupts || true');
    return $count;
}

sub test_device {
    my ($what, $options, $tests, $vectors, @machine) = @_;
    local $ENV{KERNEL_OPTIONS} = ($ENV{KERNEL_OPTIONS} // '')
        . " $options tests=" . join ',', @$tests;
    my $guest = boot('queues', @machine);
    $guest->good;
    my (undef, $node) = $guest->command('ls -l /dev/vgpu_stub0');
    like $node, qr/^crw-rw---- /, "$what: nobody but root and the group may open the file";
    is vectors($guest), $vectors, "$what: $vectors interrupt vectors in use";
    chardev_passes($guest, "chardev $_", $what) for @$tests;
    my ($command) = $guest->commands('bad_access_count');
    my (undef, $bad) = $guest->command($command);
    is $bad, 0, "$what: no access was wrong";
    return;
}

# io_uring's commands are there from 6.1 on, in kernels that are built with io_uring
my $uring = $ENV{NO_URING} ? [] : ['uring'];
my @q35 = ('-machine', express_machine(), '-device');

test_device('one queue', '', [@calls, @$uring], 1, @q35, 'vgpu-stub,queues=1');
test_device('16 queues', '', [@calls, @$uring, 'measure'], 4, '-smp', 4, @q35, 'vgpu-stub,queues=16');
test_device('conventional PCI', '', ['info', 'work', 'measure'], 2, '-smp', 2, '-machine', 'pc',
    '-device', 'vgpu-stub,queues=2');
test_device('without MSI-X', 'pci=nomsi', ['work', 'errors', 'events', 'pair'], 0, @q35,
    'vgpu-stub,queues=1');
test_device('bounce buffers', 'swiotlb=force', ['bounce'], 1, @q35, 'vgpu-stub,queues=1');

done_testing;
