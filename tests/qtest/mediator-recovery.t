#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A worker of the shared path ends or is stopped, and no other one comes, or one that has
# only the framed path: the device recovers its queues from their records. The test is the
# worker.
#
# Needs: setup-device device
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Test::More;
use Contract;
use QueueTest;
use Ring;
use SharedTest;
use SharedWorker;

sub test_no_answer_to_ping {
    enable();
    $ring->submit(op => 'NOP');
    $ring->doorbell;
    is $worker->next->{name}, 'PING', 'a worker that is stopped gets PING';
    my $message = $worker->next;
    $message = $worker->next if $message->{name} eq 'PING'; # the next second has begun
    is $message->{name}, 'ERROR', '... and ERROR';
    is $worker->next, undef, '... and the connection ends';
    like stderr(), qr/PING: BAD_TIMEOUT/, '... it is logged';
    $worker->close;
    $ring->disable;
    return;
}

sub test_recovery {
    enable();
    my $record = $worker->{queues}{0}{record};
    my @ids = map { 30 + $_ } 0 .. 4;
    $ring->submit(op => 'NOP', id => $_) for @ids;
    $ring->submit(op => 'REGISTER', id => 35, arg => 9 | contract('BUFFER_READ'), out => direct(0x400000, 16));
    $ring->put(0x400000, segments([0x500000, 4096]));
    $ring->doorbell;
    my @entries = map { $ring->get($ring->{sq} + 64 * $_, 64) } 0 .. 5;
    # complete and published, complete, quiet, started, complete, started
    my @states = (2, 2, 3, 1, 2, 1);
    my @cq = (0, 1, 0, 0, 2, 0);
    set_slot($record, $_, state => $states[$_], cq_index => $cq[$_], status => 0, result => 100 + $_,
        entry => $entries[$_]) for 0 .. 5;
    $ring->put($ring->{cq}, pack 'V v v Q<', 30, 0, 0, 100);
    write_at($record, 8, pack 'V V', 1, 1);
    $ring->set_index(cq_tail => 1);
    $ring->submit(op => 'NOP', id => 36);
    $ring->doorbell;
    $worker->stop;
    my @completions = $ring->wait(6);
    is_deeply [map { [@$_{qw(id status result)}] } @completions],
        [[30, 0, 100], [31, 0, 101], [34, 0, 104], [33, contract('ERR_BACKEND'), 0], [35, 0, 4096],
            [36, contract('ERR_NO_BACKEND'), 0]], 'each command gets its one completion';
    is $ring->index_word('sq_head'), 7, 'SQ_HEAD';
    return;
}

# Disable the queue, and enable it for another worker
sub begin_again {
    $ring->disable;
    $worker->listen;
    connect_well();
    enable();
    return $worker->{queues}{0}{record};
}

# The last command was started: the device does not start it again
sub test_started_last {
    my $record = begin_again();
    $ring->submit(op => 'NOP', id => 40);
    $ring->doorbell;
    set_slot($record, 0, state => 1, entry => $ring->get($ring->{sq}, 64));
    $worker->stop;
    is_deeply [map { [@$_{qw(id status)}] } $ring->wait(1)], [[40, contract('ERR_BACKEND')]],
        'a command that was started ends with ERR_BACKEND';
    return;
}

# Submit commands that the worker has started and not completed
sub start_commands {
    my ($record, @commands) = @_;
    for my $i (0 .. $#commands) {
        $ring->submit(%{ $commands[$i] }, id => 50 + $i);
        set_slot($record, $i, state => 1, entry => $ring->get($ring->{sq} + 64 * $i, 64));
    }
    $ring->doorbell;
    return;
}

sub outcomes {
    my ($count) = @_;
    return [map { [@$_{qw(id status result)}] } $ring->wait($count)];
}

my %register = (op => 'REGISTER', arg => 10 | contract('BUFFER_READ'), out => direct(0x400000, 16));
my %unregister = (op => 'UNREGISTER', arg => 10);
my $unknown = contract('ERR_BACKEND');
my $in_use = contract('ERR_HANDLE');

