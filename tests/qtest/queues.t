#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Queues without a guest: registers, states, errors when a queue is enabled and when it
# runs, indices and notifications.
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
    is $ring->reg('CONTROL'), contract('QUEUE_ENABLE'), 'CONTROL reads as enabled';
    my $bad = $device->reg('BAD_ACCESS');
    $ring->set($_ => 0) for @settings;
    is $device->reg('BAD_ACCESS'), $bad + @settings, 'settings of a running queue are read-only';
    $ring->set(STATUS => 0);
    $device->reg_write(contract('REG_QUEUES'), 1);
    $device->reg_read(contract('WIN_DOORBELL'));
    $device->reg_write(contract('WIN_DOORBELL') + 2 * contract('DOORBELL_STRIDE'), 1);
    $device->reg_read(contract('WIN_QUEUE') + 2 * contract('QUEUE_STRIDE'));
    is $device->reg('BAD_ACCESS'), $bad + @settings + 5,
        'read-only and write-only registers, and those of a queue that does not exist';
    is $ring->run->{status}, 0, 'the queue is not affected';
    ok $ring->disable, 'disabled';
    is $ring->reg('SIZE'), 16, 'its settings are kept';
    return;
}

# Invalid settings keep a queue from being enabled and do not affect another queue
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
        is $bad->status, 0, "$what: the error is cleared";
    }
    is $other->run->{status}, 0, 'the other queue works';
    $other->disable;
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
    is "@{[map { $_->{id} } @completions]}", '2 4', 'a quiet command that fails has a completion';
    is $ring->available, 0, 'one that succeeds has none';
    is $ring->index_word('sq_head'), $ring->{tail} & 0xffffffff, 'the device has released all entries';
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

# The device stops while the driver reads no completions, and resumes when it does
sub test_full {
    for (1 .. 2) {
        $ring->submit(op => 'NOP', id => $_) for 1 .. 16;
        $ring->doorbell;
        $ring->wait_for(sub { $ring->index_word('sq_head') == $ring->{tail} }) if $_ == 1;
    }
    ok $ring->wait_for(sub { $ring->index_word('flags') & contract('INDEX_CQ_FULL') }),
        'the device sets CQ_FULL';
    is $ring->available, 16, 'the completion queue is full';
    is scalar(my @first = $ring->wait(16)), 16, 'the driver reads all of it';
    is scalar(my @second = $ring->wait(16)), 16, 'the other completions follow';
    is $ring->index_word('flags'), 0, 'the device clears CQ_FULL';
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
        is $ring->error, contract("QERR_$error"), "$error: STATUS has the error";
        $ring->disable;
        is $ring->enable, contract('QUEUE_RUNNING'), "$error: it can be enabled again";
        is $ring->run->{status}, 0, "$error: it works again";
    }
    my $far = Ring->new($device, sq => NOWHERE, number => 1, base => 0x180000);
    is $far->enable, contract('QUEUE_RUNNING'), 'enabling does not access the ring, even outside memory';
    $far->{sq} = 0x180000;
    $far->submit(op => 'NOP');
    $far->doorbell;
    ok $far->wait_for(sub { $far->state == contract('QUEUE_ERROR') }), 'reading an entry does';
    is $far->error, contract('QERR_DMA'), 'which is a DMA fault';
    $far->disable;
    return;
}

