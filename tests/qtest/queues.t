#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Queues without a guest: registers and states, every error of a queue and every status
# of a command, notifications, pauses and resets with work in flight.
#
# Needs: setup-device device
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Test::More;
use Contract;
use Device;
use Ring;

use constant {
    COMMAND => Device::COMMAND, MEMORY => 0x2, MASTER => 0x4,
    DATA => 0x200000, OTHER => 0x300000, NOWHERE => 0x4000000000,
    MSIX_CONTROL => 0x52, MSIX_ENABLE => 0x8000,
};

my ($device, $ring);

sub start {
    my ($place, %options) = @_;
    my $queues = delete $options{queues} // 2;
    $device = Device->new($place, '-m', 256,
        '-global', "driver=vgpu-stub,property=queues,value=$queues");
    $device->map_bar0;
    set_command(MEMORY | MASTER);
    $ring = Ring->new($device, %options);
    return;
}

sub set_command {
    my ($bits) = @_;
    $device->config(COMMAND, 2, $bits);
    # a bridge passes on what comes from below it only as a bus master
    $device->qtest->config($device->{port}, COMMAND, 2, MEMORY | MASTER) if $device->{port};
    return;
}

sub is_status {
    my ($entry, $status, $what, $result) = @_;
    my $completion = $ring->run(%$entry, id => 77);
    my $name = $status eq 'OK' ? 'OK' : "ERR_$status";
    is $completion->{status}, contract($name), "$what: $name";
    is $completion->{id}, 77, "$what: its id";
    is $completion->{reserved}, 0, "$what: reserved";
    is $completion->{result}, $result // 0, "$what: result" unless $status eq 'OK' && !defined $result;
    return;
}

sub test_registers {
    my %reset = (CONTROL => 0, QUEUES => 2, QUEUE_SIZE_MAX => contract('QUEUE_SIZE_MAX'),
        VECTORS => 3, COMMAND_SETS => 3, EVENT_VECTOR => contract('VECTOR_NONE'), EVENTS => 0,
        map { $_ => contract($_) } qw(LIST_MAX BUFFERS_MAX BUFFER_SEGMENTS_MAX SEGMENTS_MAX
            TRANSFER_MAX));
    is $device->reg($_), $reset{$_}, "$_ at reset" for sort keys %reset;
    is $device->reg('VERSION'), contract('VERSION_QUEUES'), 'VERSION';
    is $device->reg('FEATURES'), contract('FEATURE_QUEUES'), 'FEATURES';
    my @settings = qw(SIZE SQ_LO SQ_HI CQ_LO CQ_HI INDEX_LO INDEX_HI VECTOR);
    for my $name (@settings) {
        $ring->set($name => 0xa5a5f0f0);
        is $ring->reg($name), 0xa5a5f0f0, "$name keeps what is written";
    }
    is $ring->enable, contract('QUEUE_RUNNING'), 'enabled';
    is $ring->reg('CONTROL'), contract('QUEUE_ENABLE'), 'CONTROL says so';
    my $bad = $device->reg('BAD_ACCESS');
    $ring->set($_ => 0) for @settings;
    is $device->reg('BAD_ACCESS'), $bad + @settings, 'settings of a running queue are read-only';
    $ring->set(STATUS => 0);
    $device->reg_write(contract('REG_QUEUES'), 1);
    $device->reg_read(contract('WIN_DOORBELL'));
    $device->reg_write(contract('WIN_DOORBELL') + 2 * contract('DOORBELL_STRIDE'), 1);
    $device->reg_read(contract('WIN_QUEUE') + 2 * contract('QUEUE_STRIDE'));
    is $device->reg('BAD_ACCESS'), $bad + @settings + 5,
        'read-only and write-only registers, and those of a queue that is not there';
    is $ring->run->{status}, 0, 'the queue has not noticed';
    ok $ring->disable, 'disabled';
    is $ring->reg('SIZE'), 16, 'its settings are kept';
    return;
}

