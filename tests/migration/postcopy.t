#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Postcopy migration of a device with work to do, without a guest: the destination runs
# while its memory arrives. A worker would find zeros in pages that have not arrived, and
# those that it touched would not arrive any more, so it gets the memory afterwards; until
# then the device uses the framed path. Every command completes once, with the right data.
#
# QEMU needs userfaultfd for kernel faults: run it as root, or set the sysctl
# vm.unprivileged_userfaultfd to 1.
#
# Needs: setup-device device mediator
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Device;
use Firmware;
use JSON::PP ();
use Mediator;
use QueueTest;
use Ring;
use WorkInFlight;

use constant { TURNS => 1, LAST => 0xd000000, LAST_SIZE => 32 << 20 };

my $dir = tempdir(CLEANUP => 1);
my $mediator = bless { dir => $dir, socket => "$dir/socket", log => "$dir/log",
    program => build_dir() . '/mediator/vgpu-mediator' }, 'Mediator';
my $source;

my @shared = ('-object', 'memory-backend-memfd,id=m,share=on,size=256M', '-machine', 'memory-backend=m');
my @common = (halting_firmware(), '-name', 'guest', '-trace', 'vgpu_stub_mediator*',
    '-chardev', "socket,id=med,path=$mediator->{socket},reconnect=1", '-global', 'vgpu-stub.mediator=med');

sub qmp {
    my ($machine, $command, $arguments) = @_;
    my $answer = $machine->qtest->qmp($command, $arguments);
    die "$command: $answer->{error}{desc}\n" if $answer->{error};
    return $answer->{return};
}

sub allow_postcopy {
    my ($machine) = @_;
    return qmp($machine, 'migrate-set-capabilities',
        { capabilities => [{ capability => 'postcopy-ram', state => JSON::PP::true }] });
}

sub migration_is {
    my ($status) = @_;
    return $source->qtest->poll('query-migrate', sub { ($_[0]{status} // '') eq $status });
}

sub start_source {
    my (@memory) = @_;
    start('pc', qemu => [@common, @memory], size => 64, base => 0x200000);
    $source = $device;
    qmp($source, 'cont');
    $ring->wait_for(sub { $device->reg('STATUS') == contract('STATUS_READY') });
    is $ring->enable, contract('QUEUE_RUNNING'), 'enabled';
    $source->qtest->send_command(sprintf 'memset 0x%x 0x%x 0x5a', LAST, LAST_SIZE);
    return;
}

# The destination runs, and most of its memory has not arrived
sub start_postcopy {
    my (@memory) = @_;
    my $uri = "unix:$dir/migrate";
    $device = Device->with_queues('pc', 2, '-m', 256, @common, @memory, '-incoming', 'defer');
    allow_postcopy($_) for $source, $device;
    qmp($device, 'migrate-incoming', { uri => $uri });
    qmp($source, 'migrate-set-parameters', { 'max-bandwidth' => 1 << 20, 'max-postcopy-bandwidth' => 1 << 20 });
    qmp($source, 'migrate', { uri => $uri });
    migration_is('active');
    qmp($source, 'migrate-start-postcopy');
    migration_is('postcopy-active');
    $ring = bless { %$ring, device => $device, qtest => $device->qtest }, 'Ring';
    $device->qtest->poll('query-status', sub { $_[0]{status} ne 'inmigrate' });
    qmp($device, 'cont');
    return;
}

sub end_postcopy {
    qmp($source, 'migrate-set-parameters', { 'max-postcopy-bandwidth' => 1 << 30 });
    migration_is('completed');
    is $device->qtest->read(LAST + LAST_SIZE - 8, 8), 0x5a5a5a5a5a5a5a5a, 'memory that no command uses has arrived';
    is $source->qtest->quit, 0, 'the source exits with 0';
    return;
}

sub has_logged { my ($pattern) = @_; return $device->qtest->log =~ $pattern }

sub is_served {
    return ok $ring->wait_for(sub { has_logged(qr/QUEUE_START/) }), 'after postcopy, the worker serves the queue';
}

sub executes {
    is $ring->run(op => 'FILL', arg => 7, in => direct(DATA, 16))->{status}, 0, 'commands are executed';
    is $device->qtest->read(DATA, 8), 7, '... with their data';
    is $device->qtest->quit, 0, 'the destination exits with 0';
    return;
}

sub test_work {
    my (@memory) = @_;
    start_source(@memory);
    qmp($source, 'stop'); # so that all of the work is left to the destination
    submit_work(TURNS);
    start_postcopy(@memory);
    in_flight('destination');
    is_done('destination');
    migration_is('postcopy-active');
    ok has_logged(qr/send COMMAND/), 'the worker executes commands on the framed path';
    ok !has_logged(qr/MEMORY_ADD/), '... and has no memory of the guest';
    end_postcopy();
    is_served() if @memory;
    executes();
    return;
}

sub test_idle {
    start_source(@shared);
    start_postcopy(@shared);
    end_postcopy();
    is_served();
    executes();
    return;
}

$mediator->start("--socket-path=$mediator->{socket}");
ok $mediator->ready($mediator->{socket}), 'the mediator listens';
subtest 'shared memory' => sub { test_work(@shared) };
subtest 'memory that is not shared' => sub { test_work() };
subtest 'shared memory, and no work' => sub { test_idle() };
is $mediator->stop, 0, 'the mediator ends';

done_testing;
