#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/setup/step: what a person sees of a step that succeeds, that fails, whose
# log cannot be written, and that is interrupted.
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
is $status, 0, 'a step that succeeds: the exit status';
like $output, qr/\Aa step \.\.\.\na step {54} +\d+\.\d s\n\z/, '... its title and its time';
is qx(cat $dir/new/log), "said\n", '... its output is in the log';

($status, $output) = run_command("$step $dir/log 'a step' sh -c 'seq 30; exit 7'");
is $status, 7, 'a step that fails: the exit status is the command\'s';
like $output, qr/^FAILED after \d+\.\d s: a step\nthe end of \Q$dir\E\/log:\n {4}11\n( {4}\d+\n)+ {4}30\n\z/m,
    '... the end of its output is shown';

# an awk that prints a decimal point all the same (gawk does too), and one that does not
for my $awk ('busybox awk', 'mawk') {
    local @ENV{qw(LOCPATH LC_ALL)} = decimal_comma();
    local $ENV{PATH} = stand_ins(awk => "exec $awk \"\$@\"") . ":$ENV{PATH}";
    ($status, $output) = run_command("$step $dir/log 'a step' sleep 0.2");
    is $status, 0, "a locale with a decimal comma, $awk: the exit status";
    like $output, qr/\Aa step \.\.\.\na step +0\.[2-9] s\n\z/, '... the time is shown, and no error';
}

($status, $output) = on_small_disk(8, "$step /mnt/log 'a step' sh -c 'seq 9999; echo no compiler; exit 3'");
is $status, 3, 'a full disk and a step that fails: the exit status is the command\'s';
like $output, qr/^ {4}no compiler$/m, '... its error is shown';

($status, $output) = on_small_disk(8, "$step /mnt/log 'a step' seq 9999");
is $status, 1, 'a full disk and a step that succeeds: the exit status says that the log is not whole';
like $output, qr{^FAILED .*^ {4}cannot write all of /mnt/log: 0 MiB are free there$}ms, '... and the reason is shown';

($status, $output) = run_command("$step $dir/log/new/log 'a step' true");
is $status, 1, 'the log\'s folder cannot be made: the exit status';
like $output, qr{Not a directory\nstep: cannot write \Q$dir\E/log/new/log}, '... and the reason';

# On a terminal, interrupted by Ctrl-C or killed, it stops counting seconds
for my $end ('Ctrl-C', 'SIGKILL') {
    my $shown = "$dir/$end";
    open my $keys, '|-', "script -qfec 'trap : INT; $step $dir/log interrupted sleep 30; sleep 30'"
        . " /dev/null >'$shown'" or die "script: $!";
    $keys->autoflush;
    for (1 .. 50) {
        last if slurp($shown) =~ / [1-9]\.\d s/;
        sleep 0.1;
    }
    like slurp($shown), qr/ [1-9]\.\d s/, "$end: the time is shown";
    $end eq 'Ctrl-C' ? print {$keys} "\x03"
        : system 'pkill', '-o', '-KILL', '-f', "^/bin/bash $step $dir/log";
    sleep 1.5;
    my $before = slurp($shown);
    sleep 1.5;
    is slurp($shown), $before, "$end: nothing counts on";
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
