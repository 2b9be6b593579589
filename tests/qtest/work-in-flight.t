#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Work in flight, without a guest, when the device pauses, is reset or unplugged, or a
# buffer is unregistered.
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

sub test_pauses {
    for my $what (sort keys %pause) {
        my ($off, $on) = @{ $pause{$what} };
        $ring->submit(long_fill(), id => 5);
        $ring->doorbell;
        $off->();
        ok !is_filling(), "$what: no memory is written";
        is $ring->available, 0, "$what: the command is not complete";
        $on->();
        my ($completion) = $ring->wait(1);
        is_deeply $completion, { id => 5, status => 0, reserved => 0, result => 8 * LONG_SIZE },
            "$what: it completes later";
        is $device->qtest->read(LONG + LONG_SIZE - 8, 8), 0x55, "$what: all of it is written";
        is $ring->run->{status}, 0, "$what: the queue keeps running";
    }
    return;
}

# The device processes what was submitted during a pause when the pause ends
sub test_start_in_pause {
    $ring->disable;
    my $lost = Ring->new($device, number => 1, index => NOWHERE, no_index => 1);
    set_command(MEMORY);
    is $_->enable, contract('QUEUE_RUNNING'), "queue $_->{number} is enabled during a pause" for $ring, $lost;
    $ring->submit(op => 'NOP', id => 9);
    $ring->set_index(sq_tail => $ring->{tail});
    $ring->put($ring->{index} + 0x40, "\xff" x 16);
    is $ring->index_word('sq_head'), 0xffffffff, 'memory is not accessed';
    set_command(MEMORY | MASTER);
    $ring->wait_for(sub { $ring->index_word('sq_head') == 1 });
    is $ring->index_word('flags'), 0, 'afterwards the index block is initialized';
    is(($ring->wait(1))[0]{id}, 9, 'then the command is executed, without a doorbell');
    ok $lost->wait_for(sub { $lost->state == contract('QUEUE_ERROR') }), 'an index block outside memory is found now';
    is $lost->error, contract('QERR_DMA'), 'which is a DMA fault';
    $lost->disable;
    return;
}

sub resets {
    return (
        'disabling' => sub { $ring->disable },
        'CONTROL' => sub { $device->reg_write(contract('REG_CONTROL'), contract('CONTROL_RESET')) },
        'system reset' => sub { $device->system_reset },
        $device->is_express ? ('function reset' => sub { $device->function_reset }) : (),
        $device->has_port ? ('bus reset' => sub { $device->bus_reset }) : (),
    );
}

# After a reset nothing is written, and queue and buffers are gone
sub test_resets {
    my %reset = resets();
    for my $what (sort keys %reset) {
        $ring->run(op => 'REGISTER', arg => contract('BUFFER_READ') | 1, out => direct(OTHER, 32))
            if $what ne 'disabling';
        $ring->submit(long_fill());
        $ring->doorbell;
        $reset{$what}->();
        ok !is_filling(), "$what: no memory is written";
        $device->map_bar0;
        set_command(MEMORY | MASTER);
        is $ring->state, contract('QUEUE_DISABLED'), "$what: the queue is disabled";
        is $device->reg('CONTROL'), 0, "$what: the reset is complete";
        is $ring->enable, contract('QUEUE_RUNNING'), "$what: enabled again";
        is $ring->run->{status}, 0, "$what: works again";
        is_status({ op => 'CRC32C', out => buffer(1, 0, 1) }, 'HANDLE', "$what: no buffer is left");
    }
    return;
}

# CONTROL resets only what the chapter "Queues" defines
sub test_control_reset {
    $device->reg_write(contract('REG_SCRATCH'), 0x1234);
    $device->reg_write(contract('REG_EVENT_VECTOR'), 1);
    $device->reg_read(contract('REG_MAGIC'), 1);
    set_vector(0, 0x140000, 7);
    my $config = $device->config_bytes;
    my $bad = $device->reg('BAD_ACCESS');
    $ring->set_index(sq_tail => $ring->{tail} + 100);
    $ring->ring;
    $ring->wait_for(sub { $ring->state == contract('QUEUE_ERROR') });
    is $device->reg('EVENTS'), 1, 'an event';
    $device->reg_write(contract('REG_CONTROL'), 0xfffffffe);
    is $ring->state, contract('QUEUE_ERROR'), 'the reserved bits of CONTROL do nothing';
    $device->reg_write(contract('REG_CONTROL'), 0xffffffff);
    is $device->reg('CONTROL'), 0, 'CONTROL reads zero';
    is $device->reg('EVENTS'), 0, 'EVENTS is reset';
    is $device->reg('EVENT_VECTOR'), contract('VECTOR_NONE'), 'EVENT_VECTOR is reset';
    is $ring->reg($_), $_ eq 'VECTOR' ? contract('VECTOR_NONE') : 0, "$_ of a queue is reset"
        for qw(CONTROL STATUS SIZE VECTOR SQ_LO SQ_HI CQ_LO CQ_HI INDEX_LO INDEX_HI);
    is $device->reg('SCRATCH'), 0x1234, 'SCRATCH is not reset';
    is $device->reg('BAD_ACCESS'), $bad, 'BAD_ACCESS is not reset';
    is_deeply $device->config_bytes, $config, 'configuration space is not reset';
    is $device->reg_read(contract('MSIX_TABLE')), 0x140000, 'the MSI-X table is not reset';
    $ring->enable;
    return;
}

