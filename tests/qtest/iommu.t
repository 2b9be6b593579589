#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Queues behind QEMU's intel-iommu and virtio-iommu, without a guest: bus addresses are
# translated, and an access to an unmapped page, or a write to a read-only page, is an
# error of the command or of the queue.
#
# Needs: setup-device device
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Test::More;
use Contract;
use Device;
use IntelIommu;
use QueueTest;
use Ring;
use VirtioIommu;

use constant {
    DEVFN => 4 << 3, WINDOW => 0x40000000, PAGE => 4096, PHYSICAL => 0x800000, MAPPED => 0x800000,
};

my ($iommu, $other);

# Queue 0, its data and the lists have an identity mapping; queue 1 has separate pages
sub start_behind {
    my ($class) = @_;
    start('q35', qemu => [$class->arguments]);
    my $unmapped = Ring->new($device, no_index => 1);
    $iommu = $class->new($device->qtest, DEVFN);
    is $unmapped->enable, contract('QUEUE_ERROR'), 'nothing is mapped: a queue cannot be enabled';
    is $unmapped->error, contract('QERR_DMA'), 'the error is a DMA fault';
    $unmapped->disable;
    $iommu->map(0, 0, 0x180000, 'rw');
    $iommu->map(DATA, DATA, MAPPED - DATA, 'rw');
    $iommu->map(0x180000, 0x180000, 0x40000, 'rw');
    $other = Ring->new($device, number => 1, base => 0x180000);
    is $_->enable, contract('QUEUE_RUNNING'), "queue $_->{number} is enabled" for $ring, $other;
    is $ring->run->{status}, 0, 'a command completes';
    return;
}

# The window is mapped to pages elsewhere in memory, in reverse order
sub test_translation {
    my $pages = 16;
    for my $page (0 .. $pages - 1) {
        $iommu->map(WINDOW + PAGE * $page, PHYSICAL + 2 * PAGE * ($pages - $page), PAGE, 'rw');
    }
    my $bytes = join '', map { chr($_ * 7 % 251) } 0 .. PAGE * $pages - 1;
    $ring->put(DATA, $bytes);
    is_status({ op => 'COPY', out => direct(DATA, length $bytes), in => direct(WINDOW, length $bytes) },
        'OK', 'COPY to translated pages', length $bytes);
    my $wrong = grep {
        $ring->get(PHYSICAL + 2 * PAGE * ($pages - $_), PAGE) ne substr $bytes, PAGE * $_, PAGE
    } 0 .. $pages - 1;
    is $wrong, 0, 'each page is at the address that it is mapped to';
    my $direct = $ring->run(op => 'CRC32C', out => direct(DATA + 5, 50000))->{result};
    is_status({ op => 'CRC32C', out => direct(WINDOW + 5, 50000) }, 'OK', 'CRC32C across pages', $direct);
    $ring->put(OTHER, segments([WINDOW + 5, 10000], [WINDOW + 10005, 40000]));
    is_status({ op => 'CRC32C', out => list(OTHER, 50000, 2) }, 'OK', 'CRC32C of a list', $direct);
    return;
}

sub test_faults {
    my $unmapped = WINDOW + 0x100000;
    $iommu->map($unmapped - PAGE, PHYSICAL, PAGE, 'rw');
    $iommu->map($unmapped + PAGE, PHYSICAL + PAGE, PAGE, 'r');
    $iommu->map($unmapped + 2 * PAGE, Device::BAR0_ADDRESS, PAGE, 'rw');
    my $bad = $device->reg('BAD_ACCESS');
    my $read_only = $unmapped + PAGE;
    my $register = $unmapped + 2 * PAGE;
    my %faults = (
        'reading an unmapped page' => { op => 'CRC32C', out => direct($unmapped, 9) },
        'writing to an unmapped page' => { op => 'FILL', in => direct($unmapped, 9) },
        'reading up to an unmapped page' => { op => 'CRC32C', out => direct($unmapped - 8, 9) },
        'writing to a read-only page' => { op => 'FILL', in => direct($read_only, 9) },
        'a list in an unmapped page' => { op => 'CRC32C', out => list($unmapped, 9, 1) },
        'reading a register' => { op => 'CRC32C', out => direct($register, 4) },
        'writing to a register' => { op => 'FILL', in => direct($register + contract('REG_SCRATCH'), 4) },
        'reading above the address width of the IOMMU' => { op => 'CRC32C', out => direct(1 << 60, 9) },
    );
    is_status($faults{$_}, 'DMA', $_) for sort keys %faults;
    is_status({ op => 'CRC32C', out => direct($read_only, 9) }, 'OK', 'reading a read-only page');
    is $device->reg('BAD_ACCESS'), $bad, 'no register was accessed';
    is $other->run->{status}, 0, 'another queue works';
    return;
}

# Pages of a command's data and of a ring are unmapped while in use
sub test_unmapped_in_use {
    $iommu->map(WINDOW + 0x10000000, PHYSICAL, 0x100000, 'rw');
    $ring->put(OTHER, segments(([WINDOW + 0x10000000, 0x100000]) x 512));
    $ring->submit(op => 'CRC32C', out => list(OTHER, 512 << 20, 512), id => 3);
    $ring->doorbell;
    is $ring->available, 0, 'a command is in flight';
    $iommu->unmap(WINDOW + 0x10000000, 0x100000);
    my ($completion) = $ring->wait(1);
    is $completion->{status}, contract('ERR_DMA'), 'it fails with a DMA fault when its data is unmapped';
    is $ring->run->{status}, 0, 'the queue keeps running';
    $iommu->unmap(0x180000, 0x40000);
    $other->ring;
    ok $other->wait_for(sub { $other->state == contract('QUEUE_ERROR') }), 'a queue stops when its ring is unmapped';
    is $other->error, contract('QERR_DMA'), 'with a DMA fault';
    is $ring->run->{status}, 0, 'the other queue works';
    return;
}

for my $class (qw(IntelIommu VirtioIommu)) {
    subtest $class => sub {
        start_behind($class);
        test_translation();
        test_faults();
        test_unmapped_in_use();
        is $device->qtest->quit, 0, 'QEMU exits with 0';
    };
}

done_testing;
