#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the supervisor reads from the page of a worker, with sanitizers: latency buckets,
# percentiles, sums, and garbage that a hostile worker has written.
#
# Needs: setup-test
use strict;
use warnings;
use Contract;
use File::Temp 'tempdir';
use Test::More;

my $top = top_dir();
my $dir = tempdir(CLEANUP => 1);

system('gcc', '-std=gnu11', '-g', '-O1', '-Wall', '-Wextra', '-Werror', '-D_GNU_SOURCE',
    '-fsanitize=address,undefined', '-fno-sanitize-recover=all', "-I$top/include",
    "-I$top/host-mediator", '-o', "$dir/records", "$top/tests/mediator/records.c",
    "$top/host-mediator/records.c") == 0 or die 'gcc';
my $output = qx($dir/records 2>&1);
is $?, 0, 'it ends, and sanitizers found nothing' or diag $output;
like $output, qr/^1\.\.\d+$/m, 'all tests ran';
for my $line ($output =~ /^((?:not )?ok .*)$/mg) {
    my ($not, $name) = $line =~ /^(not )?ok \d+ - (.*)$/;
    ok !$not, $name;
}

done_testing;
