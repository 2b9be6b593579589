#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The MSI-X table and its pending bits, at every offset and width. Accesses follow the PCI
# specification (3.0, section 6.8.2): aligned ones of 4 and 8 bytes; others read zero and
# change nothing. None of them is a bad access.
#
# Needs: setup-device device
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Test::More;
use Contract;
use Device;
use Qtest;

my @widths = (1, 2, 4, 8);
my ($table, $pba) = map { Device::BAR0_ADDRESS + contract($_) } qw(MSIX_TABLE MSIX_PBA);
my ($qtest, $size, @words);

sub is_good {
    my ($offset, $width) = @_;
    return $width >= 4 && $offset % $width == 0;
}

sub expected {
    my ($offset, $width) = @_;
    return 0 unless is_good($offset, $width);
    my $value = $words[$offset / 4];
    return $width == 8 ? $value | $words[$offset / 4 + 1] << 32 : $value;
}

sub offsets {
    my ($width) = @_;
    return 0 .. $size - $width;
}

sub write_table {
    my ($width, $value, @offsets) = @_;
    $qtest->commands(map { Qtest::write_command($table + $_, $width, $value) } @offsets);
    return;
}

sub table_is {
    my ($what) = @_;
    for my $width (@widths) {
        my @offsets = offsets($width);
        my @answers = $qtest->commands(map { Qtest::read_command($table + $_, $width) } @offsets);
        my @wrong = map { sprintf '%#x: %s', $offsets[$_], $answers[$_] }
            grep { hex $answers[$_] != expected($offsets[$_], $width) } 0 .. $#offsets;
        is_deeply \@wrong, [], "$what, width $width: what is read";
    }
    return;
}

# Address, data and, with its one bit, the mask of each vector
sub test_words {
    @words = map { $_ % 4 == 3 ? 1 : 0x10000 + 16 * $_ } 0 .. $size / 4 - 1;
    write_table(4, $words[$_ / 4], $_) for grep { $_ % 4 == 0 } offsets(4);
    table_is('written as words');
    return;
}

sub test_bad_writes {
    for my $width (@widths) {
        write_table($width, 0, grep { !is_good($_, $width) } offsets($width));
    }
    table_is('after narrow and misaligned writes');
    return;
}

sub test_pairs {
    @words = map { $_ % 4 == 3 ? 1 : 0x20000 + 16 * $_ } 0 .. $size / 4 - 1;
    write_table(8, expected($_, 8), $_) for grep { $_ % 8 == 0 } offsets(8);
    table_is('written as pairs');
    return;
}

sub test_pending_bits {
    for my $width (@widths) {
        $qtest->commands(map { Qtest::write_command($pba + $_, $width, 0xff) } 0 .. 8 - $width);
    }
    is hex, 0, 'the pending bits are read-only' for $qtest->commands(Qtest::read_command($pba, 8));
    return;
}

sub test_neighbours {
    my ($device) = @_;
    is $device->reg('BAD_ACCESS'), 0, 'none of them is a bad access';
    $qtest->commands((map { Qtest::read_command($_, 4) } $table - 4, $table + $size, $pba - 4, $pba + 8),
        (map { Qtest::write_command($_, 4, 1) } $table + $size, $pba - 4, $pba + 8));
    # before the table is the last doorbell, which cannot be read
    is $device->reg('BAD_ACCESS'), 7, 'those beside the table and the bits are';
    return;
}

for my $queues (1, contract('QUEUES_MAX')) {
    subtest "$queues queues" => sub {
        my $device = Device->with_queues('pc', $queues);
        $device->map_bar0;
        ($qtest, $size) = ($device->qtest, 16 * ($queues + 1));
        test_words();
        test_bad_writes();
        test_pairs();
        test_pending_bits();
        test_neighbours($device);
        is $qtest->quit, 0, 'QEMU exits with 0';
    };
}

done_testing;
