#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The framed path with many commands of a queue in flight: their order, barriers, room for
# their completions, and what happens to them when the worker ends, the queue is disabled
# or the device pauses. The test is the worker.
#
# Needs: setup-device device
use strict;
use warnings;
use List::Util 'uniq';
use Test::More;
use Time::HiRes 'sleep';
use Contract;
use FramedTest;
use QueueTest;
use Ring;

use constant COMMANDS => 32; # of a queue, which can be in flight

# FILL of eight bytes, so that each command has its own data
sub submit_fills {
    my ($first, $last, %entry) = @_;
    $ring->put(TO + 8 * $first, "\xee" x (8 * ($last - $first + 1)));
    $ring->submit(op => 'FILL', in => direct(TO + 8 * $_, 8), id => $_, arg => $_, %entry) for $first .. $last;
    $ring->doorbell;
    return;
}

# The worker ends commands, each with the data that it was told to write
sub end_all {
    my (@commands) = @_;
    for my $command (@commands) {
        $back_end->data_in($command->{tag}, pack 'Q<', $command->{arg}) if $command->{in_bytes};
        $back_end->done($command->{tag}, 0, $command->{in_bytes});
    }
    return;
}

sub args { return join ' ', map { $_->{arg} } @_ }
sub ids { return join ' ', map { "$_->{id}" . ($_->{status} ? "($_->{status})" : '') } @_ }

sub is_filled {
    my ($what, $first, $last) = @_;
    is $ring->get(TO + 8 * $first, 8 * ($last - $first + 1)), pack('Q<*', $first .. $last), "$what: the data of each";
    return;
}

sub are_completed {
    my ($what, $first, $last) = @_;
    is ids($ring->wait($last - $first + 1)), "@{[$first .. $last]}", "$what: each completes once, in their order";
    is $ring->available, 0, "$what: nothing else completes";
    is_filled($what, $first, $last);
    return;
}

sub test_order {
    submit_fills(0, 39);
    my @commands = commands(COMMANDS);
    is args(@commands), "@{[0 .. 31]}", 'commands are sent in their order';
    is scalar(uniq(map { $_->{tag} } @commands)), COMMANDS, '... each with its own TAG';
    has_no_command('... and no more than ' . COMMANDS);
    end_all(reverse @commands[1 .. 31]);
    sleep 0.05;
    is $ring->available, 0, 'completions wait for that of an earlier command';
    is $ring->index_word('sq_head'), 0, '... and so does SQ_HEAD';
    end_all($commands[0]);
    my @more = commands(8);
    is args(@more), "@{[32 .. 39]}", 'the others are sent when there is room';
    end_all(@more[4 .. 7, 0 .. 3]);
    are_completed('40 commands', 0, 39);
    is $ring->index_word('sq_head'), 40, 'SQ_HEAD';
    return;
}

# The device starts to work on a command at its turn
sub test_barrier {
    submit_fills(0, 1);
    submit_fills(2, 2, flags => contract('SQE_BARRIER'));
    submit_fills(3, 4);
    my @commands = commands(2);
    has_no_command('a barrier waits, and what follows it');
    end_all($commands[1]);
    has_no_command('... for all earlier commands');
    end_all($commands[0]);
    push @commands, commands(3);
    is args(@commands), '0 1 2 3 4', 'commands behind a barrier do not wait for its end';
    end_all(@commands[4, 3, 2]);
    are_completed('a barrier', 0, 4);
    return;
}

