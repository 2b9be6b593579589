#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A worker that does what no worker does: the device closes the connection or stops the
# queue, and QEMU survives and stays responsive.
#
# Needs: setup-device device
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Test::More;
use Time::HiRes qw(sleep time);
use Contract;
use Device;
use QueueTest;
use Ring;
use SharedTest;
use SharedWorker;

sub register_entry {
    my ($handle) = @_;
    return Ring::entry(op => 'REGISTER', arg => $handle | contract('BUFFER_READ'), out => direct(0x400000, 16));
}

my $register = register_entry(7);

# A worker that serves queue 0
sub serve {
    $worker->accept or return fail 'the device connects';
    $worker->greet;
    $ring->wait_for(sub { $device->reg('STATUS') == contract('STATUS_READY') });
    $ring->enable;
    $worker->until('QUEUE_START');
    return;
}

# The main loop does not wait for the worker: QEMU answers, on a busy machine a little later
sub is_responsive {
    my ($what) = @_;
    my $begin = time;
    $device->qtest->qmp('query-status');
    my $took = time - $begin;
    return cmp_ok $took, '<', 2, "$what: QEMU answers";
}

sub end_connection {
    $worker->close;
    $ring->wait_for(sub { $device->reg('STATUS') != contract('STATUS_READY') });
    $ring->disable;
    return;
}

# Messages that end the connection: each gets the next serial or queue from a worker
sub answer_to { my ($message, %fields) = @_; return sub { $worker->answer($message, %fields) } }

# The device waits for the answer to BUFFER_ADD before it answers EXECUTE
sub receive_buffer {
    my ($handle) = @_;
    $ring->put(0x400000, pack 'Q< V V', 0x500000, 4096, 0);
    $worker->ask_device(0, 0, register_entry($handle));
    return $worker->next;
}

sub test_faults {
    my %fault = (
        'an answer that comes twice' => [BAD_SERIAL => sub {
            $ring->set(CONTROL => 0);
            my $stop = $worker->next;
            $worker->answer($stop) for 1, 2;
        }],
        'an answer about another queue' => [BAD_VALUE => sub {
            $ring->set(CONTROL => 0);
            $worker->answer($worker->next, queue => 1);
        }],
        'an answer to QUEUE_START about another queue' => [BAD_VALUE => sub {
            $ring->set(CONTROL => 0);
            $worker->answer($worker->next);
            $ring->wait_for(sub { $ring->state == contract('QUEUE_DISABLED') });
            $ring->enable;
            $worker->answer($worker->next, queue => 1);
        }],
        'an answer that nobody asked for' => [BAD_SERIAL => sub {
            $worker->send(BackEnd::message(0x8007, 99, 0, pack 'V4', 0, 0, 0, 0));
        }],
        'EXECUTE for a queue that is not running' => [BAD_STATE => sub { $worker->ask_device(1, 0, $register) }],
        'EXECUTE for a queue that is not there' => [BAD_VALUE => sub { $worker->ask_device(9, 0, $register) }],
        'EXECUTE of set 0' => [BAD_VALUE => sub { $worker->ask_device(0, 0, Ring::entry()) }],
        'two EXECUTE at a time' => [BAD_STATE => sub {
            $worker->ask_device(0, 0, $register);
            $worker->ask_device(0, 1, $register);
            $worker->next;
        }],
        'QUEUE_ERROR before the answer to EXECUTE' => [BAD_STATE => sub {
            receive_buffer(8);
            $worker->queue_error(0, 4);
        }],
        'an answer to QUEUE_STOP before that to EXECUTE' => [BAD_STATE => sub {
            receive_buffer(9);
            $ring->set(CONTROL => 0);
            $worker->answer($worker->next);
        }],
        'QUEUE_ERROR for a queue that is not there' => [BAD_VALUE => sub { $worker->queue_error(9, 4) }],
        'COMMAND_DONE' => [BAD_STATE => sub {
            $worker->send(BackEnd::message(0x42, 0, 0, pack 'V v v Q<', 0, 0, 0, 0));
        }],
    );
    my $seen = () = stderr() =~ /\n/g;
    for my $what (sort keys %fault) {
        my ($code, $send) = @{ $fault{$what} };
        serve();
        $send->();
        my $error = $worker->next;
        is $error && $error->{name}, 'ERROR', "$what: ERROR";
        is $worker->next, undef, "$what: the device closes the connection";
        end_connection();
        my @lines = split /\n/, stderr();
        is @lines, ++$seen, "$what: one line is logged";
        like $lines[-1], qr/$code/, "$what: $code";
        is_responsive($what);
    }
    return;
}

