#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The percentiles that vgpu-run prints, against those of the sorted numbers.
#
# Needs: setup-probe tools
use strict;
use warnings;
use Test::More;
use Contract;
use Probe;

my $source = top_dir() . '/guest-tools/vgpu-run';
my $program = scratch_dir() . '/latency';
my @percents = (1, 50, 90, 99, 100);

# No number is above the exact one, and none more than 1/128 below it
sub is_close {
    my ($name, @numbers) = @_;
    my (undef, $out) = run_command({ stdin => join "\n", @numbers }, $program, @percents);
    my ($min, @found) = split /\n/, $out;
    my @sorted = sort { $a <=> $b } @numbers;
    is $min, $sorted[0] // 0, "$name: the minimum";
    is pop @found, $sorted[-1] // 0, "$name: the maximum";
    for my $percent (@percents) {
        my $rank = int((@sorted * $percent + 99) / 100);
        my $exact = $sorted[$rank - 1] // 0;
        my $value = shift @found;
        ok $value <= $exact && $value >= $exact - $exact / 128, "$name: percentile $percent"
            or diag "found $value, expected $exact";
    }
    return;
}

system('gcc', '-Wall', '-Wextra', '-Werror', '-fsanitize=undefined', '-fno-sanitize-recover', "-I$source",
    '-o', $program, top_dir() . '/tests/vgpu-run/latency.c', "$source/latency.c") == 0 or die 'gcc';
srand 1;
is_close 'none';
is_close 'one', 5000;
is_close 'two', 10, 1_000_000;
is_close 'small numbers', 0 .. 300;
is_close 'around every power of two', map { ((1 << $_) - 1, 1 << $_, (1 << $_) + 1) } 1 .. 62;
is_close 'the largest number', 1, '18446744073709551615';
is_close 'equal numbers', (123_456) x 1000;
is_close 'a hundred', 1 .. 100;
is_close 'random numbers', map { int exp rand 30 } 1 .. 5000;

done_testing;
