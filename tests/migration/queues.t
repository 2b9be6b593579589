#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Migration of queues with work in flight, without a guest: every command completes
# exactly once, on the source or the destination, and its data is right. A stream from a
# device with another number of queues is refused with a reason.
#
# Environment:
#   MIGRATE_TO   another emulator, to migrate to
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
use QueueState;
use QueueTest;
use Ring;
use Snapshot;
use WorkInFlight;

use constant {
    TURNS => 64, REST => 0xc000000, REST_SIZE => 48 << 20, BANDWIDTH => 256 << 20,
};

my $dir = tempdir(CLEANUP => 1);

my @machine = halting_firmware();

sub start_work {
    my ($place, @more) = @_;
    start($place, qemu => [@machine, @more], size => 64, base => 0x200000);
    $device->qtest->qmp('cont');
    is $ring->enable, contract('QUEUE_RUNNING'), 'enabled';
    # what takes QEMU some time to send, after it has sent memory that is written later
    $ring->run(op => 'FILL', arg => 1, in => direct(REST, REST_SIZE));
    submit_work(TURNS);
    return;
}

sub test_migration {
    my ($place) = @_;
    start_work($place);
    my %saved = %$ring;
    $device->qtest->qmp('migrate-set-parameters', { 'max-bandwidth' => BANDWIDTH });
    is $device->qtest->migrate("exec:cat >$dir/stream"), 'completed', 'migrated';
    my $head = in_flight('source');
    my $source = $device;
    local $ENV{QEMU_VGPU} = $ENV{MIGRATE_TO} // $ENV{QEMU_VGPU};
    delete local $ENV{QEMU_VGPU} if !defined $ENV{QEMU_VGPU};
    $device = Device->with_queues($place, 2, '-m', 256, @machine, '-incoming', "exec:cat $dir/stream");
    $ring = bless { %saved, device => $device, qtest => $device->qtest }, 'Ring';
    $device->qtest->poll('query-status', sub { $_[0]{status} ne 'inmigrate' });
    is in_flight('destination'), $head, 'nothing happens before the machine runs';
    $device->qtest->qmp('cont');
    is_done('destination');
    is $source->qtest->quit, 0, 'the source exits with 0';
    is $device->qtest->quit, 0, 'the destination exits with 0';
    return;
}

sub test_snapshot {
    my $disk = Snapshot->new;
    start_work('root port', $disk->arguments);
    my %saved = %$ring;
    is $device->qtest->hmp('savevm saved'), '', 'saved';
    in_flight('snapshot');
    is_done('after saving');
    $ring->disable;
    $device->qtest->write(region($_), 8, 0) for 0 .. COMMANDS - 1;
    is $device->qtest->hmp('loadvm saved'), '', 'loaded';
    %$ring = (%$ring, %saved);
    is_done('after loading');
    is $device->qtest->quit, 0, 'QEMU exits with 0';
    return;
}

# The error of a device with $to queues for a stream from one with $from
sub refusal {
    my ($from, $to) = @_;
    my $source = Device->with_queues('pc', $from);
    $source->qtest->migrate("exec:cat >$dir/stream");
    local $ENV{BUILD} = build_dir();
    my $command = join ' ', map { "'$_'" } 'timeout', 60, top_dir() . '/tests/lib/qemu-under-test',
        qw(-machine pc -accel tcg -S -nodefaults -no-user-config -display none -m 4),
        '-device', "vgpu-stub,id=vgpu,addr=4,queues=$to", '-incoming', "exec:cat $dir/stream";
    return qx($command 2>&1 </dev/null);
}

subtest "migration on $_" => sub { test_migration($_) } for 'pc', 'root port';
subtest 'snapshot' => \&test_snapshot;
subtest 'another number of queues' => sub {
    for my $case ([0, 1], [1, 0], [2, 16], [16, 2]) {
        my ($from, $to) = @$case;
        like refusal($from, $to), qr/^\S+: vgpu-stub: the stream is from a device with another configuration space.*queues=/m,
            "from $from to $to: refused with a reason";
    }
};

done_testing;
