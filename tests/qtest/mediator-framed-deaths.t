#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A worker of the framed path ends in the middle of something: of the handshake, of the data
# of a command, of a message, of CANCEL. The next worker gets the command from its start, and
# it completes once, with the right data. The test is the worker.
#
# Needs: setup-device device
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Test::More;
use Time::HiRes 'sleep';
use Contract;
use FramedTest;
use QueueTest;
use Ring;

use constant SIZE => 200_000;

my $bytes = bytes(SIZE);
my %copy = (op => 'COPY', out => direct(FROM, SIZE), in => direct(TO, SIZE));

sub data_in { my ($count) = @_; return BackEnd::message(0x43, 0, 0, pack('V V', $back_end->{tag}, 0) . 'x' x $count) }
sub done { return BackEnd::message(0x42, 0, 0, pack 'V v v Q<', $back_end->{tag}, 0, 0, SIZE) }
sub send_part { my ($message, $count) = @_; return $back_end->send(substr $message, 0, $count) }

# What the first worker does with COPY before it ends
my %last_deeds = (
    'after COMMAND' => sub { },
    'between two messages of DATA_OUT' => sub {
        is $back_end->receive_framed->{type}, 0xb, 'the first DATA_OUT';
    },
    'in the middle of DATA_OUT' => sub { sysread $back_end->{socket}, my $part, 1000 },
    'when it has all of DATA_OUT' => sub { $back_end->data_out($_[0]) },
    'between two messages of DATA_IN' => sub {
        $back_end->data_out($_[0]);
        $back_end->send(data_in(65536));
        $back_end->send(data_in(1));
    },
    'in the header of DATA_IN' => sub { send_part(data_in(65536), 15) },
    'in the middle of DATA_IN' => sub { send_part(data_in(65536), 30_000) },
    'before COMMAND_DONE' => sub {
        $back_end->data_out($_[0]);
        $back_end->send_all($back_end->{tag}, 'x' x SIZE);
    },
    'in the middle of COMMAND_DONE' => sub {
        $back_end->data_out($_[0]);
        $back_end->send_all($back_end->{tag}, 'x' x SIZE);
        send_part(done(), 31);
    },
);

sub submit_copy {
    $ring->put(FROM, $bytes);
    $ring->put(TO, "\xee" x (SIZE + 1));
    submit(%copy, id => 9);
    return $back_end->command;
}

# The next worker executes it
sub is_executed_again {
    my ($what) = @_;
    my $command = $back_end->command // return fail "$what: the next worker gets the command";
    is_command($what, $command, opcode => contract('OP_COPY'), out_bytes => SIZE, in_bytes => SIZE);
    ok $back_end->data_out($command) eq $bytes, "$what: the next worker gets all of DATA_OUT";
    $back_end->send_all($back_end->{tag}, $bytes);
    $back_end->done($back_end->{tag}, 0, SIZE);
    is_completed($what, 'OK', SIZE);
    is $ring->available, 0, "$what: the command completes once";
    return is_written($what, $bytes);
}

sub test_death {
    my ($what) = @_;
    my $command = submit_copy() // return fail "$what: COMMAND";
    $last_deeds{$what}->($command);
    sleep 0.05; # the device has received what was sent
    close_connection();
    return is_executed_again($what);
}

# The command has ended for the device, whatever the worker did afterwards
sub test_death_after_the_end {
    my $command = submit_copy();
    $back_end->data_out($command);
    $back_end->send_all($back_end->{tag}, $bytes);
    $back_end->done($back_end->{tag}, 0, SIZE);
    sleep 0.1; # the device has received it before it sees the end of the lifeline
    close_connection();
    is_completed('after COMMAND_DONE', 'OK', SIZE);
    is_written('after COMMAND_DONE', $bytes);
    submit();
    is_command('after COMMAND_DONE', $back_end->command, opcode => 0);
    $back_end->done($back_end->{tag}, 0, 0);
    is_completed('the next command', 'OK', 0);
    is $ring->available, 0, 'nothing completes twice';
    return;
}

# The driver disables the queue: nobody gets the command any more
sub test_death_in_cancel {
    my ($what, $answer) = @_;
    submit_copy();
    $ring->disable;
    my $cancel = receive_cancel($what);
    send_part(BackEnd::message(0x800d, $cancel->{serial}, 0, pack 'V V', 0, 0), $answer);
    $back_end->data_in($back_end->{tag}, 'x') if !$answer;
    close_connection();
    is $ring->enable, contract('QUEUE_RUNNING'), "$what: the queue is enabled again";
    is $ring->get(TO, 8), "\xee" x 8, "$what: nothing was written";
    submit(id => 3);
    is_command($what, $back_end->command, opcode => 0);
    $back_end->done($back_end->{tag}, 0, 0);
    is_completed("$what: the next command", 'OK', 0);
    return;
}

# The command waits for a worker that completes the handshake
my %half_greetings = (
    'before HELLO' => sub { },
    'after HELLO' => sub { $back_end->receive },
    "in the answer's header" => sub { $back_end->receive; send_part(BackEnd::message(0x8001, 1, 1, "\0" x 24), 10) },
    'in the answer' => sub { $back_end->receive; send_part(BackEnd::message(0x8001, 1, 1, "\0" x 24), 30) },
    'at once after the answer' => sub { $back_end->greet },
);

sub test_death_in_hello {
    my ($what) = @_;
    $ring->put(FROM, $bytes);
    $ring->put(TO, "\xee" x (SIZE + 1));
    $back_end->close;
    $ring->wait_for(sub { $device->reg('STATUS') != contract('STATUS_READY') });
    submit(%copy, id => 4);
    $back_end->accept or return fail "$what: the device connects";
    $half_greetings{$what}->();
    close_connection();
    return is_executed_again($what);
}

start_device();
connect_well();
subtest "it ends $_" => sub { test_death($_) } for sort keys %last_deeds;
subtest 'it ends after COMMAND_DONE' => sub { test_death_after_the_end() };
subtest 'it ends instead of the answer to CANCEL' => sub { test_death_in_cancel('instead of the answer', 0) };
subtest 'it ends in the answer to CANCEL' => sub { test_death_in_cancel('in the answer', 20) };
subtest "it ends $_" => sub { test_death_in_hello($_) } for sort keys %half_greetings;
is $device->qtest->quit, 0, 'QEMU exits with 0';

done_testing;