sub test_set_1 {
    $ring->put(LIST, segments([TO, 80]));
    submit_fills(0, 0);
    $ring->submit(op => 'REGISTER', arg => 1 | contract('BUFFER_WRITE'), out => direct(LIST, 16), id => 1);
    submit_fills(2, 2, in => buffer(1, 16, 8));
    $ring->submit(op => 'UNREGISTER', arg => 1, id => 3);
    submit_fills(4, 4, in => buffer(1, 32, 8));
    my @commands = commands(1);
    has_no_command('REGISTER waits for earlier commands, and what follows it, too');
    end_all(@commands);
    @commands = commands(1);
    is args(@commands), 2, 'a command that uses the buffer is sent when it is registered';
    has_no_command('UNREGISTER waits for the command');
    end_all(@commands);
    is ids($ring->wait(5)), '0 1 2 3 4(' . contract('ERR_HANDLE') . ')', 'and the command after it finds no buffer';
    return;
}

# A command that fails when it is checked waits for its turn to complete, too
sub test_errors {
    submit_fills(0, 0);
    $ring->submit(op => 0x7f, id => 1);
    submit_fills(2, 2, flags => contract('SQE_QUIET'));
    submit_fills(3, 3);
    my @commands = commands(3);
    is args(@commands), '0 2 3', 'a bad command is not sent';
    end_all($commands[1]);
    $back_end->done($commands[2]{tag}, contract('ERR_DMA'), 0);
    sleep 0.05;
    is $ring->available, 0, 'nothing is complete';
    end_all($commands[0]);
    is ids($ring->wait(3)), '0 1(' . contract('ERR_OPCODE') . ') 3(' . contract('ERR_DMA') . ')', 'errors, and a quiet command';
    is $ring->index_word('sq_head'), 4, 'SQ_HEAD';
    return;
}

# The ring has four entries: there is room for four completions
sub test_full {
    $ring->disable;
    local $ring->{size} = 4;
    $ring->enable;
    submit_fills(0, 3);
    end_all(commands(4));
    $ring->wait_for(sub { $ring->available == 4 });
    submit_fills(4, 7);
    has_no_command('no command is sent without room for its completion');
    is $ring->index_word('flags'), contract('INDEX_CQ_FULL'), 'INDEX_CQ_FULL';
    is ids($ring->wait(2)), '0 1', 'two completions are consumed';
    my @commands = commands(2);
    is args(@commands), '4 5', '... then two commands are sent';
    has_no_command('... and no more');
    end_all($commands[1]);
    is ids($ring->wait(2)), '2 3', 'and two more';
    push @commands, commands(2);
    is $ring->index_word('flags'), 0, 'INDEX_CQ_FULL is cleared';
    end_all(@commands[3, 0, 2]);
    are_completed('a full completion queue', 4, 7);
    return;
}

# Quiet commands give back their room
sub test_full_of_quiet {
    $ring->disable;
    local $ring->{size} = 4;
    $ring->enable;
    submit_fills(0, 1);
    end_all(commands(2));
    $ring->wait_for(sub { $ring->available == 2 });
    submit_fills(2, 3, flags => contract('SQE_QUIET'));
    submit_fills(4, 5);
    my @commands = commands(2);
    has_no_command('quiet commands need room while they are in flight');
    is $ring->index_word('flags'), contract('INDEX_CQ_FULL'), 'INDEX_CQ_FULL';
    end_all(reverse @commands);
    end_all(commands(2));
    is $ring->index_word('flags'), 0, 'INDEX_CQ_FULL is cleared when they are complete';
    is ids($ring->wait(4)), '0 1 4 5', '... and they have no completions';
    is_filled('quiet commands', 0, 5);
    return;
}

sub enable_again {
    $ring->disable;
    return $ring->enable;
}

# Some have ended, of some there is data, of the others nothing
sub test_death {
    enable_again();
    submit_fills(0, 39);
    my @commands = commands(COMMANDS);
    end_all(@commands[0, 1, 2, 7, 30]);
    commands(3);
    $back_end->data_in($commands[$_]{tag}, 'part') for 3, 4, 31;
    sleep 0.05;
    close_connection();
    my @again = commands(30);
    is args(@again), join(' ', grep { $_ != 7 && $_ != 30 } 3 .. 34), 'what was not ended is sent again';
    end_all(reverse @again);
    end_all(commands(5));
    are_completed('a worker that ends', 0, 39);
    return;
}

