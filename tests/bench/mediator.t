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
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Files;

my $out = tempdir(CLEANUP => 1);
local @ENV{qw(BUILD OUT ROUNDS MILLISECONDS)} = (build_dir(), $out, 1, 20);
my $output = qx(cd @{[top_dir()]} && $^X -Itests/lib tests/bench/mediator/run 2>$out/progress);
is $?, 0, 'exit status' or diag read_file("$out/progress");

# The figures of a table, by what they measure
my %figure = $output =~ /^(\S.*?) {2,}([\d.e+]+) (?:us|\/s|MB\/s)  \(/mg;
my @paths = ('mediator, shared path', 'mediator, framed path', 'engine in QEMU');
my @deep = (@paths, 'vhost-user-blk', 'virtio-blk');

sub has {
    my (@lines) = @_;
    for my $line (@lines) {
        ok defined delete $figure{$line}, $line;
    }
    return;
}

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
for my $size ('4 KiB, 16', '16 KiB, 16', '64 KiB, 16', '256 KiB, 16', '1 MiB, 16', '4 MiB, 16', '16 MiB, 4', '64 MiB, 1') {
    has(map { "$size in flight, $_" } @paths);
}
is_deeply [keys %figure], [], 'there are no other figures';

is scalar(() = $output =~ /^sleeps of a round trip, .* in QEMU, [\d.]+ in the worker$/mg), 5, 'sleeps of each target';
is scalar(() = $output =~ /^idle worker, .* wake-ups\/s, [\d.]+ MiB resident/mg), 2, 'the idle worker, twice';
is scalar(() = $output =~ /, at (?:least|most) [\d.]+: (?:MET|MISSED)$/mg), 7, 'each goal is met or missed';
is read_file("$out/table.txt") . "the plots are $out/{rate,bytes}.{png,svg}\n", $output, 'table.txt has what was printed';
for my $plot (map { ("$_.png", "$_.svg") } 'rate', 'bytes') {
    cmp_ok -s "$out/$plot", '>', 1000, "$plot has been drawn";
}

done_testing;