# What keeps a queue from being enabled, and does not touch another
sub test_refusals {
    my $other = Ring->new($device, number => 1, base => 0x180000);
    is $other->enable, contract('QUEUE_RUNNING'), 'another queue is enabled';
    my @refused = (
        [SIZE => size => 0], [SIZE => size => 1], [SIZE => size => 3], [SIZE => size => 2048],
        [SIZE => size => 0x80000000],
        [ADDRESS => sq => 0x100040], [ADDRESS => cq => 0x100800], [ADDRESS => index => 0x120040],
        [ADDRESS => sq => 2**64 - 4096 * 0 - 0x1000 + 0x800],
        [VECTOR => vector => 3], [VECTOR => vector => 0x10000],
        [DMA => index => NOWHERE, 1], [DMA => index => Device::BAR0_ADDRESS, 1],
    );
    for my $case (@refused) {
        my ($error, $name, $value, $no_index) = @$case;
        my $bad = Ring->new($device, $name => $value, no_index => $no_index);
        my $what = sprintf '%s %#x', $name, $value;
        is $bad->enable, contract('QUEUE_ERROR'), "$what: refused";
        is $bad->error, contract("QERR_$error"), "$what: $error";
        is $device->reg('EVENTS'), contract('EVENT_QUEUE_ERROR'), "$what: an event";
        $device->reg_write(contract('REG_EVENTS'), contract('EVENT_QUEUE_ERROR'));
        is $device->reg('EVENTS'), 0, "$what: it is cleared";
        ok $bad->disable, "$what: disabled";
        is $bad->status, 0, "$what: the error is gone";
    }
    is $other->run->{status}, 0, 'the other queue works';
    $other->disable;
    return;
}

sub prepare_data {
    $ring->put(DATA, "123456789");
    $ring->put(OTHER, segments([DATA, 4], [DATA + 4, 5]));
    return;
}

sub test_commands {
    prepare_data();
    is_status({ op => 'NOP' }, 'OK', 'NOP', 0);
    is_status({ op => 'CRC32C', out => direct(DATA, 9) }, 'OK', 'CRC32C', 0xe3069283);
    is_status({ op => 'CRC32C', out => list(OTHER, 9, 2) }, 'OK', 'CRC32C of a list', 0xe3069283);
    is_status({ op => 'CRC32C', out => inline_data(9), data => '123456789' }, 'OK',
        'CRC32C of inline data', 0xe3069283);
    my $part = $ring->run(op => 'CRC32C', out => direct(DATA, 4))->{result};
    is_status({ op => 'CRC32C', arg => $part, out => direct(DATA + 4, 5) }, 'OK',
        'CRC32C goes on', 0xe3069283);
    is_status({ op => 'COPY', out => direct(DATA, 9), in => direct(OTHER + 0x101, 9) }, 'OK', 'COPY', 9);
    is $ring->get(OTHER + 0x100, 11), "\0" . '123456789' . "\0", 'COPY: the bytes';
    is_status({ op => 'COPY', out => list(OTHER, 9, 2), in => direct(OTHER + 0x201, 9) }, 'OK',
        'COPY of a list', 9);
    is $ring->get(OTHER + 0x200, 11), "\0" . '123456789' . "\0", 'COPY of a list: the bytes';
    is_status({ op => 'FILL', arg => 0x0807060504030201, in => direct(OTHER + 0x303, 19) }, 'OK',
        'FILL', 19);
    is $ring->get(OTHER + 0x302, 21), pack('C*', 0, (1 .. 8) x 2, 1 .. 3, 0), 'FILL: the bytes';
    return;
}

# Lengths around where the work is done by another thread, and in several jobs
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

