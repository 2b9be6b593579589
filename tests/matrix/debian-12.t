#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Build the driver, with warnings as errors, for each kernel in tests/setup/kernels that
# uses Debian 12's compiler, and run tests/guest/lifecycle.t with it; "make check" does
# that for the kernel of "make guest". tests/matrix/run runs more tests, on all kernels.
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
is scalar @names, 7, 'the table lists seven such kernels';

# Print the commands' output if they fail
sub succeeds {
    my ($what, $command) = @_;
    my $output = qx(exec 2>&1; $command);
    return ok($? == 0, $what) || diag $output;
}

for my $name (@names) {
    my $guest = "$ENV{BUILD}/guests/$name";
    succeeds("$name: build the driver and a guest", "kernel=\$('$top/tests/setup/kernel' $name) &&"
        . " '$top/tests/guest/build-guest' \"\$kernel\" '$guest'") or next;
    next if abs_path("$guest/vmlinux") eq abs_path("$ENV{BUILD}/guest/vmlinux");
    local $ENV{GUEST} = $guest;
    succeeds("$name: lifecycle.t passes", "prove -I'$top/tests/lib' '$top/tests/guest/lifecycle.t'");
}

done_testing;