# CONTROL and STATUS in each state
sub test_states {
    my $event = contract('EVENT_QUEUE_ERROR');
    $ring->disable;
    $ring->set(CONTROL => 0);
    is $ring->state, contract('QUEUE_DISABLED'), 'disabling a disabled queue does nothing';
    $ring->set(CONTROL => 0xfffffffe);
    is $ring->state, contract('QUEUE_DISABLED'), 'reserved bits of CONTROL do nothing';
    is $ring->reg('CONTROL'), 0, 'they read zero';
    $ring->enable;
    is $ring->run->{status}, 0, 'enabled';
    $ring->set(CONTROL => 0xffffffff);
    is $ring->reg('CONTROL'), contract('QUEUE_ENABLE'), 'CONTROL has one bit';
    is $ring->run->{status}, 0, 'enabling a running queue does nothing';
    $ring->submit(op => 'NOP', id => 41);
    $ring->doorbell;
    $ring->wait_for(sub { $ring->available });
    $ring->set_index(sq_tail => $ring->{tail} + 100);
    $ring->ring;
    ok $ring->wait_for(sub { $ring->state == contract('QUEUE_ERROR') }), 'an error';
    is $ring->reg('CONTROL'), contract('QUEUE_ENABLE'), 'CONTROL reads 1 in ERROR';
    $ring->set(CONTROL => 1);
    is $ring->error, contract('QERR_SQ_TAIL'), 'enabling a queue in ERROR does nothing';
    is $ring->take->{id}, 41, 'completions published before the error are valid';
    $ring->put($ring->{index} + 0x40, "\xee" x 64);
    $ring->ring;
    is $ring->reg('STATUS') & contract('QUEUE_STATE_MASK'), contract('QUEUE_ERROR'), 'a doorbell does not change ERROR';
    is $ring->get($ring->{index} + 0x40, 64), "\xee" x 64, 'and writes no memory';
    $device->reg_write(contract('REG_EVENTS'), 0xfffffffe);
    is $device->reg('EVENTS'), $event, 'EVENTS keeps a bit unless 1 is written to it';
    $device->reg_write(contract('REG_EVENTS'), 0xffffffff);
    is $device->reg('EVENTS'), 0, 'EVENTS has no other bit';
    $device->reg_write(contract('REG_EVENT_VECTOR'), 0xabcd1234);
    is $device->reg('EVENT_VECTOR'), 0x1234, 'EVENT_VECTOR has 16 bits';
    $ring->disable;
    $ring->enable;
    return;
}

# Nobody writes reserved fields of the index block, and the device ignores them
sub test_index_block {
    $ring->put($ring->{index} + 0x0c, "\xdd" x 52);
    $ring->put($ring->{index} + 0x50, "\xcc" x 48);
    is $ring->run->{status}, 0, 'reserved fields of the driver are ignored';
    is $ring->get($ring->{index} + 0x0c, 52), "\xdd" x 52, 'and not written';
    is $ring->get($ring->{index} + 0x50, 48), "\xcc" x 48, 'those of the device are not written either';
    return;
}

# The device does not access a ring before it needs to
sub test_ring_faults {
    my %faults = (
        'submission ring outside memory' => { sq => NOWHERE }, 'completion ring outside memory' => { cq => NOWHERE },
        'completion ring in a register' => { cq => Device::BAR0_ADDRESS },
    );
    for my $what (sort keys %faults) {
        my $bad = Ring->new($device, number => 1, base => 0x180000, %{ $faults{$what} });
        is $bad->enable, contract('QUEUE_RUNNING'), "$what: enabled";
        $device->qtest->write($bad->{index}, 4, 1);
        $bad->put($bad->{sq}, "\0" x 64) if $bad->{sq} != NOWHERE;
        $bad->ring;
        ok $bad->wait_for(sub { $bad->state == contract('QUEUE_ERROR') }), "$what: the queue stops";
        is $bad->error, contract('QERR_DMA'), "$what: with a DMA fault";
        $bad->disable;
    }
    $device->reg_write(contract('REG_EVENTS'), 1);
    return;
}

