#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Give the fuzz targets of the mediator what is kept: the test vectors, and the inputs of
# earlier runs. "make fuzz-mediator" searches for more.
#
# Needs: setup-test
use strict;
use warnings;
use Contract;
use File::Temp 'tempdir';
use Test::More;

my $top = top_dir();
my $fuzz = "$top/tests/mediator/fuzz";
my $dir = tempdir(CLEANUP => 1);

$ENV{CC} = 'gcc';
is system("$fuzz/build", $dir, "$top/tests/probe/fuzz/replay.c"), 0, 'the targets build' or BAIL_OUT('build');
is system("$fuzz/seeds", "$dir/seeds"), 0, 'the vectors are inputs';

sub replay {
    my ($target, $folder, $least) = @_;
    my @inputs = sort glob "$folder/*";
    cmp_ok scalar(@inputs), '>=', $least, "$target: there are inputs";
    my $log = qx(timeout 120 $dir/$target @inputs 2>&1);
    is $?, 0, "$target: none fails" or diag substr $log, -3000;
    is scalar(() = $log =~ /^\//mg), scalar(@inputs), "$target: all of them were run";
    return $log;
}

replay('fuzz-message', "$dir/seeds", 120);
my $log = replay('fuzz-worker', "$fuzz/corpus/fuzz-worker", 50);
my ($entries) = $log =~ /^entries: (\d+)$/m;
cmp_ok $entries, '>', 1000, '... and workers execute commands';

done_testing;
