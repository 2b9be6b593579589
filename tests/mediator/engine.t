#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The mediator's software engine checks and executes commands as the device specification
# says, and accesses nothing but its memory. Sanitizers watch.
#
# Needs: setup-test
use strict;
use warnings;
use Contract;
use File::Temp 'tempdir';

my $top = top_dir();
my $source = "$top/host-mediator";
my $dir = tempdir(CLEANUP => 1);

system('gcc', '-std=gnu11', '-g', '-O1', '-Wall', '-Wextra', '-Wshadow', '-Werror', '-D_GNU_SOURCE',
    '-fsanitize=address,undefined', '-fno-sanitize-recover=all', "-I$top/include", "-I$source",
    '-o', "$dir/engine", "$top/tests/mediator/engine.c", "$source/engine.c", "$source/memory.c", glob("$top/engine/*.c")) == 0
    or die 'gcc';
# the program prints TAP
exit(system("$dir/engine") ? 1 : 0);
