#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Migration and snapshots of a device whose queue is served by a worker of vgpu-mediator,
# without a guest: every command completes exactly once, and its data is right, whoever
# executes it. Between the two ends, the device of the source serves the queue, because a
# worker's writes to memory are not logged.
#
# Needs: setup-device setup-snapshots device mediator
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Test::More;
use Time::HiRes 'sleep';
use Contract;
use Device;
use Firmware;
use Mediator;
use QueueTest;
use Ring;
use SharedWorker;
use Snapshot;
use WorkInFlight;

use constant TURNS => 128;

my $is_tcg = ($ENV{QTEST_ACCEL} // 'tcg') eq 'tcg';
my $mediator = Mediator->built->serve;
my $dir = $mediator->{dir};
my @machine = (halting_firmware(), '-name', 'guest',
    '-object', 'memory-backend-memfd,id=m,share=on,size=256M', '-machine', 'memory-backend=m');
my @mediated = ('-chardev', "socket,id=med,path=$mediator->{socket},reconnect=1",
    '-global', 'vgpu-stub.mediator=med');

sub is_served {
    my ($what) = @_;
    my $log = sub { return $device->qtest->log =~ /QUEUE_START/ };
    $ring->wait_for($log);
    return ok $log->(), "$what: a worker serves the queue";
}

sub start_work {
    my (@more) = @_;
    start('pc', qemu => [@machine, @mediated, '-trace', 'vgpu_stub_mediator*', @more], size => 64,
        base => 0x200000);
    $device->qtest->qmp('cont');
    $ring->wait_for(sub { $device->reg('STATUS') == contract('STATUS_READY') });
    is $ring->enable, contract('QUEUE_RUNNING'), 'enabled';
    is_served('before');
    submit_work(TURNS);
    return;
}

sub load {
    my ($saved, @more) = @_;
    $device = Device->with_queues('pc', 2, '-m', 256, @machine, @more, '-trace', 'vgpu_stub_mediator*',
        '-incoming', "exec:cat $dir/stream");
    $ring = bless { %$saved, device => $device, qtest => $device->qtest }, 'Ring';
    $device->qtest->poll('query-status', sub { $_[0]{status} ne 'inmigrate' });
    $device->qtest->qmp('cont');
    return;
}

# To another mediated device, and to one that executes the commands itself
sub test_migration {
    my ($what, @destination) = @_;
    start_work();
    my %saved = %$ring;
    $device->qtest->qmp('migrate-set-parameters', { 'max-bandwidth' => 1 << 30 });
    is $device->qtest->migrate("exec:cat >$dir/stream"), 'completed', "$what: migrated";
    in_flight('source');
    my $source = $device;
    load(\%saved, @destination);
    is_done($what);
    is_served($what) if @destination;
    is $source->qtest->quit, 0, 'the source exits with 0';
    is $device->qtest->quit, 0, 'the destination exits with 0';
    return;
}

# The source goes on; a worker serves the queue again when memory is not logged any more
sub test_cancelled {
    start_work();
    $device->qtest->qmp('migrate-set-parameters', { 'max-bandwidth' => 1 << 20 });
    $device->qtest->qmp('migrate', { uri => "exec:cat >$dir/stream" });
    my $stopped = sub { return $device->qtest->log =~ ($is_tcg ? qr/send HELLO.*send HELLO/s : qr/answer to QUEUE_STOP/) };
    $ring->wait_for($stopped);
    ok $stopped->(), 'migration begins: the worker stops';
    $device->qtest->qmp('migrate_cancel');
    is_done('cancelled');
    my @starts = $device->qtest->log =~ /send (QUEUE_START)/g;
    is @starts, 2, 'the worker serves the queue again';
    is $device->qtest->quit, 0, 'QEMU exits with 0';
    return;
}

sub test_snapshot {
    my $disk = Snapshot->new;
    start_work($disk->arguments);
    my %saved = %$ring;
    is $device->qtest->hmp('savevm saved'), '', 'saved';
    in_flight('snapshot');
    is_done('after saving');
    $ring->disable;
    $device->qtest->write(region($_), 8, 0) for 0 .. COMMANDS - 1;
    submit_work(TURNS) if $ring->enable == contract('QUEUE_RUNNING');
    is $device->qtest->hmp('loadvm saved'), '', 'loaded, while a worker fills memory';
    %$ring = (%$ring, %saved);
    is_done('after loading');
    is $device->qtest->quit, 0, 'QEMU exits with 0';
    return;
}

# TCG's log cannot have what the worker writes later, so the device waits for its end.
# What it writes before it answers QUEUE_STOP is sent again.
sub stop_late {
    my ($worker, $memory) = @_;
    my $stop = $worker->next;
    is $stop ? $stop->{name} : 'the end', $is_tcg ? 'the end' : 'QUEUE_STOP', 'migration begins: message';
    sleep($is_tcg ? 0.2 : 0.05);
    write_at($memory, DATA, 'last');
    return $worker->close if $is_tcg;
    $worker->answer($stop);
    return is names($worker->until('MEMORY_CLEAR')), 'MEMORY_CLEAR', 'the worker loses the memory';
}

# What a worker writes before it stops is not logged, and the page may have been sent
sub start_migration {
    my ($worker) = @_;
    start('pc', qemu => [@machine, $worker->arguments], base => 0x800000);
    $device->qtest->qmp('cont');
    $worker->accept;
    $worker->greet;
    $ring->wait_for(sub { $device->reg('STATUS') == contract('STATUS_READY') });
    is $ring->enable, contract('QUEUE_RUNNING'), 'enabled';
    my ($memory) = map { $_->{fds}[0] } $worker->until('QUEUE_START');
    write_at($memory, FIRST, join '', map { pack 'Q<', $_ } 1 .. 1 << 23);
    $device->qtest->qmp('migrate-set-parameters', { 'max-bandwidth' => 32 << 20 });
    $device->qtest->qmp('migrate', { uri => "exec:cat >$dir/stream" });
    return $memory;
}

sub end_migration {
    $device->qtest->qmp('migrate-set-parameters', { 'max-bandwidth' => 1 << 30 });
    return $device->qtest->poll('query-migrate', sub { $_[0]{status} =~ /^(?:completed|failed)$/ })->{status};
}

sub test_last_writes {
    my $worker = SharedWorker->new;
    my $memory = start_migration($worker);
    stop_late($worker, $memory);
    is end_migration(), 'completed', 'migrated';
    my %saved = %$ring;
    my $source = $device;
    load(\%saved);
    is $device->qtest->read_bytes(DATA, 4), 'last', 'what it wrote at last arrives';
    is $source->qtest->quit, 0, 'the source exits with 0';
    is $device->qtest->quit, 0, 'the destination exits with 0';
    return;
}

# The device does not wait longer than a second
sub test_late_end {
    my $worker = SharedWorker->new;
    start_migration($worker);
    is $worker->next, undef, 'migration begins: the connection ends';
    sleep 3;
    $worker->close;
    is end_migration(), 'failed', 'a worker that ends after that makes migration fail';
    is $device->qtest->quit, 0, 'QEMU exits with 0';
    return;
}

sub names { return join ' ', map { $_->{name} } @_ }

subtest 'migration' => sub { test_migration('with a mediator', @mediated) };
subtest 'migration to a device without a mediator' => sub { test_migration('without one') };
subtest 'a migration that is cancelled' => sub { test_cancelled() };
subtest 'a snapshot' => sub { test_snapshot() };

subtest "a worker's last writes" => sub { test_last_writes() };
subtest 'a worker that ends too late' => sub { test_late_end() } if $is_tcg;

done_testing;