# Each with one mistake, in the order of the specification's table
sub test_statuses {
    prepare_data();
    $ring->put(OTHER + 0x800, segments([DATA, 0]));
    $ring->put(OTHER + 0x810, pack 'Q< V V', DATA, 9, 1);
    $ring->put(OTHER + 0x820, segments([2**64 - 4, 9]));
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
        [LIST => op => 'CRC32C', out => list(OTHER, 9, 513)],
        [LIST => op => 'CRC32C', out => list(OTHER + 4, 9, 2)],
        [LIST => op => 'CRC32C', out => list(2**64 - 16, 9, 2)],
        [DMA => op => 'CRC32C', out => list(NOWHERE, 9, 2)],
        [LIST => op => 'CRC32C', out => list(OTHER, 10, 2)],
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
    is $device->reg('SCRATCH'), $scratch, 'nor SCRATCH';
    is $ring->state, contract('QUEUE_RUNNING'), 'the queue goes on';
    return;
}

sub test_flags {
    my $quiet = contract('SQE_QUIET');
    $ring->submit(op => 'NOP', flags => $quiet, id => 1);
    $ring->submit(op => 4, flags => $quiet, id => 2);
    $ring->submit(op => 'NOP', flags => $quiet | contract('SQE_BARRIER'), id => 3);
    $ring->submit(op => 'NOP', flags => contract('SQE_BARRIER'), id => 4);
    $ring->doorbell;
    my @completions = $ring->wait(2);
    is "@{[map { $_->{id} } @completions]}", '2 4', 'a quiet command completes if it fails';
    is $ring->available, 0, 'and not if it succeeds';
    is $ring->index_word('sq_head'), $ring->{tail} & 0xffffffff, 'all entries are given back';
    return;
}

sub test_wrap {
    for my $size (2, 4, 1024) {
        $ring->disable;
        $ring->{size} = $size;
        is $ring->enable, contract('QUEUE_RUNNING'), "size $size";
        my $wrong = 0;
        for my $turn (1 .. 3 * $size < 60 ? 60 : 5) {
            my $batch = $size == 1024 ? 1000 : 1 + $turn % $size;
            $ring->submit(op => 'NOP', id => $turn * 10000 + $_) for 1 .. $batch;
            $ring->doorbell;
            my @ids = map { $_->{id} } $ring->wait($batch);
            $wrong++ if "@ids" ne join ' ', map { $turn * 10000 + $_ } 1 .. $batch;
        }
        is $wrong, 0, "size $size: every command completes once and in order";
    }
    $ring->disable;
    $ring->{size} = 16;
    $ring->enable;
    return;
}

# The driver reads no completion: the device stops, and goes on when it does
sub test_full {
    for (1 .. 2) {
        $ring->submit(op => 'NOP', id => $_) for 1 .. 16;
        $ring->doorbell;
        $ring->wait_for(sub { $ring->index_word('sq_head') == $ring->{tail} }) if $_ == 1;
    }
    ok $ring->wait_for(sub { $ring->index_word('flags') & contract('INDEX_CQ_FULL') }),
        'the device says that there is no room';
    is $ring->available, 16, 'as many completions as there is room for';
    is scalar(my @first = $ring->wait(16)), 16, 'they are read';
    is scalar(my @second = $ring->wait(16)), 16, 'the others come';
    is $ring->index_word('flags'), 0, 'there is room again';
    return;
}

sub test_overrun {
    my %overrun = (
        SQ_TAIL => sub { $ring->set_index(sq_tail => $ring->{tail} + 17) },
        CQ_HEAD => sub {
            $ring->set_index(cq_head => $ring->{head} + 1);
            $ring->submit(op => 'NOP') for 1 .. 16;
            $ring->set_index(sq_tail => $ring->{tail});
        },
    );
    for my $error (sort keys %overrun) {
        $overrun{$error}->();
        $ring->ring;
        ok $ring->wait_for(sub { $ring->state == contract('QUEUE_ERROR') }), "$error: the queue stops";
        is $ring->error, contract("QERR_$error"), "$error: and says why";
        $ring->disable;
        is $ring->enable, contract('QUEUE_RUNNING'), "$error: it can be enabled again";
        is $ring->run->{status}, 0, "$error: and works";
    }
    my $far = Ring->new($device, sq => NOWHERE, number => 1, base => 0x180000);
    is $far->enable, contract('QUEUE_RUNNING'), 'a ring that is not in memory is not looked at yet';
    $far->{sq} = 0x180000;
    $far->submit(op => 'NOP');
    $far->doorbell;
    ok $far->wait_for(sub { $far->state == contract('QUEUE_ERROR') }), 'it is when an entry is read';
    is $far->error, contract('QERR_DMA'), 'and is a DMA fault';
    $far->disable;
    return;
}

