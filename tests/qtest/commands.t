#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The commands of queues, without a guest: their results, registered buffers, and each
# status in the specification.
#
# Needs: setup-device device
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Test::More;
use Contract;
use Device;
use QueueTest;
use Ring;

sub test_commands {
    prepare_data();
    is_status({ op => 'NOP' }, 'OK', 'NOP', 0);
    is_status({ op => 'CRC32C', out => direct(DATA, 9) }, 'OK', 'CRC32C', 0xe3069283);
    is_status({ op => 'CRC32C', out => list(OTHER, 9, 2) }, 'OK', 'CRC32C of a list', 0xe3069283);
    is_status({ op => 'CRC32C', out => inline_data(9), data => '123456789' }, 'OK',
        'CRC32C of inline data', 0xe3069283);
    my $part = $ring->run(op => 'CRC32C', out => direct(DATA, 4))->{result};
    is_status({ op => 'CRC32C', arg => $part, out => direct(DATA + 4, 5) }, 'OK',
        'CRC32C continued', 0xe3069283);
    is_status({ op => 'COPY', out => direct(DATA, 9), in => direct(OTHER + 0x101, 9) }, 'OK', 'COPY', 9);
    is $ring->get(OTHER + 0x100, 11), "\0" . '123456789' . "\0", 'COPY: the bytes';
    is_status({ op => 'COPY', out => list(OTHER, 9, 2), in => direct(OTHER + 0x201, 9) }, 'OK',
        'COPY of a list', 9);
    is $ring->get(OTHER + 0x200, 11), "\0" . '123456789' . "\0", 'COPY of a list: the bytes';
    is_status({ op => 'FILL', arg => 0x0807060504030201, in => direct(OTHER + 0x303, 19) }, 'OK',
        'FILL', 19);
    is $ring->get(OTHER + 0x302, 21), pack('C*', 0, (1 .. 8) x 2, 1 .. 3, 0), 'FILL: the bytes';
    my @pieces = ([LONG + 0x101, 3], [LONG + 0x181, 11], [LONG + 0x201, 5]);
    $ring->put(LONG, segments(@pieces));
    is_status({ op => 'FILL', arg => 0x0807060504030201, in => list(LONG, 19, 3) }, 'OK', 'FILL of a list', 19);
    is join('', map { $ring->get(@$_) } @pieces),
        pack('C*', (1 .. 8) x 2, 1 .. 3), 'FILL of a list: the pattern goes on in the next segment';
    return;
}

# Lengths around the limits from which the worker does the work, in one or more jobs
sub test_lengths {
    for my $length (0xffff, 0x10000, 0x10001, 0xfffff, 0x100000, 0x100001, 0x300003) {
        my $what = sprintf '%#x bytes', $length;
        is_status({ op => 'FILL', arg => 0x1122334455667788, in => direct(0x1000000, $length) }, 'OK',
            "FILL $what", $length);
        is_status({ op => 'COPY', out => direct(0x1000000, $length), in => direct(0x2000000, $length) },
            'OK', "COPY $what", $length);
        is $ring->get(0x2000000 + $length - 9, 9), substr(pack('Q<', 0x1122334455667788) x 3,
            ($length - 9) % 8, 9), "COPY $what: its end";
        my $one = $ring->run(op => 'CRC32C', out => direct(0x1000000, $length))->{result};
        my $other = $ring->run(op => 'CRC32C', out => direct(0x2000000, $length))->{result};
        is $one, $other, "CRC32C $what";
        $ring->put(0x2000000 + $length - 9, "\0" x 9);
    }
    return;
}

