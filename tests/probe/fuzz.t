#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run the fuzz target with AddressSanitizer and UndefinedBehaviorSanitizer on the fuzzer's
# corpus and on every dump of the tests, so that fixed bugs do not return. "make
# fuzz-probe" searches for more.
#
# Needs: setup-probe tools
use strict;
use warnings;
use Test::More;
use Contract;
use Probe;

my $fuzz = probe_dir() . '/fuzz';
my $tools = top_dir() . '/guest-tools/vgpu-probe';
my $replay = scratch_dir() . '/replay';
my $seeds = scratch_dir() . '/seeds';

my @sources = ("$fuzz/fuzz-dump.c", "$fuzz/replay.c",
    grep { !m{/main\.c$} } glob "$tools/*.c $tools/*/*.c");
my ($status, undef, $err) = run_command('gcc', '-std=gnu11', '-g', '-O1', '-fsanitize=address,undefined',
    '-fno-sanitize-recover=undefined', '-D_GNU_SOURCE', '-DVGPU_PROBE_VERSION="fuzz"',
    '-I' . top_dir() . '/include', "-I$tools", '-o', $replay, @sources, '-lpci', '-ljansson');
is $status, 0, 'the target builds' or die $err;
is +(run_command("$fuzz/seeds", $seeds))[0], 0, 'the seeds are written';
is_deeply [sort grep { !/\.bytes$|^field-/ } map { s{.*/}{}r } glob "$seeds/*"],
    [sort map { $_->{name} } read_corpus()], 'one for each row of the corpus';

# after an error, vgpu-probe exits without freeing memory
local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
for my $folder ("$fuzz/corpus", $seeds) {
    my @inputs = sort glob "$folder/*";
    isnt scalar(@inputs), 0, "$folder: it has inputs";
    my ($code, $out, $log) = run_command('timeout', '120', $replay, @inputs);
    is $code, 0, "$folder: no input triggers a sanitizer" or diag substr $log, -3000;
    is scalar(() = $log =~ /^\//mg), scalar(@inputs), "$folder: all of them were run";
}

done_testing;
