#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What "make demo" prints once everything is built: a summary and a verdict that
# follows from it, and the whole transcript with -v.
#
# Needs: setup-demo guest
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Files;

my $dir = tempdir(CLEANUP => 1);
my $log = build_dir() . '/log/demo.log';

sub demo {
    my ($options, %env) = @_;
    local @ENV{ 'BUILD', keys %env } = (build_dir(), values %env);
    my $output = qx('${\ top_dir()}/tests/guest/demo' $options \$(date +%s) 2>&1 </dev/null);
    return ($? >> 8, $output);
}

# An emulator that is given edu wherever vgpu-stub was asked for
sub emulator_without_device {
    open my $script, '>', "$dir/qemu" or die "$dir/qemu: $!";
    print $script <<'SHELL';
#!/bin/bash
exec qemu-system-x86_64 "${@/vgpu-stub/edu}"
SHELL
    close $script or die $!;
    chmod 0755, "$dir/qemu";
    return "$dir/qemu";
}

my ($status, $output) = demo('');
is $status, 0, 'the exit status is 0';
like $output, qr/^    00:01\.0 Processing accelerators: Red Hat, Inc\. Device 1111/m, "lspci's lines";
like $output, qr/^    version = 1\.0$/m, "the driver's sysfs files";
unlike $output, qr/^00: |PASS/m, 'no dump and no single checks';
my ($checks) = read_file($log) =~ /all (\d+) checks passed/;
my ($passed, $total) = (0, 0);
while ($output =~ /(\d+) of +(\d+) passed$/mg) {
    $passed += $1;
    $total += $2;
}
is "$passed of $total", "$checks of $checks", 'every check is in a group';
like $output, qr/^demo: success: the device was seen, driven and validated \(\d+ s in all\)$/m,
    'the verdict';

($status, $output) = demo('-v');
is $status, 0, '-v: the exit status is 0';
like $output, qr/^00: f4 1a 11 11 /m, '-v: the dump';
is scalar(() = $output =~ /^\s+PASS /mg), $checks, '-v: every check';

($status, $output) = demo('', QEMU_VGPU => emulator_without_device());
is $status, 1, 'without the device the exit status is 1';
like $output, qr/^demo: FAILED: .*; the transcript is \Q$log\E$/m, '... and one line says so';
unlike $output, qr/demo: success/, '... and there is no success';

done_testing;
