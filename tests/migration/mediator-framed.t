#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Migration and snapshots of a device with commands in flight on the framed path, without a
# guest: they are cancelled, and start again from their entries. The test is the worker.
#
# Needs: setup-device setup-snapshots device
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Device;
use Firmware;
use FramedTest;
use QueueTest;
use Ring;
use Snapshot;

use constant SIZE => 200_000;

my $stream = tempdir(CLEANUP => 1) . '/stream';
my @firmware = halting_firmware();
my $bytes = bytes(SIZE);

sub submit_copy {
    $ring->put(FROM, $bytes);
    $ring->put(TO, "\xee" x (SIZE + 1));
    submit(op => 'COPY', out => direct(FROM, SIZE), in => direct(TO, SIZE), id => 5);
    return;
}

sub start_source {
    my (@more) = @_;
    start_device(qemu => [@firmware, @more]);
    connect_well();
    $device->qtest->qmp('cont');
    submit_copy();
    is_command('source', $back_end->command, out_bytes => SIZE, in_bytes => SIZE);
    $back_end->data_in($back_end->{tag}, 'x' x 1000);
    return;
}

sub start_destination {
    my (@mediated) = @_;
    my %saved = %$ring;
    $device = Device->with_queues('pc', 3, '-m', 256, @firmware, @mediated, '-incoming', "exec:cat $stream");
    $ring = bless { %saved, device => $device, qtest => $device->qtest }, 'Ring';
    return;
}

sub cont {
    $device->qtest->poll('query-status', sub { $_[0]{status} ne 'inmigrate' });
    $device->qtest->qmp('cont');
    return;
}

# The worker of this end executes the whole command
sub execute {
    my ($what) = @_;
    my $command = $back_end->command // return fail "$what: COMMAND";
    is_command($what, $command, out_bytes => SIZE, in_bytes => SIZE);
    ok $back_end->data_out($command) eq $bytes, "$what: DATA_OUT";
    $back_end->send_all($back_end->{tag}, $bytes);
    $back_end->done($back_end->{tag}, 0, SIZE);
    return;
}

sub is_done {
    my ($what) = @_;
    is_completed($what, 'OK', SIZE);
    is_written($what, $bytes);
    is $ring->available, 0, "$what: it completes once";
    return;
}

sub continue_destination {
    start_destination($back_end->arguments);
    connect_well();
    cont();
    return;
}

# The source does not connect again
sub end_machine {
    my ($what) = @_;
    is $device->qtest->quit, 0, "the $what exits with 0";
    $back_end->stop;
    $back_end->listen;
    return;
}

sub migrate {
    return is $device->qtest->migrate("exec:cat >$stream"), 'completed', 'migrated';
}

sub test_migration {
    my ($to_mediator) = @_;
    start_source();
    migrate();
    answer_cancel(receive_cancel('source'));
    is $ring->available, 0, 'source: the command has not completed';
    end_machine('source');
    start_destination($to_mediator ? $back_end->arguments : ());
    connect_well() if $to_mediator;
    cont();
    execute('destination') if $to_mediator;
    is_done('destination');
    end_machine('destination');
    return;
}

# The device of the source has no mediator, and does not start the command any more
sub test_from_none {
    start('pc', queues => 3, qemu => \@firmware);
    $device->qtest->qmp('cont');
    $ring->enable;
    $device->qtest->qmp('stop');
    submit_copy();
    migrate();
    end_machine('source');
    continue_destination();
    execute('destination');
    is_done('destination');
    end_machine('destination');
    return;
}

