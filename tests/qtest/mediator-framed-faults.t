#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The framed path, as the device's end of it: faults of a worker, cancelling, and what
# happens to commands when the worker ends. The test is the worker.
#
# Needs: setup-device device
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Test::More;
use Time::HiRes qw(sleep time);
use Contract;
use FramedTest;
use QueueTest;
use Ring;

use constant COMMANDS => 32; # of a queue, which can be in flight

my %copy = (op => 'COPY', out => direct(FROM, 200_000), in => direct(TO, 200_000));

# A command that the back end executes
sub Ring::run_with {
    my ($self, $worker) = @_;
    $self->submit(op => 'FILL', arg => 0x55, in => direct(TO, 8));
    $self->doorbell;
    $worker->execute or return 0;
    return ($self->wait(1))[0]{status} == 0;
}

# The device cancels a command of which it has more to send
sub test_early_error {
    submit(%copy, id => 1);
    my $command = $back_end->command;
    $back_end->done($back_end->{tag}, contract('ERR_SPACE'), 0);
    is_completed('an early error', 'SPACE', 0);
    my $cancel = receive_cancel('an early error');
    for (2 .. COMMANDS) {
        submit();
        $back_end->command;
        $back_end->done($back_end->{tag}, 0, 0);
        $ring->wait(1);
    }
    submit();
    sleep 0.05;
    ok !IO::Select->new($back_end->{socket})->can_read(0), 'its TAG is not used before the answer';
    answer_cancel($cancel);
    is_command('after the answer', $back_end->command, tag => $command->{tag}, opcode => 0);
    $back_end->done($back_end->{tag}, 0, 0);
    is_completed('the next command', 'OK', 0);
    return;
}

sub long_command {
    my ($what) = @_;
    $ring->put(TO, "\xee" x 8);
    submit(op => 'FILL', in => direct(TO, 200_000));
    $back_end->command // fail "$what: COMMAND";
    return;
}

# After disabling, what the worker sends for the command is dropped, and granted again
sub test_disable {
    $ring->disable;
    $ring->enable;
    long_command('disabling');
    ok $ring->disable, 'a queue with a command is disabled';
    my $cancel = receive_cancel('disabling');
    my $before = $back_end->{credit};
    $back_end->data_in($back_end->{tag}, 'x' x 65536);
    $back_end->done($back_end->{tag}, 0, 0);
    answer_cancel($cancel);
    is $ring->get(TO, 8), "\xee" x 8, 'data that comes later is not written';
    $ring->enable;
    submit();
    is_command('after CANCEL', $back_end->command, tag => 0, opcode => 0);
    cmp_ok $back_end->{credit}, '>=', $before + 65536, 'it is granted again';
    $back_end->done($back_end->{tag}, 0, 0);
    is_completed('the next command', 'OK', 0);
    return;
}

sub test_no_answer {
    my $begin = time;
    long_command('CANCEL without an answer');
    $ring->disable;
    receive_cancel('no answer');
    is received_fault(), 'BAD_TIMEOUT', 'CANCEL that is not answered: the fault';
    my $took = time - $begin;
    ok $took > 0.4 && $took < 3, "... after half a second ($took s)";
    connect_well();
    $ring->enable;
    ok $ring->run_with($back_end), 'the next worker executes commands';
    return;
}

# QEMU does nothing for a second, as when it saves a machine. The answer comes in time.
sub test_busy_device {
    long_command('a busy device');
    $ring->disable;
    my $cancel = receive_cancel('a busy device');
    kill 'STOP', $device->qtest->{pid};
    $back_end->data_in($back_end->{tag}, 'x' x 65536);
    answer_cancel($cancel);
    sleep 1;
    kill 'CONT', $device->qtest->{pid};
    $ring->enable;
    ok $ring->run_with($back_end), 'an answer that waited for the device is not late';
    return;
}

