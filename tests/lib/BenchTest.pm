# SPDX-License-Identifier: GPL-2.0-or-later
#
# Helpers for the tests of the benchmarks, which run one short round of one:
#
#   use BenchTest;
#   my $output = run_bench('tests/bench/ring/run')      tests its exit status, and takes its
#                               figures
#   has('p50 of a round trip, virtio-blk', ...)         each of these lines has a figure
#   has_nothing_else()          each figure was asked for
#   has_written($output)        table.txt has the output, and the plots are there
#   @sizes                      of transfers, as in a line
package BenchTest;

use strict;
use warnings;
use Exporter 'import';
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Files;

our @EXPORT = qw(run_bench has has_nothing_else has_written @sizes);
our @sizes = ('4 KiB, 16', '16 KiB, 16', '64 KiB, 16', '256 KiB, 16', '1 MiB, 16', '4 MiB, 16', '16 MiB, 4',
    '64 MiB, 1');

my $dir = tempdir(CLEANUP => 1);
my %figure; # of a table, by what it measures

sub run_bench {
    my ($program) = @_;
    local @ENV{qw(BUILD OUT ROUNDS MILLISECONDS)} = (build_dir(), $dir, 1, 20);
    my $output = qx(cd @{[top_dir()]} && $^X -Itests/lib $program 2>$dir/progress);
    is $?, 0, 'exit status' or diag read_file("$dir/progress");
    %figure = $output =~ /^(\S.*?) {2,}([\d.e+]+) (?:us|\/s|MB\/s)  \(/mg;
    return $output;
}

sub has {
    my (@lines) = @_;
    ok defined delete $figure{$_}, $_ for @lines;
    return;
}

sub has_nothing_else { return is_deeply [keys %figure], [], 'there are no other figures' }

sub has_written {
    my ($output) = @_;
    is read_file("$dir/table.txt") . "the plots are $dir/{rate,bytes}.{png,svg}\n", $output,
        'table.txt has what was printed';
    for my $plot (map { ("$_.png", "$_.svg") } 'rate', 'bytes') {
        cmp_ok -s "$dir/$plot", '>', 1000, "$plot has been drawn";
    }
    return;
}

1;
