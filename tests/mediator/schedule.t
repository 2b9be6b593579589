#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The order in which the mediator's workers get their turns, and how long these are.
#
# Needs: setup-test
use strict;
use warnings;
use Contract;
use File::Temp 'tempdir';

my $top = top_dir();
my $source = "$top/host-mediator";
my $dir = tempdir(CLEANUP => 1);

system('gcc', '-std=gnu11', '-g', '-O1', '-Wall', '-Wextra', '-Wshadow', '-Werror', '-fsanitize=address,undefined',
    '-fno-sanitize-recover=all', "-I$source", '-o', "$dir/schedule", "$top/tests/mediator/schedule.c",
    "$source/schedule.c") == 0
    or die 'gcc';
# the program prints TAP
exit(system("$dir/schedule") ? 1 : 0);
