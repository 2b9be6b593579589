#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The engine, which QEMU and the mediator's worker share, with a host that maps a few bytes
# at a time and checks what the engine does with its functions: statuses and their order,
# data in pieces, registered buffers, and a second back end. Sanitizers watch.
#
# Needs: setup-test
use strict;
use warnings;
use Contract;
use File::Temp 'tempdir';

my $top = top_dir();
my $dir = tempdir(CLEANUP => 1);

system('gcc', '-std=gnu11', '-g', '-O1', '-Wall', '-Wextra', '-Wshadow', '-Werror', '-D_GNU_SOURCE',
    '-Wno-missing-field-initializers', '-fsanitize=address,undefined', '-fno-sanitize-recover=all',
    "-I$top/include", "-I$top/tests/engine", '-o', "$dir/engine", glob("$top/tests/engine/*.c $top/engine/*.c")) == 0
    or die 'gcc';
# the program prints TAP
exit(system("$dir/engine") ? 1 : 0);