# The third attempt is made alone: only the command that ends workers fails
sub test_deadly_command {
    enable_again();
    submit_fills(0, 4);
    for my $attempt (1, 2) {
        commands(5);
        close_connection();
    }
    is args(commands(1)), 0, 'the third attempt at the first command';
    has_no_command('... without the others');
    close_connection();
    for my $next (1 .. 4) {
        my @commands = commands(1);
        is args(@commands), $next, 'the third attempt at the next one';
        has_no_command('... without the others') if $next < 4;
        end_all(@commands);
    }
    is ids($ring->wait(5)), '0(' . contract('ERR_BACKEND') . ') 1 2 3 4', 'only the first one has failed';
    is_filled('the others', 1, 4);
    return;
}

sub receive_cancels {
    my ($count) = @_;
    my @cancels;
    while (@cancels < $count && (my $message = $back_end->receive_framed)) {
        is $message->{type}, 0xd, 'CANCEL' or last;
        push @cancels, $message;
    }
    return @cancels;
}

# More commands than there can be requests without an answer
sub test_cancel {
    my @rings = ($ring, map { Ring->new($device, number => $_, base => 0x100000 + 0x30000 * $_, size => 64) } 1, 2);
    enable_again();
    $_->enable for @rings[1, 2];
    for my $each (@rings) {
        local $ring = $each;
        submit_fills(0, COMMANDS - 1);
    }
    my @tags = map { $_->{tag} } commands(3 * COMMANDS);
    is scalar(uniq(@tags)), 3 * COMMANDS, 'commands of three queues';
    $_->disable for @rings;
    my @cancels = receive_cancels(24);
    has_no_command('some requests are kept for others');
    $back_end->data_in($tags[-1], 'xxxxxxxx');
    $back_end->done($tags[-1], 0, 8);
    $ring->enable;
    submit_fills(0, 0);
    has_no_command('a TAG is not used until CANCEL is answered');
    answer_cancel($cancels[0]);
    my @next = map { $back_end->receive_framed } 1, 2;
    my ($command) = grep { $_->{type} == 0xa } @next;
    my ($cancel) = grep { $_->{type} == 0xd } @next;
    is unpack('V', $command->{body}), $tags[0], '... then the next command has it';
    answer_cancel($_) for @cancels[1 .. 23], $cancel;
    push @cancels, $cancel, map { my @more = receive_cancels(1); answer_cancel(@more); @more } 1 .. 3 * COMMANDS - 25;
    is_deeply [sort { $a <=> $b } map { unpack 'V', $_->{body} } @cancels], [sort { $a <=> $b } @tags], 'each command is cancelled once';
    end_all({ tag => $tags[0], arg => 0, in_bytes => 8 });
    are_completed('the next command', 0, 0);
    return;
}

# RESET cancels those for which no CANCEL could be sent
sub test_reset {
    enable_again();
    submit_fills(0, COMMANDS - 1);
    my @tags = map { $_->{tag} } commands(COMMANDS);
    $device->reg_write(contract('REG_CONTROL'), contract('CONTROL_RESET'));
    my @cancels = receive_cancels(24);
    my $reset = $back_end->receive_framed;
    is $reset->{type}, 8, 'RESET';
    $ring->enable;
    submit_fills(0, 1);
    answer_cancel($_) for @cancels;
    has_no_command('neither CANCEL nor COMMAND is sent before the answer');
    $back_end->{credit} = 0;
    $back_end->send(BackEnd::message(0x8008, $reset->{serial}, 0, pack 'V V', 0, 0));
    my @commands = commands(2);
    is join(' ', map { $_->{tag} } @commands), "@tags[0, 1]", 'after RESET all TAGs can be used';
    end_all(@commands);
    are_completed('after RESET', 0, 1);
    return;
}

