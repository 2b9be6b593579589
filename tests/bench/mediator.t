#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# "make bench-mediator" works: one short round measures every target and prints every
# table, writes the plots, and says of every goal whether it is met. The figures are not
# judged.
#
# Needs: setup-demo setup-bench guest mediator
# Slow: some sixty measurements in five guests
use strict;
use warnings;
use Test::More;
use BenchTest;

my $output = run_bench('tests/bench/mediator/run');
my @paths = ('mediator, shared path', 'mediator, framed path', 'engine in QEMU');
my @deep = (@paths, 'vhost-user-blk', 'virtio-blk');

for my $part ('p50', 'p99') {
    has(map { "$part of a round trip, $_" } @deep, 'edu, polled every 2 ms');
}
for my $depth (1, 4, 16, 64) {
    has(map { "rate at depth $depth, $_" } @deep);
}
for my $depth (1, 16) {
    for my $part (qw(guest QEMU worker)) {
        has(map { "depth $depth, CPU of $part, $_" } @deep);
    }
    for my $vms ('1 VM', '2 VMs', '4 VMs') {
        for my $part (qw(rate p99)) {
            has(map { "depth $depth, $vms, $part, $_" } @paths[0, 2], 'vhost-user-blk');
        }
    }
}
for my $size (@sizes) {
    has(map { "$size in flight, $_" } @paths);
}
has_nothing_else();

is scalar(() = $output =~ /^sleeps of a round trip, .* in QEMU, [\d.]+ in the worker$/mg), 5, 'sleeps of each target';
is scalar(() = $output =~ /^idle worker, .* wake-ups\/s, [\d.]+ MiB resident/mg), 2, 'the idle worker, twice';
is scalar(() = $output =~ /, at (?:least|most) [\d.]+: (?:MET|MISSED)$/mg), 7, 'each goal is met or missed';
has_written($output);

done_testing;
