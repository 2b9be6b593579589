#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/setup/step: its output when the step succeeds, fails, cannot write its log, or
# is interrupted.
#
# Needs: setup-test
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Time::HiRes 'sleep';
use Contract;
use Environment;

my $step = top_dir() . '/tests/setup/step';
my $dir = tempdir(CLEANUP => 1);

my ($status, $output) = run_command("$step $dir/new/log 'a step' echo said");
is $status, 0, 'success: exit status';
like $output, qr/\Aa step \.\.\.\na step {54} +\d+\.\d s\n\z/, '... prints the title and the time';
is qx(cat $dir/new/log), "said\n", "... writes the command's output to the log";

($status, $output) = run_command("$step $dir/log 'a step' sh -c 'seq 30; exit 7'");
is $status, 7, "failure: exits with the command's status";
like $output, qr/^FAILED after \d+\.\d s: a step\nthe end of \Q$dir\E\/log:\n {4}11\n( {4}\d+\n)+ {4}30\n\z/m,
    "... prints the end of the command's output";

# busybox awk (like gawk) prints a decimal point in any locale; mawk does not
for my $awk ('busybox awk', 'mawk') {
    local @ENV{qw(LOCPATH LC_ALL)} = decimal_comma();
    local $ENV{PATH} = stand_ins(awk => "exec $awk \"\$@\"") . ":$ENV{PATH}";
    ($status, $output) = run_command("$step $dir/log 'a step' sleep 0.2");
    is $status, 0, "a locale with a decimal comma, $awk: exit status";
    like $output, qr/\Aa step \.\.\.\na step +0\.[2-9] s\n\z/, '... prints the time and no error';
}

($status, $output) = on_small_disk(8, "$step /mnt/log 'a step' sh -c 'seq 9999; echo no compiler; exit 3'");
is $status, 3, "a full disk, failure: exits with the command's status";
like $output, qr/^ {4}no compiler$/m, "... prints the command's error";

($status, $output) = on_small_disk(8, "$step /mnt/log 'a step' seq 9999");
is $status, 1, 'a full disk, success: fails because the log is incomplete';
like $output, qr{^FAILED .*^ {4}cannot write /mnt/log: its disk has 0 MiB free$}ms, '... and prints the reason';

($status, $output) = run_command("$step $dir/log/new/log 'a step' true");
is $status, 1, "mkdir of the log's directory fails: exit status";
like $output, qr{Not a directory\nstep: cannot write \Q$dir\E/log/new/log}, '... and prints the reason';

# On a terminal, the elapsed time stops after Ctrl-C or SIGKILL
for my $end ('Ctrl-C', 'SIGKILL') {
    my $shown = "$dir/$end";
    open my $keys, '|-', "script -qfec 'trap : INT; $step $dir/log interrupted sleep 30; sleep 30'"
        . " /dev/null >'$shown'" or die "script: $!";
    $keys->autoflush;
    for (1 .. 50) {
        last if slurp($shown) =~ / [1-9]\.\d s/;
        sleep 0.1;
    }
    like slurp($shown), qr/ [1-9]\.\d s/, "$end: shows the elapsed time";
    $end eq 'Ctrl-C' ? print {$keys} "\x03"
        : system 'pkill', '-o', '-KILL', '-f', "^/bin/bash $step $dir/log";
    sleep 1.5;
    my $before = slurp($shown);
    sleep 1.5;
    is slurp($shown), $before, "$end: stops updating it";
    print {$keys} "\x03";
    close $keys;
}

done_testing;

sub slurp {
    my ($path) = @_;
    local $/;
    open my $file, '<', $path or return '';
    return scalar <$file>;
}
