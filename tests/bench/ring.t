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
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Files;

my $out = tempdir(CLEANUP => 1);
local @ENV{qw(BUILD OUT ROUNDS MILLISECONDS)} = (build_dir(), $out, 1, 20);
my $output = qx(cd @{[top_dir()]} && $^X -Itests/lib tests/bench/ring/run 2>$out/progress);
is $?, 0, 'exit status' or diag read_file("$out/progress");

# The figures of a table, by what they measure
my %figure = $output =~ /^(\S.*?) {2,}([\d.e+]+) (?:us|\/s|MB\/s)  \(/mg;
my @interrupting = ('vgpu-stub', 'virtio-blk', 'nvme', 'virtio-serial', 'ivshmem-doorbell');
my @deep = ('vgpu-stub', 'vgpu-stub, io_uring', 'virtio-blk', 'nvme', 'virtio-serial');

sub has {
    my (@lines) = @_;
    for my $line (@lines) {
        ok defined delete $figure{$line}, $line;
    }
    return;
}

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
for my $size ('4 KiB, 16', '16 KiB, 16', '64 KiB, 16', '256 KiB, 16', '1 MiB, 16', '4 MiB, 16', '16 MiB, 4', '64 MiB, 1') {
    has(map { "$size in flight, $_" } 'memcpy in the guest', 'vgpu-stub', 'virtio-blk', 'memcpy on the host');
}
is_deeply [keys %figure], [], 'there are no other figures';

is scalar(() = $output =~ /^per 1000 commands at depth \d+ +[\d.]+ doorbells, +[\d.]+ interrupts$/mg), 4,
    'doorbells and interrupts at each depth';
is scalar(() = $output =~ /, at least [\d.]+: (?:met|MISSED)$/mg), 6, 'each goal is met or missed';
is read_file("$out/table.txt") . "the plots are $out/{rate,bytes}.{png,svg}\n", $output, 'table.txt has what was printed';
for my $plot (map { ("$_.png", "$_.svg") } 'rate', 'bytes') {
    cmp_ok -s "$out/$plot", '>', 1000, "$plot has been drawn";
}

done_testing;