# An MSI-X message is a write to memory: here it is seen there
sub set_vector {
    my ($vector, $address, $data) = @_;
    my $entry = contract('MSIX_TABLE') + 16 * $vector;
    $device->reg_write($entry + 4 * $_, (($address, 0, $data, 0))[$_]) for 0 .. 3;
    return;
}

sub messages { my ($vector) = @_; return $device->qtest->read(0x140000 + 4 * $vector, 4) }
sub clear_messages { $device->qtest->write(0x140000 + 4 * $_, 4, 0) for 0 .. 2; return }

sub test_interrupts {
    set_vector($_, 0x140000 + 4 * $_, 0xbeef00 + $_) for 0 .. 2;
    $device->config(MSIX_CONTROL, 2, MSIX_ENABLE);
    $ring->disable;
    $ring->{vector} = 1;
    $ring->enable;
    clear_messages();
    $ring->run;
    is messages(1), 0xbeef01, 'the first completion interrupts';
    clear_messages();
    $ring->run;
    is messages(1), 0, 'the next one was not asked for';
    $ring->set_index(cq_event => $ring->{head} + 2);
    $ring->run for 1 .. 2;
    is messages(1), 0, 'not before the one that was asked for';
    $ring->run;
    is messages(1), 0xbeef01, 'that one interrupts';
    clear_messages();
    $ring->set_index(cq_event => $ring->{head} + (1 << 31));
    $ring->run for 1 .. 20;
    is messages(1), 0, 'none for a driver that wants to be left alone';
    $device->reg_write(contract('REG_EVENT_VECTOR'), 2);
    $ring->set_index(sq_tail => $ring->{tail} + 100);
    $ring->ring;
    $ring->wait_for(sub { $ring->state == contract('QUEUE_ERROR') });
    is messages(1), 0xbeef01, 'an error interrupts all the same';
    is messages(2), 0xbeef02, 'and is an event';
    is messages(0), 0, 'nobody used vector 0';
    $device->config(MSIX_CONTROL, 2, 0);
    $device->reg_write(contract('REG_EVENTS'), 1);
    $ring->disable;
    $ring->{vector} = contract('VECTOR_NONE');
    $ring->enable;
    return;
}

# No doorbell is wanted while the device works, one is when it sleeps
sub test_doorbells {
    is $ring->run->{status}, 0, 'a command';
    $ring->submit(op => 'NOP');
    ok $ring->doorbell, 'a sleeping device wants the doorbell';
    $ring->wait(1);
    $ring->ring for 1 .. 1000;
    is $ring->available, 0, 'a storm of doorbells without entries does nothing';
    is $ring->run->{status}, 0, 'the queue works';
    $ring->disable;
    my $bad = $device->reg('BAD_ACCESS');
    $ring->ring;
    is $device->reg('BAD_ACCESS'), $bad, 'the doorbell of a disabled queue is ignored';
    $ring->enable;
    return;
}

sub long_fill { return (op => 'FILL', arg => 0x55, in => direct(0x1000000, 128 << 20)) }

sub test_pauses {
    my %pause = (
        'bus mastering off' => [sub { set_command(MEMORY) }, sub { set_command(MEMORY | MASTER) }],
        'D3hot' => [sub { $device->config(Device::PMCSR, 2, Device::D3HOT) },
            sub { $device->config(Device::PMCSR, 2, 0) }],
    );
    for my $what (sort keys %pause) {
        my ($off, $on) = @{ $pause{$what} };
        $ring->submit(long_fill(), id => 5);
        $ring->doorbell;
        $off->();
        # much longer than the command takes
        select undef, undef, undef, 0.3;
        is $ring->available, 0, "$what: the command is not complete";
        is $device->qtest->read(0x1000000 + (128 << 20) - 8, 8), 0, "$what: nor its work done";
        $on->();
        my ($completion) = $ring->wait(1);
        is $completion->{status}, 0, "$what: it is, later";
        is $device->qtest->read(0x1000000 + (128 << 20) - 8, 8), 0x55, "$what: and did it all";
        $device->qtest->write(0x1000000 + (128 << 20) - 8, 8, 0);
    }
    return;
}