sub register_long {
    my ($handle) = @_;
    $ring->put(OTHER, segments(([LONG, LONG_SIZE]) x 8));
    is_status({ op => 'REGISTER', arg => contract('BUFFER_WRITE') | $handle, out => direct(OTHER, 128) },
        'OK', 'REGISTER', 8 * LONG_SIZE);
    return;
}

# UNREGISTER waits for a command in another queue that uses the buffer. Meanwhile no
# other command finds the buffer.
sub test_unregister {
    my ($other, $third) = map { Ring->new($device, number => $_, base => 0x100000 + 0x30000 * $_) } 1, 2;
    $_->enable for $other, $third;
    for my $how ('completed', 'dropped') {
        register_long(3);
        $other->submit(op => 'FILL', arg => 0x77, in => buffer(3, 0, 8 * LONG_SIZE));
        $other->doorbell;
        $ring->submit(op => 'UNREGISTER', arg => 3, id => 8);
        $ring->doorbell;
        $third->submit(op => 'FILL', arg => 0x66, in => buffer(3, 0, 8));
        $third->submit(op => 'UNREGISTER', arg => 3);
        $third->submit(op => 'REGISTER', arg => contract('BUFFER_WRITE') | 3, out => direct(OTHER, 128));
        $third->doorbell;
        my @statuses = map { $_->{status} } $third->wait(3);
        is $ring->available, 0, "$how: UNREGISTER waits";
        is "@statuses", join(' ', (contract('ERR_HANDLE')) x 3), "$how: no other command finds the buffer";
        $how eq 'dropped' ? $other->disable : $other->wait(1);
        is(($ring->wait(1))[0]{status}, 0, "$how: then it completes");
        is $device->qtest->read(LONG + LONG_SIZE - 8, 8), 0x77, 'all of it is written' if $how eq 'completed';
        is $third->run(op => 'FILL', in => buffer(3, 0, 8))->{status}, contract('ERR_HANDLE'),
            "$how: the buffer is gone";
    }
    $other->enable;
    register_long(3);
    $other->submit(op => 'FILL', arg => 0x77, in => buffer(3, 0, 8 * LONG_SIZE));
    $other->doorbell;
    $ring->submit(op => 'UNREGISTER', arg => 3);
    $ring->doorbell;
    $ring->disable;
    is $third->run(op => 'FILL', in => buffer(3, 0, 8))->{status}, 0,
        'a buffer is kept if its UNREGISTER is dropped';
    $_->disable for $other, $third;
    $ring->enable;
    is_status({ op => 'UNREGISTER', arg => 3 }, 'OK', 'UNREGISTER', 0);
    return;
}

# The device is ejected while it works
sub test_unplug {
    $ring->submit(long_fill());
    $ring->doorbell;
    $device->qtest->qmp('device_del', { id => 'vgpu' });
    $device->qtest->eject(4);
    $device->qtest->wait_event('DEVICE_DELETED');
    ok !is_filling(), 'unplugged: no memory is written';
    return;
}

for my $place (Device::places()) {
    subtest $place => sub {
        start($place, queues => 3);
        is $ring->enable, contract('QUEUE_RUNNING'), 'enabled';
        test_pauses();
        test_start_in_pause();
        test_unregister();
        test_resets();
        test_control_reset();
        test_unplug() if $place eq 'pc';
        if ($place ne 'pc') {
            $ring->submit(long_fill());
            $ring->doorbell;
        }
        is $device->qtest->quit, 0, 'QEMU exits with 0, with work in flight';
    };
}

done_testing;