# Until it is closed, the connection of a worker that does not stop keeps the queue STOPPING
sub test_no_answer {
    serve();
    my $begin = time;
    $ring->set(CONTROL => 0);
    is $worker->next->{name}, 'QUEUE_STOP', 'a worker that does not stop gets QUEUE_STOP';
    is_responsive('a worker that does not stop');
    is $worker->next->{name}, 'ERROR', '... and ERROR';
    my $took = time - $begin;
    ok $took > 0.4 && $took < 3, "... after half a second ($took s)";
    is $ring->state, contract('QUEUE_STOPPING'), 'the queue waits for the end of the worker';
    end_connection();
    is $ring->state, contract('QUEUE_DISABLED'), '... and is disabled then';
    return;
}

# Calls without end: one interrupt for many, and the main loop has time for the rest
sub test_calls {
    serve();
    set_vector(1, OTHER, 1);
    $device->config(MSIX_CONTROL, 2, MSIX_ENABLE);
    my $call = $worker->{queues}{0}{call};
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        syswrite $call, pack 'Q<', 1 while 1;
    }
    sleep 0.2;
    is_responsive('calls without end') for 1 .. 5;
    kill 'KILL', $pid;
    waitpid $pid, 0;
    $device->config(MSIX_CONTROL, 2, 0);
    end_connection();
    return;
}

sub test_executes {
    serve();
    for my $number (1 .. 2000) {
        $worker->ask_device(0, $number, Ring::entry(op => 'UNREGISTER', arg => 3));
        my $answer = $worker->next;
        last if !is_good($answer);
    }
    is_responsive('2000 EXECUTE');
    is $ring->state, contract('QUEUE_RUNNING'), '... and the queue is running';
    end_connection();
    return;
}

sub is_good {
    my ($answer) = @_;
    return 1 if $answer && $answer->{name} eq 'EXECUTE' && $answer->{command_status} == contract('ERR_HANDLE');
    return !fail 'each EXECUTE is answered';
}

# A worker writes into the rings and the record what it likes
sub test_garbage {
    srand 1;
    for my $round (1 .. 12) {
        serve();
        my $record = $worker->{queues}{0}{record};
        $ring->submit(op => 'NOP', id => $_) for 1 .. 4;
        $ring->doorbell;
        my @bytes = map { chr int rand 256 } 1 .. 128 * 17;
        write_at($record, $round % 2 ? 0 : 8, join '', @bytes[0 .. 128 * 16]);
        # the words of slots that belong to the next commands
        write_at($record, 128 * (1 + $_), pack 'V V', $_, 1 + int rand 3) for 0 .. 15;
        write_at($record, 0, pack 'V V V', 1, 16, 0) if $round % 3;
        $worker->close;
        $ring->wait_for(sub { $device->reg('STATUS') & contract('STATUS_NO_BACKEND') });
        sleep 0.15;
        is_responsive("garbage in the record, $round");
        my $state = $ring->state;
        ok $state == contract('QUEUE_RUNNING') || $state == contract('QUEUE_ERROR'),
            "garbage in the record, $round: state $state, error " . $ring->error;
        $ring->disable;
    }
    return;
}

start_device(timeout => 100);
$ring->put(0x400000, segments([0x500000, 4096]));
subtest 'faults' => sub { test_faults() };
subtest 'a worker that does not answer' => sub { test_no_answer() };
subtest 'calls' => sub { test_calls() };
subtest 'EXECUTE' => sub { test_executes() };
subtest 'records' => sub { test_garbage() };
is $device->qtest->quit, 0, 'QEMU exits with 0';

done_testing;