# A masked vector is pending until it is unmasked
sub test_masks {
    my $mask = contract('MSIX_TABLE') + 16 + 12;
    set_vector(1, 0x140004, 0xbeef01);
    $device->config(MSIX_CONTROL, 2, MSIX_ENABLE);
    $ring->disable;
    $ring->{vector} = 1;
    $ring->enable;
    clear_messages();
    my $bad = $device->reg('BAD_ACCESS');
    $device->reg_write($mask, 1);
    $ring->run;
    is messages(1), 0, 'a masked vector does not interrupt';
    is $device->reg_read(contract('MSIX_PBA')), 2, 'but is pending';
    $device->reg_write($mask, 0);
    is messages(1), 0xbeef01, 'unmasking sends the interrupt';
    is $device->reg_read(contract('MSIX_PBA')), 0, 'and clears the pending bit';
    is $device->reg('BAD_ACCESS'), $bad, 'none of these is a bad access';
    $device->reg_read(contract('MSIX_TABLE') + 16 * 3);
    $device->reg_read(contract('MSIX_PBA') + 8);
    is $device->reg('BAD_ACCESS'), $bad + 2, 'the rest of the window is reserved';
    $device->config(MSIX_CONTROL, 2, 0);
    clear_messages();
    $ring->set_index(cq_event => $ring->{head});
    is $ring->run->{status}, 0, 'without MSI-X, commands complete';
    is messages(1), 0, 'and send no interrupts';
    $ring->disable;
    $ring->{vector} = contract('VECTOR_NONE');
    $ring->enable;
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
    is messages(1), 0, 'the next one does not: cq_event did not ask for it';
    $ring->set_index(cq_event => $ring->{head} + 2);
    $ring->run for 1 .. 2;
    is messages(1), 0, 'no interrupt before the completion at cq_event';
    $ring->run;
    is messages(1), 0xbeef01, 'that completion interrupts';
    clear_messages();
    $ring->set_index(cq_event => $ring->{head} + (1 << 31));
    $ring->run for 1 .. 20;
    is messages(1), 0, 'no interrupt with cq_event 2^31 ahead';
    $device->reg_write(contract('REG_EVENT_VECTOR'), 2);
    $ring->set_index(sq_tail => $ring->{tail} + 100);
    $ring->ring;
    $ring->wait_for(sub { $ring->state == contract('QUEUE_ERROR') });
    is messages(1), 0xbeef01, 'an error interrupts nevertheless';
    is messages(2), 0xbeef02, 'and raises the event vector';
    is messages(0), 0, 'vector 0 is not used';
    clear_messages();
    $ring->disable;
    $ring->enable;
    $ring->set_index(sq_tail => 100);
    $ring->ring;
    $ring->wait_for(sub { $ring->state == contract('QUEUE_ERROR') });
    is messages(2), 0, 'an event is announced only once until it is cleared';
    $device->config(MSIX_CONTROL, 2, 0);
    $device->reg_write(contract('REG_EVENTS'), 1);
    $ring->disable;
    $ring->{vector} = contract('VECTOR_NONE');
    $ring->enable;
    return;
}

# The device asks for a doorbell when it is idle, but not while it works
sub test_doorbells {
    is $ring->run->{status}, 0, 'a command';
    $ring->submit(op => 'NOP');
    ok $ring->doorbell, 'an idle device asks for the doorbell';
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

for my $place (Device::places()) {
    subtest $place => sub {
        start($place);
        test_registers();
        test_refusals();
        is $ring->enable, contract('QUEUE_RUNNING'), 'enabled';
        test_states();
        test_index_block();
        test_ring_faults();
        test_flags();
        test_interrupts();
        test_masks();
        test_wrap();
        test_full();
        test_overrun();
        test_doorbells();
        is $device->qtest->quit, 0, 'QEMU exits with 0';
    };
}

subtest 'the maximum number of queues' => sub {
    start('q35', queues => 16);
    my @rings = map { Ring->new($device, number => $_, base => 0x1000000 + 0x40000 * $_) } 0 .. 15;
    is $_->enable, contract('QUEUE_RUNNING'), "queue $_->{number}" for @rings;
    is $_->run->{status}, 0, "queue $_->{number} works" for @rings;
    is $device->qtest->quit, 0, 'QEMU exits with 0';
};

done_testing;