# Nothing is written after a reset, and the queue is gone
sub test_resets {
    my %reset = (
        'disabling' => sub { $ring->disable },
        'CONTROL' => sub { $device->reg_write(contract('REG_CONTROL'), contract('CONTROL_RESET')) },
        'system reset' => sub { $device->system_reset },
        $device->is_express ? ('function reset' => sub { $device->function_reset }) : (),
        $device->has_port ? ('bus reset' => sub { $device->bus_reset }) : (),
    );
    for my $what (sort keys %reset) {
        $ring->run(op => 'REGISTER', arg => contract('BUFFER_READ') | 1, out => direct(OTHER, 32))
            if $what ne 'disabling';
        $ring->submit(long_fill());
        $ring->doorbell;
        $reset{$what}->();
        $device->qtest->write(0x1000000 + (128 << 20) - 8, 8, 0x1234);
        $device->map_bar0;
        set_command(MEMORY | MASTER);
        is $ring->state, contract('QUEUE_DISABLED'), "$what: the queue is disabled";
        is $device->reg('CONTROL'), 0, "$what: the reset is over";
        select undef, undef, undef, 0.2;
        is $device->qtest->read(0x1000000 + (128 << 20) - 8, 8), 0x1234, "$what: nothing is written";
        is $ring->enable, contract('QUEUE_RUNNING'), "$what: enabled again";
        is $ring->run->{status}, 0, "$what: works again";
        is_status({ op => 'CRC32C', out => buffer(1, 0, 1) }, 'HANDLE', "$what: no buffer is left");
    }
    return;
}

# A buffer is not forgotten while a command in another queue uses it
sub test_unregister {
    my $other = Ring->new($device, number => 1, base => 0x180000);
    $other->enable;
    $ring->put(OTHER, segments([0x1000000, 128 << 20]));
    is_status({ op => 'REGISTER', arg => contract('BUFFER_WRITE') | 3, out => direct(OTHER, 16) },
        'OK', 'REGISTER', 128 << 20);
    $other->submit(op => 'FILL', arg => 0x77, in => buffer(3, 0, 128 << 20));
    $other->doorbell;
    my $unregistered = $ring->run(op => 'UNREGISTER', arg => 3);
    is $unregistered->{status}, 0, 'UNREGISTER';
    is $other->available, 1, 'comes after the command that uses the buffer';
    is $device->qtest->read(0x1000000 + (128 << 20) - 8, 8), 0x77, 'which did all its work';
    $other->disable;
    return;
}

for my $place (Device::places()) {
    subtest $place => sub {
        start($place);
        test_registers();
        test_refusals();
        is $ring->enable, contract('QUEUE_RUNNING'), 'enabled';
        test_commands();
        test_buffers();
        test_statuses();
        test_flags();
        test_interrupts();
        if ($place eq 'pc' || $place eq 'root port') {
            test_lengths();
            test_wrap();
            test_full();
            test_overrun();
            test_doorbells();
            test_pauses();
            test_unregister();
        }
        test_resets();
        $ring->submit(long_fill());
        $ring->doorbell;
        is $device->qtest->quit, 0, 'QEMU ends well with work in flight';
    };
}

subtest 'as many queues as there may be' => sub {
    start('q35', queues => 16);
    my @rings = map { Ring->new($device, number => $_, base => 0x1000000 + 0x40000 * $_) } 0 .. 15;
    is $_->enable, contract('QUEUE_RUNNING'), "queue $_->{number}" for @rings;
    is $_->run->{status}, 0, "queue $_->{number} works" for @rings;
    is $device->qtest->quit, 0, 'QEMU ends well';
};

done_testing;
