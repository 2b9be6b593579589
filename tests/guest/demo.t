#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The output of "make demo" once everything is built: a summary with the right result,
# and the complete transcript with -v.
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

# An emulator that replaces vgpu-stub with edu in its arguments
sub emulator_without_device {
    open my $script, '>', "$dir/qemu" or die "$dir/qemu: $!";
    print $script <<'SHELL';
#!/bin/bash
exec qemu-system-x86_64 "${@/vgpu-stub*/edu}"
SHELL
    close $script or die $!;
    chmod 0755, "$dir/qemu";
    return "$dir/qemu";
}

my ($status, $output) = demo('');
is $status, 0, 'exit status';
like $output, qr/^    00:01\.0 Processing accelerators: Red Hat, Inc\. Device 1111/m, 'prints the output of lspci';
like $output, qr/^    version = 1\.1$/m, "prints the driver's sysfs files";
like $output, qr/^    verified: all 200 results are correct$/m, 'prints the output of vgpu-run';
unlike $output, qr/^00: |PASS/m, 'prints no dump and no individual checks';
my ($checks) = read_file($log) =~ /all (\d+) checks passed/;
my ($passed, $total) = (0, 0);
while ($output =~ /(\d+) of +(\d+) passed$/mg) {
    $passed += $1;
    $total += $2;
}
is "$passed of $total", "$checks of $checks", 'the groups count every check';
like $output, qr/^demo: success: the driver is bound, vgpu-probe passed, copies are verified \(\d+ s in total\)$/m,
    'reports success';

# Addresses and measurements differ, and so do the words of lspci's versions
sub comparable {
    my ($text) = @_;
    return map { s/^\s+//r =~ s/ at [0-9a-f]+ / at ADDRESS /r =~ s/, MSI 00$|, IntMsgNum 0$//r
            =~ s/[\d.]+ (s|us|commands\/s|MB\/s)\b/N $1/gr }
        split /\n/, $text;
}

my ($shown) = read_file(top_dir() . '/README.md') =~ /It ends with:\n\n(.*?)\n\nThe second command/s;
my %printed = map { $_ => 1 } comparable($output);
is_deeply [grep { !$printed{$_} && $_ ne '...' } comparable($shown)], [], 'the README shows what is printed';

($status, $output) = demo('-v');
is $status, 0, '-v: exit status';
like $output, qr/^00: f4 1a 11 11 /m, '-v: prints the dump';
is scalar(() = $output =~ /^\s+PASS /mg), $checks, '-v: prints every check';

($status, $output) = demo('', QEMU_VGPU => emulator_without_device());
is $status, 1, 'without the device: exit status';
like $output, qr/^demo: FAILED: .*; see the transcript in \Q$log\E$/m, '... reports the failure in one line';
unlike $output, qr/demo: success/, '... and does not report success';

done_testing;
