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
use QueueState;
use QueueTest;
use Ring;
use Snapshot;

use constant {
    COMMANDS => 40, REGION => 4 << 20, FIRST => 0x2000000, LISTS => 0x400000, TURNS => 64,
    REST => 0xc000000, REST_SIZE => 48 << 20, BANDWIDTH => 256 << 20,
};

my $dir = tempdir(CLEANUP => 1);

# Firmware that only halts the CPU, so that the machine can run: "cli; hlt; jmp" at the
# reset vector
sub firmware {
    my $path = "$dir/firmware";
    my $bytes = "\0" x 65536;
    substr $bytes, 0xfff0, 4, "\xfa\xf4\xeb\xfc";
    open my $file, '>:raw', $path or die "$path: $!";
    print $file $bytes;
    close $file or die "$path: $!";
    return $path;
}

my @machine = ('-bios', firmware());

sub region { my ($number) = @_; return FIRST + REGION * $number }
sub pattern { my ($number) = @_; return 0x0101010101010101 * ($number + 1) }

# Each command fills its own region many times; some have no completion
sub submit_work {
    for my $number (0 .. COMMANDS - 1) {
        my $list = LISTS + 0x1000 * $number;
        $ring->put($list, segments(([region($number), REGION]) x TURNS));
        $ring->submit(op => 'FILL', id => $number, arg => pattern($number),
            flags => $number % 8 == 7 ? contract('SQE_QUIET') : 0,
            in => list($list, REGION * TURNS, TURNS));
    }
    $ring->doorbell;
    return;
}

sub is_done {
    my ($what) = @_;
    my @expected = grep { $_ % 8 != 7 } 0 .. COMMANDS - 1;
    my @completions = $ring->wait(scalar @expected);
    is "@{[map { $_->{id} } @completions]}", "@expected", "$what: each command completes once";
    is scalar(grep { $_->{status} || $_->{result} != REGION * TURNS } @completions), 0, "$what: without an error";
    is $ring->available, 0, "$what: nothing else completes";
    # the last command is quiet
    is $ring->run(flags => contract('SQE_BARRIER'))->{status}, 0, "$what: the queue keeps running";
    my @wrong = grep { !has_pattern($_) } 0 .. COMMANDS - 1;
    is "@wrong", '', "$what: all data is right";
    return;
}

sub has_pattern {
    my ($number) = @_;
    my @at = map { region($number) + $_ } 0, REGION / 2, REGION - 8;
    return !grep { $device->qtest->read($_, 8) != pattern($number) } @at;
}

sub in_flight {
    my ($what) = @_;
    my $head = $ring->index_word('sq_head');
    cmp_ok $head, '<', COMMANDS, "$what: work is in flight";
    return $head;
}

sub start_work {
    my ($place, @more) = @_;
    start($place, qemu => [@machine, @more], size => 64, base => 0x200000);
    $device->qtest->qmp('cont');
    is $ring->enable, contract('QUEUE_RUNNING'), 'enabled';
    # what takes QEMU some time to send, after it has sent memory that is written later
    $ring->run(op => 'FILL', arg => 1, in => direct(REST, REST_SIZE));
    submit_work();
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
