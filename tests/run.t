#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/run: which tests it runs, in which order, and which targets it builds for them.
# make and prove are stand-ins that print their arguments.
#
# Needs: setup-test
use strict;
use warnings;
use File::Find;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Needs;

my $dir = tempdir(CLEANUP => 1);

for my $program ('make', 'prove') {
    open my $script, '>', "$dir/$program" or die "$dir/$program: $!";
    print $script qq(#!/bin/sh\necho "$program \$*"\n);
    close $script or die $!;
    chmod 0755, "$dir/$program";
}

# Return the exit status, the targets, the tests, and any other output
sub run_tests {
    local @ENV{ 'BUILD', 'PATH', 'MAKE', 'JOBS' } = ($dir, "$dir:$ENV{PATH}", 'make', 3);
    my $output = qx('${\ top_dir()}/tests/run' @_ 2>&1);
    my ($targets) = $output =~ s/^make -s --no-print-directory (.*)\n//m ? $1 : '';
    my ($tests) = $output =~ s/^prove .* -Itests\/lib (.*)\n//m ? $1 : '';
    return ($? >> 8, $targets, [split ' ', $tests], $output);
}

sub all_tests {
    my @tests;
    chdir top_dir() or die $!;
    find({ no_chdir => 1, wanted => sub { push @tests, $_ if /\.t$/ } }, 'tests');
    @tests = sort @tests;
    return @tests;
}

my @all = all_tests();
my (undef, $fast_targets, $fast) = run_tests('fast');
my (undef, $slow_targets, $slow) = run_tests('slow');
is_deeply [sort @$fast, @$slow], \@all, 'each test is either fast or slow';
for my $target ('qemu', 'setup-chroot') {
    unlike " $fast_targets ", qr/ $target /, "the fast tests do not need the slow target '$target'";
    like " $slow_targets ", qr/ $target /, "the slow tests need '$target'";
}

# Only the named tests
my ($status, $targets, $tests) = run_tests('tests/spec');
is $status, 0, 'a directory: exit status';
is $targets, 'setup-test', 'a directory: builds the targets its tests need';
is_deeply $tests, [sort glob 'tests/spec/*.t'], 'a directory: runs its tests';
(undef, $targets, $tests) = run_tests('tests/spec/spec.t tests/qtest/device.t');
is $targets, 'setup-device setup-test device', 'two files: installs packages first';
is_deeply $tests, ['tests/qtest/device.t', 'tests/spec/spec.t'], 'two files: runs both';

# In the format of prove --state=save
open my $state, '>', "$dir/prove-state" or die $!;
print $state map { "  tests/$_->[0]:\n    elapsed: $_->[1]\n    gen: 1\n" } ['qtest/device.t', '2.5'],
    ['spec/config.t', '10.0'], ['spec/spec.t', '0.5'];
close $state or die $!;
(undef, undef, $tests) = run_tests('tests/spec/config.t tests/spec/spec.t tests/qtest/device.t');
is_deeply $tests, [map { "tests/$_" } 'spec/config.t', 'qtest/device.t', 'spec/spec.t'],
    'the longest test runs first';

for (['tests/no-such', 'no such file or directory: tests/no-such'], ['tests/lint', "no test in 'tests/lint'"]) {
    ($status, $targets, $tests, my $said) = run_tests($_->[0]);
    is $status, 1, "$_->[0]: exit status";
    is $said, "tests/run: $_->[1]\n", "$_->[0]: prints one line";
    is "$targets@$tests", '', "$_->[0]: builds and runs nothing";
}

# A test run on its own, with a needed target missing
my @lines = do {
    local $ENV{BUILD} = "$dir/empty";
    qx('$^X' -Itests/lib tests/qtest/device.t 2>&1);
};
is $? >> 8, 1, 'without the device: exit status';
is_deeply [sort @lines], ["# tests/qtest/device.t needs $dir/empty/device/qemu-vgpu-stub: "
        . "run 'make setup-device device'\n", "1..1\n", "not ok 1 - runs\n"],
    'without the device: fails once and names the make targets to run';

done_testing;