# Also of the device itself, which does not wait for answers
sub test_unplug {
    enable_again();
    submit_fills(0, COMMANDS - 1);
    end_all((commands(COMMANDS))[1, 3]);
    sleep 0.05;
    $device->qtest->qmp('device_del', { id => 'vgpu' });
    $device->qtest->eject(4);
    $device->qtest->wait_event('DEVICE_DELETED');
    receive_cancels(24);
    is $back_end->receive_framed->{type}, 8, 'RESET';
    is $back_end->receive, undef, 'the connection is closed';
    is $ring->available, 0, 'nothing has completed';
    is $device->qtest->quit, 0, 'QEMU exits with 0';
    return;
}

# A pause cuts off all of them, also those that the worker has ended
sub test_pause {
    enable_again();
    submit_fills(0, 5);
    my @commands = commands(6);
    end_all(@commands[2, 4]);
    sleep 0.05;
    set_command(MEMORY);
    answer_cancel($_) for receive_cancels(4);
    is $ring->available, 0, 'a pause: nothing is complete';
    set_command(MEMORY | MASTER);
    @commands = commands(6);
    is args(@commands), '0 1 2 3 4 5', '... and all start again';
    end_all(reverse @commands);
    are_completed('a pause', 0, 5);
    return;
}

# The driver takes back commands that were fetched
sub test_tail {
    enable_again();
    submit_fills(0, 5);
    commands(6);
    $ring->set_index(sq_tail => 3);
    $ring->ring;
    $ring->wait_for(sub { $ring->state == contract('QUEUE_ERROR') });
    is $ring->error, contract('QERR_SQ_TAIL'), 'commands in flight that are taken back';
    answer_cancel($_) for receive_cancels(6);
    is $ring->available, 0, '... do not complete';
    enable_again();
    submit_fills(0, 0);
    end_all(commands(1));
    are_completed('the queue is usable again', 0, 0);
    return;
}

# A device that cannot send still receives: else both sides could wait for each other. How
# much of its data the socket takes depends on what was sent before, so try several lengths.
sub test_no_receiver {
    $back_end->stop;
    $back_end->listen;
    start_device(queues => 16, size => 64);
    my @others = map { Ring->new($device, number => $_, base => 0x100000 + 0x30000 * $_, size => 64) } 1 .. 15;
    for my $kib (map { 8 * $_ } 1 .. 6) {
        connect_well(credit => 16 << 20);
        submit_fills(0, 0);
        my @commands = commands(1);
        $ring->submit(op => 'CRC32C', out => direct(FROM, $_)) for $kib << 10, 8 << 20;
        $ring->doorbell;
        sleep 0.05;
        for my $other (@others) {
            $other->enable;
            $other->submit for 1 .. COMMANDS;
            $other->doorbell;
        }
        end_all(@commands);
        are_completed("$kib KiB before", 0, 0);
        $back_end->close;
        $_->disable for $ring, @others;
        $ring->enable;
    }
    connect_well();
    is $device->qtest->quit, 0, 'QEMU exits with 0';
    return;
}

start_device(size => 64);
connect_well();
subtest 'order' => sub { test_order() };
subtest 'a barrier' => sub { enable_again(); test_barrier() };
subtest 'registered buffers' => sub { enable_again(); test_set_1() };
subtest 'errors' => sub { enable_again(); test_errors() };
subtest 'a full completion queue' => sub { test_full(); test_full_of_quiet() };
subtest 'a worker that ends' => sub { test_death(); test_deadly_command() };
subtest 'CANCEL' => sub { test_cancel() };
subtest 'a reset' => sub { test_reset() };
subtest 'a pause' => sub { test_pause() };
subtest 'SQ_TAIL' => sub { test_tail() };
subtest 'unplugging' => sub { test_unplug() };
subtest 'a worker that does not receive' => sub { test_no_receiver() };

done_testing;
