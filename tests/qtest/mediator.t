#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The device's end of the mediator's protocol, without a guest: the handshake, and what a
# driver sees of a mediator that is there, away, or comes back
#
# Needs: setup-device device
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use BackEnd;
use Contract;
use MediatorTest;
use QueueTest;
use Ring;

# A command that the back end executes
sub run_there {
    my (%entry) = @_;
    $ring->submit(%entry);
    $ring->doorbell;
    $back_end->execute or return { status => 'the back end did not get it' };
    return ($ring->wait(1))[0];
}

sub test_handshake {
    is $device->reg('STATUS'), contract('STATUS_READY') | contract('STATUS_NO_BACKEND'),
        'before the handshake, STATUS says that the mediator is away';
    is $device->reg('VERSION'), contract('VERSION_MEDIATOR'), 'VERSION';
    is $device->reg('FEATURES'), contract('FEATURE_QUEUES') | contract('FEATURE_MEDIATOR'), 'FEATURES';
    my $hello = connect_well();
    is $hello->{type}, 1, 'HELLO is the first message';
    is $hello->{length}, 96, 'its length';
    is $hello->{descriptors}, 0, 'no descriptors';
    my ($min, $max, $features, $queues, $reserved0, $reserved1, $name) =
        unpack 'v v V v v V a64', $hello->{body};
    is_deeply [$min, $max, $features, $queues, $reserved0, $reserved1], [1, 1, 2, 2, 0, 0],
        'its fields';
    is $name, pack('a64', 'guest 1'), 'the name of the VM';
    is_deeply [new_lines()], [], 'nothing is logged';
    return;
}

sub test_commands {
    is run_there(op => 'NOP')->{status}, 0, 'a command is executed';
    $back_end->stop;
    is_there(0, 'the mediator is away');
    $ring->submit(op => 'FILL', arg => 0x55, in => direct(DATA, 16), id => 3);
    $ring->doorbell;
    sleep 0.3;
    is $ring->available, 0, 'a command waits';
    my $other = Ring->new($device, number => 1, base => 0x180000);
    $other->enable;
    $other->put(0x400000, segments([0x500000, 4096]));
    is $other->run(op => 'REGISTER', arg => 7 | contract('BUFFER_READ'), out => direct(0x400000, 16))->{status},
        0, 'command set 1 is executed';
    is $other->run(op => 'COPY', out => inline_data(4), in => direct(NOWHERE, 8))->{status},
        contract('ERR_LENGTH'), 'a malformed command is refused';
    $back_end->listen;
    connect_well();
    ok $back_end->execute, 'the mediator gets the command when it is back';
    my ($completion) = $ring->wait(1);
    is_deeply $completion, { id => 3, status => 0, reserved => 0, result => 16 },
        'the command completes';
    is $ring->get(DATA, 16), "\x55\0\0\0\0\0\0\0" x 2, 'it was executed';
    $other->disable;
    return;
}

# What the driver does with a command that waits
sub test_waiting_command_ends {
    my %end = (
        'disabling the queue' => sub { ok $ring->disable, 'the queue is disabled' },
        'a reset' => sub { $device->reg_write(contract('REG_CONTROL'), contract('CONTROL_RESET')) },
        'bus mastering off and on' => sub { set_command(MEMORY); set_command(MEMORY | MASTER) },
    );
    for my $what (sort keys %end) {
        $back_end->stop;
        is_there(0, "$what: the mediator is away");
        $ring->submit(op => 'FILL', arg => 1, in => direct(DATA, 16), id => 4);
        $ring->doorbell;
        sleep 0.05;
        $end{$what}->();
        $back_end->listen;
        connect_well();
        my $goes_on = $what =~ /^bus/;
        ok $back_end->execute, "$what: the mediator gets the command" if $goes_on;
        is scalar($goes_on ? $ring->wait(1) : ()), $goes_on ? 1 : undef,
            "$what: it completes if the queue goes on";
        $ring->enable unless $goes_on;
        is run_there()->{status}, 0, "$what: the queue works";
    }
    return;
}

sub test_timeout {
    $back_end->stop;
    my $begin = time;
    is_there(0, 'the mediator is away');
    my $completion = $ring->run(op => 'FILL', arg => 1, in => direct(DATA, 16), id => 9);
    my $took = time - $begin;
    is $completion->{status}, contract('ERR_NO_BACKEND'), 'after mediator-timeout, the command ends';
    is $completion->{result}, 0, '... without a result';
    cmp_ok $took, '>', 0.4, '... not earlier';
    cmp_ok $took, '<', 5, '... nor much later';
    $begin = time;
    is $ring->run(op => 'NOP')->{status}, contract('ERR_NO_BACKEND'), 'the next one';
    cmp_ok time - $begin, '<', 0.4, '... does not wait';
    $back_end->listen;
    connect_well();
    is run_there(op => 'NOP')->{status}, 0, 'when the mediator is back, commands are executed';
    return;
}

# A worker that is busy answers PING; one that does not loses the connection, and the next
# one gets the command
sub test_ping {
    $ring->submit(op => 'NOP', id => 6);
    $ring->doorbell;
    my $command = $back_end->command;
    for my $time (1, 2) {
        my $ping = $back_end->receive;
        is $ping->{type}, 9, "PING $time, when a command makes no progress";
        $back_end->send(BackEnd::message(0x8009, $ping->{serial}, 0, pack 'V V', 0, 0));
    }
    my $ping = $back_end->receive;
    my $begin = time;
    my $error = $back_end->receive;
    $error = $back_end->receive if $error->{type} == 9;
    is_deeply [@$error{qw(type)}, unpack 'v v', $error->{body}], [0x7f, 9, 9], 'no answer: BAD_TIMEOUT';
    cmp_ok time - $begin, '<', 5, '... after a second';
    connect_well();
    ok $back_end->execute, 'the next worker gets the command';
    is(($ring->wait(1))[0]{id}, 6, '... and completes it');
    my @lines = new_lines();
    is @lines, 1, 'one line is logged';
    like $lines[0], qr/PING: BAD_TIMEOUT/, '... which names PING';
    return;
}

subtest 'a mediator' => sub {
    start_device();
    test_handshake();
    is $ring->enable, contract('QUEUE_RUNNING'), 'a queue is enabled';
    test_commands();
    test_waiting_command_ends();
    new_lines();
    test_ping();
    is $device->qtest->quit, 0, 'QEMU exits with 0';
};

subtest 'mediator-timeout=' => sub {
    $back_end->stop;
    $back_end->listen;
    start_device(timeout => 600);
    $ring->enable;
    connect_well();
    test_timeout();
    $device->qtest->quit;
    $back_end->stop;
    start_device(timeout => 0);
    $ring->enable;
    is $ring->run(op => 'NOP')->{status}, contract('ERR_NO_BACKEND'), '0: commands do not wait';
    is $device->qtest->quit, 0, 'QEMU exits with 0';
};

subtest 'unplug' => sub {
    $back_end->listen;
    start_device();
    connect_well();
    $device->qtest->qmp('device_del', { id => 'vgpu' });
    $device->qtest->eject(4);
    $device->qtest->wait_event('DEVICE_DELETED');
    is $back_end->receive, undef, 'the connection is closed';
    is $device->qtest->quit, 0, 'QEMU exits with 0';
};

done_testing;
