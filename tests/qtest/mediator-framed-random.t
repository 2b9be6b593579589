#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The framed path with a driver and a worker that do what they may do at random: barriers,
# quiet commands, bad ones, commands that end in any order and with any status, connections
# that end, and pauses. Every command completes once, in its order, with the status that the
# worker has reported. The test is the worker. SEED= repeats a run.
#
# Needs: setup-device device
use strict;
use warnings;
use Test::More;
use Time::HiRes 'sleep';
use Contract;
use FramedTest;
use QueueTest;
use Ring;

use constant { STEPS => 400, SIZE => 64, QUIET => contract('SQE_QUIET'), BARRIER => contract('SQE_BARRIER') };

my $seed = $ENV{SEED} // time;
srand $seed;
diag "SEED=$seed";

my @entries; # of the driver: flags, and whether it is bad
my $seen = 0; # completions are expected from this one on
my %in_flight; # at the worker, by ID: COMMAND
my %status; # what the worker has reported
my %attempts; # COMMANDs since the last pause
my ($last_sent, @faults) = (-1);

sub fault { my ($text) = @_; push @faults, $text if @faults < 5; return }

# Commands that fail when they are checked are not sent, and others not a fourth time
sub is_ended {
    my ($id) = @_;
    return $entries[$id]{bad} || (!$in_flight{$id} && (exists $status{$id} || ($attempts{$id} // 0) == 3));
}

sub take_command {
    my ($body) = @_;
    my %command;
    @command{qw(tag queue opcode arg out_bytes in_bytes)} = unpack 'V v v Q< V V', $body;
    my $id = $command{arg};
    fault("$id is sent after $last_sent") if $id <= $last_sent;
    fault("$id is sent twice") if $in_flight{$id};
    fault("$id is sent too early") if $entries[$id]{flags} & BARRIER && grep { !is_ended($_) } 0 .. $id - 1;
    fault("$id has a TAG in use") if grep { $_->{tag} == $command{tag} } values %in_flight;
    fault("$id is sent too often") if ++$attempts{$id} > 3;
    delete $status{$id};
    $in_flight{$id} = \%command;
    $last_sent = $id;
    return;
}

sub take_messages {
    while (IO::Select->new($back_end->{socket})->can_read(0.01)) {
        my $message = $back_end->receive // return fault('the device has closed the connection');
        take_command($message->{body}) if $message->{type} == 0xa;
        answer_cancel($message) if $message->{type} == 0xd;
        $back_end->send(BackEnd::message(0x8009, $message->{serial}, 0, pack 'V V', 0, 0)) if $message->{type} == 9;
        fault('ERROR from the device') if $message->{type} == 0x7f;
    }
    return;
}

sub submit_some {
    my ($count) = @_;
    for (1 .. $count) {
        last if @entries - $seen >= SIZE;
        my %entry = (bad => rand() < 0.1, flags => (rand() < 0.3 && QUIET) | (rand() < 0.2 && BARRIER));
        my $id = @entries;
        push @entries, \%entry;
        $ring->submit(op => $entry{bad} ? 0x7f : 'FILL', id => $id, arg => $id, flags => $entry{flags},
            in => direct(TO + 8 * ($id % SIZE), 8));
    }
    return $ring->doorbell;
}

sub end_one {
    my ($id) = (sort { $a <=> $b } keys %in_flight)[rand keys %in_flight] // return;
    my $command = delete $in_flight{$id};
    $status{$id} = rand() < 0.8 ? 0 : contract('ERR_SPACE');
    $back_end->data_in($command->{tag}, pack 'Q<', $id) if !$status{$id};
    $back_end->done($command->{tag}, $status{$id}, $status{$id} ? 0 : 8);
    return;
}

# The expected status of a command that is complete, and whether it has a completion
sub expected {
    my ($id) = @_;
    return contract('ERR_OPCODE') if $entries[$id]{bad};
    return $status{$id} // contract('ERR_BACKEND');
}

sub consume {
    for my $completion ($ring->wait($ring->available)) {
        $seen++ while $seen < $completion->{id} && $entries[$seen]{flags} & QUIET && !expected($seen);
        fault("$completion->{id} completes instead of $seen") if $completion->{id} != $seen;
        my $expected = expected($completion->{id});
        fault("$completion->{id} has the status $completion->{status}, not $expected") if $completion->{status} != $expected;
        fault("$completion->{id} has been given up") if $completion->{status} == contract('ERR_BACKEND') && $attempts{$completion->{id}} < 3;
        fault("$completion->{id} has other data")
            if !$expected && $ring->get(TO + 8 * ($completion->{id} % SIZE), 8) ne pack 'Q<', $completion->{id};
        $seen = $completion->{id} + 1;
    }
    return;
}

sub restart { %in_flight = (); $last_sent = -1; return }

sub end_connection {
    sleep 0.02; # the device takes what was sent
    take_messages();
    $back_end->close;
    restart();
    $back_end->accept or fault('the device does not connect');
    $back_end->greet;
    sleep 0.11;
    return;
}

sub pause {
    sleep 0.02;
    take_messages();
    set_command(MEMORY);
    take_messages();
    restart();
    my @cut_off = $ring->index_word('sq_head') .. $#entries;
    delete @status{@cut_off};
    delete @attempts{@cut_off};
    set_command(MEMORY | MASTER);
    return;
}

sub step {
    my $choice = rand;
    return submit_some(1 + int rand 12) if $choice < 0.3;
    return end_one() if $choice < 0.8;
    return consume() if $choice < 0.94;
    return end_connection() if $choice < 0.97;
    return pause();
}

sub drain {
    for (1 .. 2000) {
        take_messages();
        end_one() for 1 .. keys %in_flight;
        consume();
        last if $ring->index_word('sq_head') == @entries && !$ring->available;
    }
    return;
}

start_device(size => SIZE);
connect_well();
for (1 .. STEPS) {
    step();
    take_messages();
    last if @faults;
}
drain() if !@faults;
consume();
is "@faults", '', 'no fault' or diag join "\n", @faults;
is $ring->index_word('sq_head'), scalar(@entries), 'all commands are complete';
cmp_ok scalar(@entries), '>', 100, 'they were many';
is $device->qtest->quit, 0, 'QEMU exits with 0';

done_testing;
