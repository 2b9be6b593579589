#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Commands on the framed path and their data, as the device's end of it.
# The test is the worker.
#
# Needs: setup-device device
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Test::More;
use Time::HiRes qw(sleep);
use Contract;
use FramedTest;
use QueueTest;
use Ring;

use constant KIB64 => 65536;

my %copy = (op => 'COPY', out => direct(FROM, 200_000), in => direct(TO, 200_000));

# Descriptors of @segments at an address, each [offset, length], as one type of data
sub data {
    my ($type, $base, $size, $access) = @_;
    my @segments = $size > 10 ? ([$base, 3], [$base + 3, $size - 10], [$base + $size - 7, 7]) : [$base, $size];
    return direct($base, $size) if $type eq 'direct';
    my $list = LIST + 0x1000 * $access;
    $ring->put($list, segments(@segments));
    return list($list, $size, scalar @segments) if $type eq 'list';
    $ring->run(op => 'UNREGISTER', arg => $access);
    is $ring->run(op => 'REGISTER', arg => $access | $access << 32, out => direct($list, 16 * @segments))->{status},
        0, 'REGISTER';
    return buffer($access, 0, $size);
}

sub in { my ($type, $size) = @_; $ring->put(TO, "\xee" x ($size + 1)); return data($type, TO, $size, 2) }

sub test_copy {
    my ($type, $size) = @_;
    my ($what, $bytes) = ("COPY of $size bytes, $type", bytes($size));
    my @in = in($type, $size);
    $ring->put(FROM, $bytes);
    submit(op => 'COPY', out => data($type, FROM, $size, 1), in => @in);
    my $command = $back_end->command // return fail "$what: COMMAND";
    is_command($what, $command, queue => 0, opcode => contract('OP_COPY'), arg => 0,
        out_bytes => $size, in_bytes => $size);
    ok $back_end->data_out($command) eq $bytes, "$what: DATA_OUT";
    $back_end->send_all($back_end->{tag}, $bytes);
    $back_end->done($back_end->{tag}, 0, $size);
    is_completed($what, 'OK', $size);
    is_written($what, $bytes);
    return;
}

sub test_operations {
    for my $type (qw(direct list buffer)) {
        test_copy($type, $_) for 1, 16, KIB64 - 1, KIB64, KIB64 + 1, 300_000;
    }
    test_copy('direct', 3 << 20);
    submit(op => 'NOP');
    my $command = $back_end->command;
    is_command('NOP', $command, opcode => 0, out_bytes => 0, in_bytes => 0);
    $back_end->done($back_end->{tag}, 0, 0);
    is_completed('NOP', 'OK', 0);

    submit(op => 'CRC32C', arg => 7, out => inline_data(5), data => 'abcdefg');
    $command = $back_end->command;
    is_command('CRC32C', $command, opcode => contract('OP_CRC32C'), arg => 7, out_bytes => 5, in_bytes => 0);
    is $back_end->data_out($command), 'abcde', 'CRC32C: inline data';
    $back_end->done($back_end->{tag}, 0, 0x12345678);
    is_completed('CRC32C', 'OK', 0x12345678);

    submit(op => 'FILL', arg => 1 << 63, in => in('direct', 10));
    is_command('FILL', $back_end->command, arg => 1 << 63, out_bytes => 0, in_bytes => 10);
    $back_end->data_in($back_end->{tag}, 'abcd');
    sleep 0.05;
    is $ring->available, 0, 'FILL: some of the data does not complete it';
    $back_end->data_in($back_end->{tag}, 'efghij');
    $back_end->done($back_end->{tag}, 0, 10);
    is_completed('FILL', 'OK', 10);
    is_written('FILL', 'abcdefghij');
    return;
}

# What is wrong is found by the device, and the back end does not see it
sub test_checks {
    is_status({ op => 'FILL', in => list(LIST, 8, 0) }, 'LIST', 'a bad command');
    is_status({ op => 0x7f }, 'OPCODE', 'an unknown command');
    return;
}

sub test_queues {
    my ($second, $third) = map { Ring->new($device, number => $_, base => 0x100000 + 0x30000 * $_) } 1, 2;
    $_->enable for $second, $third;
    submit(op => 'FILL', in => direct(TO, 4));
    for my $other ($second, $third) {
        $other->submit(op => 'FILL', in => direct(TO + 4 * $other->{number}, 4));
        $other->doorbell;
    }
    my @commands = map { $back_end->command } 0 .. 2;
    is "@{[map { $_->{queue} } @commands]}", '0 1 2', 'the queues have commands in flight at the same time';
    $back_end->data_in($commands[$_]{tag}, "$_" x 4) for 2, 0, 1;
    $back_end->done($commands[$_]{tag}, 0, 4) for 1, 2, 0;
    is scalar(map { $_->wait(1) } $ring, $second, $third), 3, '... which complete in any order';
    is $ring->get(TO, 12), '000011112222', '... and each has its data';
    $_->disable for $second, $third;
    return;
}

sub test_dma_faults {
    $ring->put(LIST, segments([FROM, KIB64], [NOWHERE, 8]));
    submit(op => 'CRC32C', out => list(LIST, KIB64 + 8, 2));
    $back_end->command;
    $back_end->grant(8);
    my $cancel = receive_cancel('a DMA fault of OUT') // return;
    answer_cancel($cancel);
    is_completed('a DMA fault of OUT', 'DMA', 0);
    submit(op => 'FILL', in => list(LIST, KIB64 + 8, 2));
    $back_end->command;
    $back_end->send_all($back_end->{tag}, 'z' x (KIB64 + 8));
    $cancel = receive_cancel('a DMA fault of IN') // return;
    answer_cancel($cancel);
    is_completed('a DMA fault of IN', 'DMA', 0);
    return;
}

# Credit: the device sends no more than it was granted, and grants what it has consumed
sub test_credit {
    submit(%copy);
    my $command = $back_end->command;
    my $received = 0;
    while ($received < 65536) {
        my $message = $back_end->receive_framed;
        $received += length($message->{body}) - 8;
    }
    is $received, 65536, 'the credit of HELLO is used';
    sleep 0.05;
    ok !IO::Select->new($back_end->{socket})->can_read(0), '... and nothing is sent without credit';
    $back_end->grant(1);
    is length($back_end->receive_framed->{body}), 9, '... nor more than the credit';
    $back_end->grant(200_000);
    $received++;
    $received += length($back_end->receive_framed->{body}) - 8 while $received < 200_000;
    $back_end->send_all($back_end->{tag}, 'c' x 200_000);
    $back_end->done($back_end->{tag}, 0, 200_000);
    is_completed('a command that waits for credit', 'OK', 200_000);
    return;
}

start_device();
connect_well();
subtest 'commands and their data' => sub { test_operations() };
subtest 'commands that are refused' => sub { test_checks() };
subtest 'several queues' => sub { test_queues() };
subtest 'DMA faults' => sub { test_dma_faults() };
close_connection();
subtest 'credit' => sub { test_credit() };
is $device->qtest->quit, 0, 'QEMU exits with 0';

done_testing;
