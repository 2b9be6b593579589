#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# "make demo-mediator": two VMs use one mediator, one through shared memory and one through
# the socket; a worker is killed, and all data of both is right.
#
# Needs: setup-demo guest mediator
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Files;

my $log = build_dir() . '/log/mediator';

sub demo {
    my (%env) = @_;
    local @ENV{ 'BUILD', keys %env } = (build_dir(), values %env);
    my $output = qx('${\ top_dir()}/tests/guest/demo-mediator' \$(date +%s) 2>&1 </dev/null);
    return ($? >> 8, $output);
}

my ($status, $output) = demo();
is $status, 0, 'exit status' or diag $output;
like $output, qr/^killed process \d+, the worker of VM "shared", while both VMs copy$/m, 'a worker is killed';
for my $vm (qw(shared framed)) {
    my ($printed) = $output =~ /^VM "$vm" prints:\n\n(.*?)\n\n/ms;
    is scalar(() = ($printed // '') =~ /^    verified: all 4000 results are correct$/mg), 5,
        "VM $vm: five rounds are verified";
    like read_file("$log-$vm.log"), qr{/features:0x00000003\r?$}m, '... with a device that has a mediator';
    like $output, qr/^    $vm +1 +$vm /m, "... the table has its path";
}
like $output, qr/^    shared .* 2 +1 +\d+$/m, 'the table counts two workers of the first, and a crash';
like $output, qr/^demo-mediator: success: .* \(\d+ s in total\)$/m, 'reports success';

# Workers that cannot execute anything: the VMs' commands fail
my $dir = tempdir(CLEANUP => 1);
mkdir "$dir/mediator" or die $!;
mkdir "$dir/log" or die $!;
symlink build_dir() . "/$_", "$dir/$_" or die $! for qw(device guest);
open my $false, '>', "$dir/mediator/vgpu-mediator" or die $!;
print $false "#!/bin/sh\necho no >&2\nexit 1\n";
close $false or die $!;
chmod 0755, "$dir/mediator/vgpu-mediator" or die $!;
($status, $output) = demo(BUILD => $dir, DEMO_SECONDS => 2);
is $status, 1, 'without a mediator: exit status';
like $output, qr/^demo-mediator: FAILED: timeout waiting for the mediator's socket; see \S+-\*\.log$/m,
    '... reports the failure in one line';
unlike $output, qr/success/, '... and does not report success';

done_testing;
