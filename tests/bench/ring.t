#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# "make bench-ring" works: one short round measures every target and prints every table,
# writes the plots, and says of every goal whether it is met. The figures are not judged.
#
# Needs: setup-demo setup-bench guest
# Slow: some sixty measurements in a guest with five devices
use strict;
use warnings;
use Test::More;
use BenchTest;

my $output = run_bench('tests/bench/ring/run');
my @interrupting = ('vgpu-stub', 'virtio-blk', 'nvme', 'virtio-serial', 'ivshmem-doorbell');
my @deep = ('vgpu-stub', 'vgpu-stub, io_uring', 'virtio-blk', 'nvme', 'virtio-serial');

for my $part ('p50', 'p99') {
    has(map { "$part of a round trip, $_" } @interrupting, 'vgpu-stub, io_uring', 'edu, polled tightly',
        'edu, polled every 2 ms', 'two threads in the guest', 'threads on two processors of the host');
}
for my $depth (1, 4, 16, 64) {
    has(map { "rate at depth $depth, $_" } @deep);
}
for my $depth (1, 16) {
    has(map { ("depth $depth, guest CPU, $_", "depth $depth, host CPU, $_") } @deep);
}
for my $size (@sizes) {
    has(map { "$size in flight, $_" } 'memcpy in the guest', 'vgpu-stub', 'virtio-blk', 'memcpy on the host');
}
has_nothing_else();

is scalar(() = $output =~ /^per 1000 commands at depth \d+ +[\d.]+ doorbells, +[\d.]+ interrupts$/mg), 4,
    'doorbells and interrupts at each depth';
is scalar(() = $output =~ /, at least [\d.]+: (?:met|MISSED)$/mg), 6, 'each goal is met or missed';
has_written($output);

done_testing;
