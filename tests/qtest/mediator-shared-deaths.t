#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A worker of the shared path ends before it has answered a message of the device: about
# memory, a buffer, a queue. The next worker gets everything from the start, and the record
# of what is in flight as the last one left it. The test is the worker.
#
# Needs: setup-device device
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Test::More;
use Time::HiRes 'sleep';
use Contract;
use QueueTest;
use Ring;
use SharedTest;
use SharedWorker;

use constant LIST => 0x400000;

my $number = 0; # of commands

# What a worker gets to serve the queue
sub start_messages { return ((map { 'MEMORY_ADD' } 1 .. $_[0]), 'BUFFER_ADD', 'QUEUE_START') }

sub connect_again {
    $worker->close;
    return connect_well();
}

# Answer messages up to this one, the $count-th of its type, and end without an answer to it
sub end_at {
    my ($name, $count) = @_;
    while (my $message = $worker->next) {
        return if $message->{name} eq $name && !--$count;
        $worker->answer($message, $worker->indices($message)) if $message->{serial};
    }
    return fail "$name comes";
}

# A command that the worker has started
sub start_command {
    my $record = $worker->{queues}{0}{record};
    $ring->submit(op => 'NOP', id => 100 + $number);
    $ring->doorbell;
    my $at = $number++ % 16;
    set_slot($record, $at, index => $number - 1, state => 1, entry => $ring->get($ring->{sq} + 64 * $at, 64));
    return $at;
}

# The worker completes it, as the specification says
sub complete_command {
    my ($at) = @_;
    my $queue = $worker->{queues}{0};
    my ($i, $tail) = ($number - 1, $number - 1);
    set_slot($queue->{record}, $at, index => $i, state => 2, cq_index => $tail);
    $ring->put($ring->{cq} + 16 * ($tail % 16), pack 'V v v Q<', 100 + $i, 0, 0, 0);
    write_at($queue->{record}, 8, pack 'V V', $i + 1, $tail + 1);
    $ring->set_index(sq_head => $i + 1);
    $ring->set_index(cq_tail => $tail + 1);
    return;
}

sub test_start {
    my ($name, $count, @all) = @_;
    my $what = "$name $count";
    my $at = start_command();
    connect_again();
    end_at($name, $count);
    connect_again();
    is names($worker->until('QUEUE_START')), "@all", "$what: the next worker gets everything";
    my $slot = slot($worker->{queues}{0}{record}, $at);
    is "$slot->{index} $slot->{state}", $number - 1 . ' 1', "$what: the record has the command";
    complete_command($at);
    is_deeply [map { $_->{id} } $ring->wait(1)], [100 + $number - 1], "$what: the command completes";
    return;
}

# So that the next workers get BUFFER_ADD
sub register_buffer {
    $ring->put(LIST, segments([0x500000, 4096]));
    $ring->submit(op => 'REGISTER', arg => 3 | contract('BUFFER_READ'), out => direct(LIST, 16), id => 100);
    $ring->doorbell;
    $worker->ask_device(0, $number++, $ring->get($ring->{sq}, 64));
    is names($worker->until('EXECUTE')), 'BUFFER_ADD EXECUTE', 'a buffer is registered';
    complete_command(0);
    return $ring->wait(1);
}

sub test_disable {
    start_command();
    $ring->set(CONTROL => 0);
    end_at('QUEUE_STOP', 1);
    is $ring->state, contract('QUEUE_STOPPING'), 'the queue is stopping until the worker has ended';
    connect_again();
    ok $ring->wait_for(sub { $ring->state == contract('QUEUE_DISABLED') }), '... then it is disabled';
    $number = 0;
    is names(enable()), "@_", 'the next worker gets everything for the queue';
    my $at = start_command();
    complete_command($at);
    is_deeply [map { $_->{id} } $ring->wait(1)], [100], '... and commands complete';
    return;
}

sub test_reset {
    $device->reg_write(contract('REG_CONTROL'), contract('CONTROL_RESET'));
    end_at('RESET', 1);
    is $device->reg('CONTROL'), contract('CONTROL_RESET'), 'the reset is not complete before the worker has ended';
    connect_again();
    ok $ring->wait_for(sub { $device->reg('CONTROL') == 0 }), '... then it is';
    $number = 0;
    is names(enable()), join(' ', grep { $_ ne 'BUFFER_ADD' } @_), 'the next worker gets no buffer';
    return;
}

start_device();
connect_well();
my $regions = grep { $_->{name} eq 'MEMORY_ADD' } enable();
register_buffer();
my @all = start_messages($regions);
subtest "MEMORY_ADD $_" => sub { test_start('MEMORY_ADD', $_, @all) } for 1 .. $regions;
subtest 'BUFFER_ADD' => sub { test_start('BUFFER_ADD', 1, @all) };
subtest 'QUEUE_START' => sub { test_start('QUEUE_START', 1, @all) };
subtest 'QUEUE_STOP' => sub { test_disable(@all) };
subtest 'RESET' => sub { test_reset(@all) };
is $device->qtest->quit, 0, 'QEMU exits with 0';

done_testing;
