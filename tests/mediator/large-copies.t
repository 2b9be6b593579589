#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sixteen times COPY of 64 MiB: they share the credits of the framed path, on sixteen queues and on one,
# with a worker of vgpu-mediator and without a guest: all of them end, none of the queues
# gets more than its share, and a NOP does not wait for them.
#
# Needs: setup-device device mediator
# Slow: moves 2 GiB through a socket, and back
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use File::Temp 'tempdir';
use Test::More;
use Time::HiRes 'time';
use Contract;
use QueueTest;
use Ring;

use constant { SIZE => 64 << 20, COUNT => 16, FROM => 0x4000000, TO => 0x8000000 };

my $dir = tempdir(CLEANUP => 1);
my $socket = "$dir/socket";
my $mediator = fork // die "fork: $!";
if (!$mediator) {
    open STDERR, '>', "$dir/log" or die;
    exec build_dir() . '/mediator/vgpu-mediator', "--socket-path=$socket" or die "exec: $!";
}
END { kill 'TERM', $mediator and waitpid $mediator, 0 if $mediator }

my %copy = (op => 'COPY', out => direct(FROM, SIZE), in => direct(TO, SIZE));

sub checksum { my ($at) = @_; return $ring->run(op => 'CRC32C', out => direct($at, SIZE))->{result} }

sub prepare {
    is $ring->run(op => 'FILL', arg => 0, in => direct(TO, SIZE))->{status}, 0, 'the destination is filled';
    return;
}

# When the completions come, in seconds
sub end_times {
    my ($rings, $count) = @_;
    my ($start, $end) = (time, time + 200);
    my @times;
    while (@times < $count && time < $end) {
        for my $each (grep { $_->available } @$rings) {
            my ($completion) = $each->wait(1);
            push @times, time - $start if !$completion->{status} && $completion->{result} == SIZE;
        }
    }
    return @times;
}

sub all_end {
    my ($what, @times) = @_;
    is scalar(@times), COUNT, "$what: all of them end";
    diag sprintf "$what: the first ends after %.1f s, the last after %.1f s", @times[0, -1];
    return;
}

start('pc', queues => 16, qemu => ['-name', 'guest', '-chardev', "socket,id=med,path=$socket,reconnect=1",
    '-global', 'vgpu-stub.mediator=med']);
$ring->wait_for(sub { $device->reg('STATUS') == contract('STATUS_READY') });
$ring->enable;
$ring->run(op => 'FILL', arg => 0x0123456789abcdef, in => direct(FROM, SIZE));
$ring->put(FROM + SIZE - 5, 'tail!');
$ring->put(FROM + (SIZE >> 1), 'middle');
my $sum = checksum(FROM);

my @rings = ($ring, map { Ring->new($device, number => $_, base => 0x100000 + 0x30000 * $_) } 1 .. COUNT - 1);
$_->enable for @rings[1 .. $#rings];
for my $entry (\%copy, { op => 'FILL', arg => 0x55, in => direct(TO, SIZE) }) {
    prepare();
    $_->submit(%$entry) for @rings;
    $_->doorbell for @rings;
    my @times = end_times(\@rings, COUNT);
    my $what = "$entry->{op} on sixteen queues";
    all_end($what, @times);
    cmp_ok $times[0], '>', 0.7 * $times[-1], "$what: at about the same time";
    is checksum(TO), $sum, "$what: the data is right" if $entry->{out};
}

prepare();
$ring->submit(%copy) for 1 .. COUNT - 1;
$ring->submit(%copy, id => 1);
$ring->doorbell;
my $start = time;
is $rings[1]->run->{status}, 0, 'a NOP of another queue is executed meanwhile';
my $took = time - $start;
is $ring->available, 0, '... before COPY ends for the first time';
my @times = end_times([$ring], COUNT);
all_end('COPY on one queue', @times);
is checksum(TO), $sum, '... and the data is right';
cmp_ok $took, '<', 0.2 * $times[-1], "... and soon ($took s)";
is $device->qtest->quit, 0, 'QEMU exits with 0';

done_testing;
