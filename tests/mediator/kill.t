#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Workers of the mediator die while they serve a queue: at each instruction, and 200 times
# at random under load. Each command is completed exactly once, with its own result, and
# with ERR_BACKEND only if it must not be repeated. Wrong indices of the driver stop the
# queue; a wrong record is refused.
#
# Needs: setup-test
use strict;
use warnings;
use Contract;
use File::Temp 'tempdir';
use Test::More;

my $top = top_dir();
my $dir = tempdir(CLEANUP => 1);

system('gcc', '-std=gnu11', '-g', '-O2', '-Wall', '-Wextra', '-Werror', '-D_GNU_SOURCE',
    "-I$top/include", "-I$top/host-mediator", '-o', "$dir/kill", map({ "$top/tests/mediator/$_.c" } qw(kill kill-driver)),
    "$top/host-mediator/queue.c", glob("$top/engine/*.c")) == 0 or die 'gcc';

# Standard output; faults are in it
sub workers_die {
    my ($name, @args) = @_;
    my $out = qx(timeout 600 $dir/kill @args);
    is $?, 0, "$name: exit status" or diag $out;
    like $out, qr/^0 faults$/m, "$name: no faults";
    return $out;
}

my ($instructions) = workers_die('at each instruction', 'instruction') =~ /^(\d+) instructions$/m;
cmp_ok $instructions // 0, '>', 500, 'there were some';
my ($commands) = workers_die('under load', 'load', 200) =~ /^(\d+) commands, 200 workers killed$/m;
cmp_ok $commands // 0, '>', 1000, 'commands were executed';

workers_die('wrong indices and records', 'nobody');

done_testing;
