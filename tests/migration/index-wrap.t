#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The indices of a queue wrap at 2^32 while a guest uses the driver. A queue starts at 0, so
# that would take hours. Instead, an idle guest is saved, its indices are moved close to
# 2^32 in the migration stream, in the device's state and in the driver's memory, and the
# guest goes on from there. They move by a multiple of the queue's size, so that all
# entries keep their places.
#
# Needs: setup-demo guest
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Files;
use Vm;

my $file = tempdir(CLEANUP => 1) . '/stream';
my @machine = ('-machine', 'q35', '-device', 'vgpu-stub,queues=1');

# Replace 32-bit numbers: [place in the stream, 'V' or 'N' (byte order), value now or undef]
sub move_numbers {
    my ($stream, $by, @numbers) = @_;
    for (@numbers) {
        my ($place, $order, $expected) = @{$_};
        my $value = unpack $order, substr $$stream, $place, 4;
        die "found $value at $place, not $expected" if defined $expected && $value != $expected;
        substr $$stream, $place, 4, pack $order, ($value + $by) & 0xffffffff;
    }
    return;
}

# Where the bytes are in the stream, which has them once
sub find_once {
    my ($stream, $bytes, $what) = @_;
    my $place = index $$stream, $bytes;
    die "the stream has no $what, or several" if $place < 0 || index($$stream, $bytes, $place + 1) >= 0;
    return $place;
}

# vgpu_stub_index in guest memory: the page is in the stream with its address
sub index_numbers {
    my ($stream, $address, $count) = @_;
    my $page = 8 + find_once($stream, pack('Q>', $address | 0x28), 'page of the index block');
    return (map { [$page + $_, 'V', $count] } 0, 4, 64, 68, 72), [$page + 8, 'V'];
}

# sq_tail, sq_rung and cq_head of vgpu_queue in the driver: after the addresses of the
# rings, the lock and the flags
sub driver_numbers {
    my ($stream, $count, @rings) = @_;
    my $place = find_once($stream, pack('Q<3', @rings), 'vgpu_queue') + 32;
    return map { [$place + $_, 'V', $count] } 0, 4, 8;
}

# Returns the address of the index block
sub move_indices {
    my ($stream) = @_;
    my $name = "\x10vgpu-stub/queues";
    my $queue = find_once($stream, $name, 'state of the queues') + length($name) + 16;
    my ($state, $error, $size, $vector, @rings) = unpack 'N4 Q>3', substr $$stream, $queue, 40;
    my ($count, $completed) = unpack 'N2', substr $$stream, $queue + 40, 8;
    is_deeply [$state, $error, $completed], [1, 0, $count], 'the queue is running and idle';
    move_numbers($stream, -$size - ($count - $count % $size), [$queue + 40, 'N', $count],
        [$queue + 44, 'N', $count], index_numbers($stream, $rings[2], $count),
        driver_numbers($stream, $count, @rings));
    return $rings[2];
}

sub completed {
    my ($vm, $index) = @_;
    return hex(($vm->hmp(sprintf 'xp /1wx 0x%x', $index + 68) =~ /: 0x(\w+)/)[0]);
}

sub has_worked {
    my ($vm, $command) = @_;
    my ($status, @lines) = $vm->run("timeout 60 vgpu-run $command");
    is $status, 0, $command or diag explain \@lines;
    return;
}

my $source = Vm->new(@machine);
$source->run('modprobe vgpu_stub');
has_worked($source, 'copy -q -v -n 100');
$source->qmp('stop');
is $source->migrate("exec:cat >$file"), 'completed', 'the guest is saved';
$source->leave;

my $stream = read_file($file);
my $index = move_indices(\$stream);
write_file($file, $stream);
my $vm = Vm->incoming("exec:cat $file", @machine);
$vm->wait_status('paused');
cmp_ok completed($vm, $index), '>=', 2**32 - 1024, 'the indices are close to 2^32';
$vm->qmp('cont');
$vm->{lines} = [];
has_worked($vm, 'copy -q -v -n 500 -d 16');
has_worked($vm, 'nop -q -n 3000 -d 256');
has_worked($vm, 'crc -q -v -n 500 -d 1');
cmp_ok completed($vm, $index), '<', 2**31, 'they wrapped';
my (undef, @log) = $vm->run('dmesg | grep vgpu_stub');
is_deeply [grep { /queue \d+:/ } @log], [], 'the driver reports no error of the device';
$vm->end->good;

done_testing;