sub test_buffers {
    prepare_data();
    my $both = (contract('BUFFER_READ') | contract('BUFFER_WRITE'));
    is_status({ op => 'REGISTER', arg => $both | 5, out => direct(OTHER, 32) }, 'OK', 'REGISTER', 9);
    is_status({ op => 'CRC32C', out => buffer(5, 0, 9) }, 'OK', 'CRC32C of a buffer', 0xe3069283);
    is_status({ op => 'COPY', out => buffer(5, 3, 3), in => direct(OTHER + 0x400, 3) }, 'OK',
        'COPY from a buffer', 3);
    is $ring->get(OTHER + 0x400, 4), "456\0", 'COPY from a buffer: across its segments';
    is_status({ op => 'COPY', out => direct(OTHER + 0x400, 3), in => buffer(5, 6, 3) }, 'OK',
        'COPY to a buffer', 3);
    is $ring->get(DATA, 9), '123456456', 'COPY to a buffer: the bytes';
    my @errors = (
        [HANDLE => op => 'REGISTER', arg => $both | 5, out => direct(OTHER, 32)],
        [ARG => op => 'REGISTER', arg => 6, out => direct(OTHER, 32)],
        [ARG => op => 'REGISTER', arg => $both | 1024, out => direct(OTHER, 32)],
        [ARG => op => 'REGISTER', arg => $both | 1 << 40, out => direct(OTHER, 32)],
        [DESC => op => 'REGISTER', arg => $both | 6, out => buffer(5, 0, 9)],
        [LENGTH => op => 'REGISTER', arg => $both | 6, out => direct(OTHER, 33)],
        [SPACE => op => 'REGISTER', arg => $both | 6, out => direct(OTHER, 16 * 65537)],
        [DMA => op => 'REGISTER', arg => $both | 6, out => direct(NOWHERE, 32)],
        [LIST => op => 'REGISTER', arg => $both | 6, out => direct(DATA + 0x100, 32)],
        [BOUNDS => op => 'CRC32C', out => buffer(5, 1, 9)],
        [BOUNDS => op => 'CRC32C', out => buffer(5, 2**64 - 1, 1)],
        [HANDLE => op => 'CRC32C', out => buffer(4, 0, 9)],
        [HANDLE => op => 'CRC32C', out => buffer(1024, 0, 9)],
        [OVERLAP => op => 'COPY', out => buffer(5, 0, 5), in => buffer(5, 4, 5)],
        [HANDLE => op => 'UNREGISTER', arg => 6],
        [ARG => op => 'UNREGISTER', arg => 1 << 16],
    );
    is_status({ @$_[1 .. $#$_] }, $_->[0], "@$_[1, 2] " . unpack('H*', "@$_[3 .. $#$_]")) for @errors;
    is_status({ op => 'UNREGISTER', arg => 5 }, 'OK', 'UNREGISTER', 0);
    is_status({ op => 'CRC32C', out => buffer(5, 0, 9) }, 'HANDLE', 'a buffer that was unregistered');
    for my $access (qw(READ WRITE)) {
        is_status({ op => 'REGISTER', arg => contract("BUFFER_$access") | 9, out => direct(OTHER, 32) },
            'OK', "REGISTER for $access", 9);
        my $read = $access eq 'READ' ? 'OK' : 'ACCESS';
        my $write = $access eq 'READ' ? 'ACCESS' : 'OK';
        is_status({ op => 'CRC32C', out => buffer(9, 0, 9) }, $read, "$access: read");
        is_status({ op => 'FILL', in => buffer(9, 0, 9) }, $write, "$access: written");
        is_status({ op => 'UNREGISTER', arg => 9 }, 'OK', 'UNREGISTER', 0);
    }
    return;
}

# One mistake in each, in the order of the specification's table
sub test_statuses {
    prepare_data();
    $ring->put(OTHER + 0x800, segments([DATA, 0]));
    $ring->put(OTHER + 0x810, pack 'Q< V V', DATA, 9, 1);
    $ring->put(OTHER + 0x820, segments([2**64 - 4, 9]));
    $ring->put(0xa00000, segments(map { [DATA, 1] } 1 .. 513));
    is_status({ op => 'CRC32C', out => list(0xa00000, 512, 512) }, 'OK', 'CRC32C of the longest list');
    my $good = direct(DATA, 9);
    my @cases = (
        [OPCODE => op => 4], [OPCODE => op => 0x0102], [OPCODE => op => 0x0200],
        [OPCODE => op => 0xffff], [FLAGS => op => 'NOP', flags => 4],
        [FLAGS => op => 'NOP', flags => 0x8000],
        [RESERVED => op => 'CRC32C', out => substr($good, 0, 15) . "\1"],
        [RESERVED => op => 'CRC32C', out => $good, in => "\0" x 15 . "\1"],
        [RESERVED => op => 'NOP', in => "\1" . "\0" x 15],
        [RESERVED => op => 'NOP', out => "\0" x 8 . "\1" . "\0" x 7],
        [RESERVED => op => 'CRC32C', out => Ring::desc('DIRECT', DATA, 9, 1)],
        [RESERVED => op => 'CRC32C', out => Ring::desc('INLINE', 1, 9)],
        [ARG => op => 'NOP', arg => 1], [ARG => op => 'CRC32C', arg => 1 << 32, out => $good],
        [DESC => op => 'NOP', out => $good], [DESC => op => 'CRC32C'],
        [DESC => op => 'CRC32C', out => $good, in => $good],
        [DESC => op => 'CRC32C', out => "\0" x 14 . "\5\0"],
        [DESC => op => 'FILL', in => inline_data(9)],
        [LENGTH => op => 'CRC32C', out => direct(DATA, 0)],
        [LENGTH => op => 'CRC32C', out => direct(DATA, 0x40000001)],
        [LENGTH => op => 'CRC32C', out => inline_data(17)],
        [LENGTH => op => 'CRC32C', out => direct(2**64 - 8, 9)],
        [LENGTH => op => 'COPY', out => $good, in => direct(OTHER, 8)],
        [LIST => op => 'CRC32C', out => list(OTHER, 9, 0)],
        [LIST => op => 'CRC32C', out => list(0xa00000, 513, 513)],
        [LIST => op => 'CRC32C', out => list(OTHER + 4, 9, 2)],
        [LIST => op => 'CRC32C', out => list(2**64 - 16, 9, 2)],
        [DMA => op => 'CRC32C', out => list(NOWHERE, 9, 2)],
        [LIST => op => 'CRC32C', out => list(OTHER, 10, 2)],
        [LIST => op => 'CRC32C', out => list(OTHER, 8, 2)],
        [LIST => op => 'CRC32C', out => list(OTHER + 0x800, 9, 1)],
        [LIST => op => 'CRC32C', out => list(OTHER + 0x810, 9, 1)],
        [LIST => op => 'CRC32C', out => list(OTHER + 0x820, 9, 1)],
        [OVERLAP => op => 'COPY', out => $good, in => $good],
        [OVERLAP => op => 'COPY', out => $good, in => direct(DATA + 8, 9)],
        [OVERLAP => op => 'COPY', out => list(OTHER, 9, 2), in => direct(DATA + 8, 9)],
        [DMA => op => 'CRC32C', out => direct(NOWHERE, 9)],
        [DMA => op => 'CRC32C', out => direct(Device::BAR0_ADDRESS, 64)],
        [DMA => op => 'FILL', in => direct(Device::BAR0_ADDRESS + contract('REG_SCRATCH'), 4)],
        [DMA => op => 'COPY', out => $good, in => direct(0xfee00000, 9)],
        [DMA => op => 'FILL', in => direct(256 * 1024 * 1024 - 4, 9)],
    );
    my $bad = $device->reg('BAD_ACCESS');
    my $scratch = $device->reg('SCRATCH');
    is_status({ @$_[1 .. $#$_] }, $_->[0], join ' ', map { /^[ -~]+$/ ? $_ : unpack 'H*', $_ } @$_[1 .. $#$_])
        for @cases;
    is $device->reg('BAD_ACCESS'), $bad, 'no command reached a register';
    is $device->reg('SCRATCH'), $scratch, 'no command changed SCRATCH';
    is $ring->state, contract('QUEUE_RUNNING'), 'the queue keeps running';
    return;
}

# Entries with several mistakes: the device reports the first in the table. Each case
# adds a mistake to the entry of the case after it.
sub test_order {
    $ring->put(OTHER + 0x800, segments([DATA, 0]));
    $ring->put(OTHER + 0x900, segments([DATA, 8], [DATA, 0]));
    my $register = contract('BUFFER_READ');
    is_status({ op => 'REGISTER', arg => $register | 2, out => inline_data(16), data => segments([DATA, 9]) },
        'OK', 'REGISTER', 9);
    my $missing = list(NOWHERE, 9, 1);
    my $empty = list(OTHER + 0x800, 9, 1);
    my $bad_list = list(OTHER + 4, 9, 1);
    my @cases = (
        [OPCODE => op => 9, flags => 4, arg => 1, out => "\1" x 16],
        [FLAGS => op => 'NOP', flags => 4, arg => 1, out => "\1" x 16],
        [RESERVED => op => 'NOP', arg => 1, out => "\1" x 16],
        [RESERVED => op => 'COPY', arg => 1, out => Ring::desc('NONE', 0, 0), in => "\0" x 15 . "\1"],
        [ARG => op => 'COPY', arg => 1, out => Ring::desc('NONE', 0, 0), in => direct(DATA, 0)],
        [DESC => op => 'COPY', out => direct(DATA, 0), in => Ring::desc('NONE', 0, 0)],
        [LENGTH => op => 'COPY', out => $bad_list, in => direct(DATA, 0)],
        [LENGTH => op => 'COPY', out => list(OTHER, 9, 0), in => buffer(7, 0, 8)],
        [LIST => op => 'COPY', out => buffer(7, 0, 9), in => $bad_list],
        [LIST => op => 'REGISTER', arg => $register | 2, out => list(OTHER + 4, 16, 1)],
        [HANDLE => op => 'REGISTER', arg => $register | 2, out => list(NOWHERE, 16, 1)],
        [HANDLE => op => 'COPY', out => buffer(2, 1, 9), in => buffer(7, 0, 9)],
        [BOUNDS => op => 'COPY', out => $missing, in => buffer(2, 1, 9)],
        [ACCESS => op => 'COPY', out => $missing, in => buffer(2, 0, 9)],
        [DMA => op => 'COPY', out => $missing, in => $empty],
        [LIST => op => 'COPY', out => $empty, in => $missing],
        [LIST => op => 'COPY', out => direct(OTHER + 0x800, 9), in => $empty],
        [DMA => op => 'REGISTER', arg => $register | 3, out => list(NOWHERE, 16 * 65537, 1)],
        [SPACE => op => 'REGISTER', arg => $register | 3, out => direct(NOWHERE, 16 * 65537)],
        [OVERLAP => op => 'COPY', out => direct(NOWHERE, 9), in => direct(NOWHERE + 8, 9)],
        [DMA => op => 'REGISTER', arg => $register | 3, out => list(OTHER + 0xa00, 32, 2)],
        [LIST => op => 'REGISTER', arg => $register | 3, out => direct(OTHER + 0x900, 32)],
    );
    $ring->put(OTHER + 0xa00, segments([OTHER + 0x800, 16], [NOWHERE, 16]));
    is_status({ @$_[1 .. $#$_] }, $_->[0], "first of several mistakes: @$_[1, 2]") for @cases;
    is_status({ op => 'UNREGISTER', arg => 2 }, 'OK', 'UNREGISTER', 0);
    return;
}

# What a command with an error may have changed
sub test_unchanged {
    $ring->put(DATA, 'x' x 32);
    $ring->put(OTHER, segments([DATA, 16], [NOWHERE, 16]));
    is_status({ op => 'FILL', arg => 0, in => list(OTHER, 33, 2) }, 'LIST', 'FILL');
    is_status({ op => 'COPY', out => direct(DATA, 20), in => direct(DATA + 8, 20) }, 'OVERLAP', 'COPY');
    is $ring->get(DATA, 32), 'x' x 32, 'an error before the data changes nothing';
    is_status({ op => 'COPY', out => list(OTHER, 32, 2), in => direct(LONG, 32) }, 'DMA', 'COPY');
    return;
}

# Several pieces with odd lengths on both sides
sub test_scattered {
    my @out = map { [DATA + 0x1000 * $_, 1 + 97 * $_ % 1000] } 0 .. 60;
    my $bytes = '';
    for my $segment (@out) {
        my $part = join '', map { chr int rand 256 } 1 .. $segment->[1];
        $ring->put($segment->[0], $part);
        $bytes .= $part;
    }
    my $length = length $bytes;
    my $at = 0x1000000;
    my @in;
    for (my $left = $length; $left; ) {
        my $n = 1 + int rand 700;
        $n = $left if $n > $left;
        push @in, [$at, $n];
        ($at, $left) = ($at + $n + 3, $left - $n);
    }
    $ring->put(0xa00000, segments(@out));
    $ring->put(0xa10000, segments(@in));
    is_status({ op => 'COPY', out => list(0xa00000, $length, scalar @out),
        in => list(0xa10000, $length, scalar @in) }, 'OK', 'COPY between lists', $length);
    my $copied = join '', map { $ring->get(@$_) } @in;
    ok $copied eq $bytes, 'COPY between lists: the bytes';
    my $crc = $ring->run(op => 'CRC32C', out => list(0xa00000, $length, scalar @out))->{result};
    is_status({ op => 'CRC32C', out => list(0xa10000, $length, scalar @in) }, 'OK', 'CRC32C of both', $crc);
    return;
}

for my $place (Device::places()) {
    subtest $place => sub {
        start($place);
        is $ring->enable, contract('QUEUE_RUNNING'), 'enabled';
        test_commands();
        test_buffers();
        test_statuses();
        test_order();
        test_unchanged();
        test_scattered();
        test_lengths() if $place eq 'pc' || $place eq 'root port';
        is $device->qtest->quit, 0, 'QEMU exits with 0';
    };
}

done_testing;
