#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The driver built, with warnings as errors, for each kernel of tests/setup/kernels
# that Debian 12's own compiler builds modules for, and its life cycle in a guest that
# boots it; for the kernel of "make guest", tests/guest/lifecycle.t tests that.
# tests/matrix/run does more of each, and the other kernels.
#
# Needs: setup-demo setup-chroot guest
# Slow: downloads and boots seven kernels
use strict;
use warnings;
use Cwd 'abs_path';
use Test::More;
use Contract;

$ENV{BUILD} = build_dir();
my $top = top_dir();
open my $kernels, '<', "$top/tests/setup/kernels" or die "kernels: $!";
my @names = map { /^(\S+) .* bookworm-modules / ? $1 : () } <$kernels>;
is scalar @names, 7, 'the table of kernels is read';

# What the commands print is told where they fail
sub succeeds {
    my ($what, $command) = @_;
    my $output = qx(exec 2>&1; $command);
    return ok($? == 0, $what) || diag $output;
}

for my $name (@names) {
    my $guest = "$ENV{BUILD}/guests/$name";
    succeeds("$name: built", "kernel=\$('$top/tests/setup/kernel' $name) &&"
        . " '$top/tests/guest/build-guest' \"\$kernel\" '$guest'") or next;
    next if abs_path("$guest/vmlinux") eq abs_path("$ENV{BUILD}/guest/vmlinux");
    local $ENV{GUEST} = $guest;
    succeeds("$name: the life cycle in a guest", "prove -I'$top/tests/lib' '$top/tests/guest/lifecycle.t'");
}

done_testing;