# CANCEL, then RESET, which the device waits for; credits begin again
sub test_reset {
    $ring->disable;
    $ring->enable;
    long_command('a reset');
    $device->reg_write(contract('REG_CONTROL'), contract('CONTROL_RESET'));
    receive_cancel('a reset');
    my $reset = $back_end->receive_framed;
    is $reset->{type}, 8, 'RESET';
    is $device->reg('CONTROL'), contract('CONTROL_RESET'), 'the reset is not complete before the answer';
    $ring->enable;
    submit();
    $back_end->data_in($back_end->{tag}, 'x' x 100);
    sleep 0.05;
    ok !IO::Select->new($back_end->{socket})->can_read(0), 'no command is sent before the answer';
    $back_end->{credit} = 0;
    $back_end->send(BackEnd::message(0x8008, $reset->{serial}, 0, pack 'V V', 0, 0));
    is_command('after RESET', $back_end->command, tag => 0, opcode => 0);
    is $back_end->{credit}, 1 << 20, 'credits begin again';
    $back_end->done($back_end->{tag}, 0, 0);
    is_completed('the next command', 'OK', 0);
    is $device->reg('CONTROL'), 0, 'the reset is complete';
    return;
}

# A worker that does not receive: the device keeps little, and closes the connection
sub test_no_receiver {
    close_connection(credit => 16 << 20);
    my $begin = time;
    submit(op => 'CRC32C', out => direct(FROM, 8 << 20));
    ok $ring->wait_for(sub { $device->reg('STATUS') != contract('STATUS_READY') }), 'the connection of a worker that does not receive is closed';
    my $took = time - $begin;
    ok $took > 0.8 && $took < 4, "... after a second ($took s)";
    connect_well();
    is_command('the next worker', $back_end->command, out_bytes => 8 << 20);
    $back_end->close;
    $ring->disable;
    $ring->enable;
    connect_well();
    return;
}

# UNREGISTER waits for a command that is executed again
sub test_replay_with_buffer {
    my $other = Ring->new($device, number => 1, base => 0x180000);
    $other->enable;
    $ring->put(LIST, segments([TO, 60], [TO + 60, 40]));
    is $ring->run(op => 'REGISTER', arg => 2 | contract('BUFFER_WRITE'), out => direct(LIST, 32))->{status}, 0,
        'REGISTER';
    submit(op => 'FILL', in => buffer(2, 0, 100));
    $back_end->command;
    $other->submit(op => 'UNREGISTER', arg => 2);
    $other->doorbell;
    sleep 0.05;
    close_connection();
    my $command = $back_end->command // return fail 'a command that uses a buffer is sent again';
    is $other->available, 0, 'UNREGISTER waits for a command that is executed again';
    $back_end->send_all($back_end->{tag}, 'b' x 100);
    $back_end->done($back_end->{tag}, 0, 100);
    is_completed('the command', 'OK', 100);
    is(($other->wait(1))[0]{status}, 0, '... then it completes');
    $other->disable;
    return;
}