sub test_snapshot {
    my $disk = Snapshot->new;
    start_source($disk->arguments);
    is $device->qtest->hmp('savevm saved'), '', 'saved';
    my %saved = %$ring;
    answer_cancel(receive_cancel('savevm'));
    execute('after savevm');
    is_done('after savevm');
    submit_copy();
    is_command('before loadvm', $back_end->command, out_bytes => SIZE);
    is $device->qtest->hmp('loadvm saved'), '', 'loaded';
    %$ring = %saved;
    answer_cancel(receive_cancel('loadvm'));
    my $reset = $back_end->receive_framed;
    is $reset->{type}, 8, 'loadvm: RESET';
    $back_end->{credit} = 0;
    $back_end->send(BackEnd::message(0x8008, $reset->{serial}, 0, pack 'V V', 0, 0));
    execute('after loadvm');
    is_done('after loadvm');
    is $device->qtest->quit, 0, 'QEMU exits with 0';
    return;
}

# Of eight commands, the worker has ended the first, the third and the sixth. For the driver
# the first one is complete.
sub end_some {
    my ($what) = @_;
    $ring->put(TO, "\xee" x 64);
    $ring->submit(op => 'FILL', in => direct(TO + 8 * $_, 8), id => $_, arg => $_) for 0 .. 7;
    $ring->doorbell;
    my @commands = commands(8);
    end_fills(@commands[5, 2, 0]);
    is_ended_once($what, 0, 0);
    return;
}

sub end_fills {
    for my $command (@_) {
        $back_end->data_in($command->{tag}, pack 'Q<', $command->{arg});
        $back_end->done($command->{tag}, 0, 8);
    }
    return;
}

sub is_ended_once {
    my ($what, $first, $last) = @_;
    is join(' ', map { "$_->{id} $_->{status}" } $ring->wait($last - $first + 1)),
        join(' ', map { "$_ 0" } $first .. $last), "$what: the completions";
    is $ring->available, 0, "$what: nothing else completes";
    is $ring->get(TO, 8 * $last + 8), pack('Q<*', 0 .. $last), "$what: the data";
    return;
}

sub execute_others {
    my ($what) = @_;
    my @commands = commands(7);
    is join(' ', map { $_->{arg} } @commands), '1 2 3 4 5 6 7', "$what: the others start again";
    end_fills(reverse @commands);
    is_ended_once($what, 1, 7);
    return;
}

sub answer_cancels { my ($what) = @_; answer_cancel(receive_cancel($what, $_)) for @_[1 .. $#_]; return }

sub start_many {
    start_device(qemu => [@firmware, @_]);
    connect_well();
    $device->qtest->qmp('cont');
    end_some('before');
    return;
}

sub test_many {
    start_many();
    migrate();
    answer_cancels('source', 1, 3, 4, 6, 7);
    is $ring->available, 0, 'source: nothing else has completed';
    end_machine('source');
    continue_destination();
    execute_others('destination');
    end_machine('destination');
    return;
}

sub test_snapshot_of_many {
    my $disk = Snapshot->new;
    start_many($disk->arguments);
    my %saved = %$ring;
    is $device->qtest->hmp('savevm saved'), '', 'saved';
    answer_cancels('savevm', 1, 3, 4, 6, 7);
    execute_others('after savevm');
    is $device->qtest->hmp('loadvm saved'), '', 'loaded';
    %$ring = %saved;
    my $reset = $back_end->receive_framed;
    is $reset->{type}, 8, 'loadvm: RESET';
    $back_end->{credit} = 0;
    $back_end->send(BackEnd::message(0x8008, $reset->{serial}, 0, pack 'V V', 0, 0));
    execute_others('after loadvm');
    is $device->qtest->quit, 0, 'QEMU exits with 0';
    return;
}

subtest 'migration' => sub { test_migration(1) };
subtest 'migration to a device without a mediator' => sub { test_migration(0) };
subtest 'migration from a device without a mediator' => sub { test_from_none() };
subtest 'a snapshot' => sub { test_snapshot() };
$back_end->stop;
$back_end->listen;
subtest 'migration with many commands' => sub { test_many() };
subtest 'a snapshot with many commands' => sub { test_snapshot_of_many() };

done_testing;