# Buffers are the device's: it knows what it has not executed
sub test_set_1 {
    start_commands(begin_again(), \%register, { op => 'NOP' }, \%register, \%unregister, \%unregister, { op => 'NOP' });
    $worker->stop;
    is_deeply outcomes(6), [[50, 0, 4096], [51, $unknown, 0], [52, $in_use, 0], [53, 0, 0], [54, $in_use, 0],
        [55, $unknown, 0]], 'commands of set 1 are executed, whatever follows them';
    return;
}

sub test_set_1_that_was_executed {
    start_commands(begin_again(), \%register, { op => 'NOP' });
    $worker->ask_device(0, 0, $ring->get($ring->{sq}, 64));
    is $worker->next->{name}, 'BUFFER_ADD', 'the worker ends during REGISTER';
    $worker->stop;
    is_deeply outcomes(2), [[50, 0, 4096], [51, $unknown, 0]], '... which is not executed again';
    is $ring->run(%register)->{status}, $in_use, '... and the buffer is registered';
    is $ring->run(%unregister)->{status}, 0, '... once';
    return;
}

sub test_bad_records {
    my %bad = (
        'a bad version' => [0, pack 'V', 2],
        'another size' => [4, pack 'V', 1 << 30],
        'an unknown state' => [128, pack 'V V', 0, 4],
    );
    for my $what (sort keys %bad) {
        write_at(begin_again(), @{ $bad{$what} });
        $worker->stop;
        ok $ring->wait_for(sub { $ring->state == contract('QUEUE_ERROR') }), "$what: ERROR";
        is $ring->error, contract('QERR_BACKEND'), "$what: QERR_BACKEND";
    }
    return;
}

# The next worker has only the framed path
sub end_worker {
    ok $worker->accept, 'the device connects again';
    return $worker->BackEnd::greet;
}

# The worker has completed the third command before the first two, which it has started
sub test_other_order {
    enable();
    my $record = $worker->{queues}{0}{record};
    $ring->put(0x600000, 'what was started');
    start_commands($record, { op => 'COPY', out => direct(0x600000, 16), in => direct(0x601000, 16) },
        ({ op => 'NOP' }) x 2, { op => 'FILL', arg => 1, in => direct(0x602000, 16) });
    set_slot($record, 1, state => 1, attempts => 3, entry => $ring->get($ring->{sq} + 64, 64));
    set_slot($record, 2, state => 2, entry => $ring->get($ring->{sq} + 128, 64));
    end_worker();
    $worker->execute;
    is_deeply outcomes(4), [[52, 0, 0], [50, 0, 16], [51, $unknown, 0], [53, 0, 16]],
        'the device executes what it cannot give to the next worker, but no fourth time';
    is $ring->get(0x601000, 16), 'what was started', '... and the data is copied';
    return;
}

# QEMU's main loop does not execute 15 GiB
sub test_too_long {
    my $record = begin_again();
    my %checksum = (op => 'CRC32C', out => list(0x700000, 1 << 30, 512));
    $ring->put(0x700000, segments(([0x800000, 2 << 20]) x 512));
    start_commands($record, (\%checksum) x 15, { op => 'NOP' });
    set_slot($record, 15, state => 2, entry => $ring->get($ring->{sq} + 15 * 64, 64));
    end_worker();
    my @status = map { $_->{status} } $ring->wait(16);
    is_deeply [@status[0, -1]], [0, $unknown], 'what takes too long ends with ERR_BACKEND';
    return;
}

start_device();
connect_well();
test_other_order();
test_too_long();
is $device->qtest->quit, 0, 'QEMU exits with 0';
start_device(timeout => 300);
connect_well();
test_no_answer_to_ping();
connect_well();
test_recovery();
test_started_last();
test_set_1();
test_set_1_that_was_executed();
test_bad_records();
is $device->qtest->quit, 0, 'QEMU exits with 0';

done_testing;