sub test_attempts {
    submit(op => 'FILL', in => direct(TO, 8), id => 3);
    for my $attempt (1 .. 3) {
        is_command("attempt $attempt", $back_end->command // {}, opcode => contract('OP_FILL'), in_bytes => 8);
        $back_end->data_in($back_end->{tag}, 'part') if $attempt == 2;
        close_connection();
    }
    is_completed('after three attempts', 'BACKEND', 0);
    ok $ring->run_with($back_end), 'the next command is executed';
    return;
}

# After mediator-timeout
sub test_timeout {
    submit(%copy);
    $back_end->command;
    submit(op => 'FILL', flags => contract('SQE_BARRIER'), in => direct(TO, 8), id => 4);
    $back_end->stop;
    is_completed('a command that was begun', 'BACKEND', 0);
    is_completed('a command that was not begun', 'NO_BACKEND', 0);
    $back_end->listen;
    connect_well();
    ok $ring->run_with($back_end), 'when the mediator is back, commands are executed';
    return;
}

# Of the command in flight, or, with a number, of a TAG that is that much higher
sub send_in {
    my ($bytes, $more) = @_;
    return sub { $back_end->data_in($back_end->{tag} + ($more // 0), $bytes) };
}

sub send_done {
    my ($status, $result, $more) = @_;
    return sub { $back_end->done($back_end->{tag} + ($more // 0), $status, $result) };
}

sub in_turn { my @all = @_; return sub { $_->() for @all } }

sub faults {
    my $note = sub { my @message = @_; return sub { $back_end->send(BackEnd::message(@message)) } };
    my @end = (send_in('x' x 8), send_done(0, 8));
    return (
        'COMMAND_DONE with a TAG that was not used' => { code => 'STATE', send => send_done(0, 8, 1) },
        'COMMAND_DONE with a TAG of another queue' => { code => 'STATE', send => send_done(0, 8, COMMANDS) },
        'COMMAND_DONE with a TAG that no queue has' => { code => 'STATE', send => send_done(0, 8, 9999) },
        'DATA_IN with a TAG that was not used' => { code => 'STATE', send => send_in('x', 1) },
        'DATA_IN with a TAG of another queue' => { code => 'STATE', send => send_in('x', COMMANDS) },
        'DATA_IN with a TAG that no queue has' => { code => 'STATE', send => send_in('x', 0xfffff000) },
        'too much data' => { code => 'VALUE', send => send_in('x' x 9) },
        'too much data, in two messages' => { code => 'VALUE', send => in_turn(map { send_in('x' x $_) } 5, 4) },
        'data of a command that has none' => { code => 'VALUE', send => send_in('x'),
            entry => { op => 'CRC32C', out => inline_data(1) } },
        'success without all data' => { code => 'STATE', send => in_turn(send_in('x' x 7), send_done(0, 8)) },
        'success before OUT was sent' => { code => 'STATE', send => send_done(0, 0),
            entry => { op => 'CRC32C', out => direct(FROM, 200_000) } },
        'an error with a result' => { code => 'VALUE', send => send_done(contract('ERR_DMA'), 1) },
        'an unknown status' => { code => 'VALUE', send => send_done(0x7fff, 0) },
        'no credit' => { code => 'VALUE', send => $note->(0x44, 0, 0, pack 'V V', 0, 0) },
        'too much credit' => { code => 'VALUE', send => $note->(0x44, 0, 0, pack 'V V', 16 << 20, 0) },
        'an answer to CANCEL that was not sent' => { code => 'SERIAL', send => $note->(0x800d, 77, 0, pack 'V V', 0, 0) },
        'COMMAND_DONE twice' => { code => 'STATE', is_last => 1, send => in_turn(@end, $end[1]) },
        'data after the end' => { code => 'STATE', is_last => 1, send => in_turn(@end, send_in('x')) },
    );
}

sub test_fault {
    my ($what, $fault) = @_;
    my %entry = %{ $fault->{entry} // { op => 'FILL', in => direct(TO, 8) } };
    submit(%entry);
    my $first = $back_end->command // return fail "$what: COMMAND";
    $fault->{send}->();
    is received_fault(), "BAD_$fault->{code}", "$what: the fault";
    connect_well();
    return is_completed($what, 'OK', 8) if $fault->{is_last};
    my $again = $back_end->command // return fail "$what: the next worker gets the command";
    is_deeply $again, $first, "$what: the next worker gets the same command";
    $back_end->data_out($again);
    $back_end->send_all($back_end->{tag}, 'y' x $again->{in_bytes});
    $back_end->done($back_end->{tag}, 0, $again->{in_bytes});
    is_completed($what, 'OK', $again->{in_bytes});
    return;
}

start_device();
connect_well();
subtest 'an early error' => sub { test_early_error() };
subtest 'disabling' => sub { test_disable() };
subtest 'a reset' => sub { test_reset() };
subtest 'a device that is busy' => sub { test_busy_device() };
subtest 'CANCEL without an answer' => sub { test_no_answer() };
subtest 'a worker that ends' => sub { test_replay_with_buffer(); test_attempts() };
subtest 'faults' => sub {
    my %faults = faults();
    test_fault($_, $faults{$_}) for sort keys %faults;
};
subtest 'a worker that does not receive' => sub { test_no_receiver() };
is $device->qtest->quit, 0, 'QEMU exits with 0';

subtest 'mediator-timeout=' => sub {
    $back_end->listen;
    start_device(timeout => 300);
    connect_well();
    test_timeout();
    is $device->qtest->quit, 0, 'QEMU exits with 0';
};

done_testing;
