#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Incoming migration without a guest: D0 and D3hot, streams that are cut off, and
# machines that do not match the stream.
#
# Needs: setup-device device
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Device;
use DeviceState;

# An incoming migration does not reset the device: D0 is loaded over D3hot and vice
# versa, and BAR0 follows immediately
sub test_states {
    my ($place) = @_;
    my $dir = tempdir(CLEANUP => 1);
    for my $state (0, Device::D3HOT) {
        my $from = Device->with_queues($place, 0);
        change_state($from, $state);
        is $from->qtest->migrate("exec:cat >$dir/stream"), 'completed', "D$state: migrated";
        my $to = Device->with_queues($place, 0, '-incoming', 'defer');
        $to->config(Device::PMCSR, 2, Device::D3HOT - $state);
        $to->qtest->qmp('migrate-incoming', { uri => "exec:cat $dir/stream" });
        $to->qtest->poll('query-status', sub { $_[0]{status} ne 'inmigrate' });
        is_changed_state($to, $state);
    }
    return;
}

# Exit status and last line of output of a QEMU that reads a stream
sub feed {
    my ($command, @arguments) = @_;
    local $ENV{BUILD} = build_dir();
    my $output = join ' ', map { "'$_'" } 'timeout', 60,
        top_dir() . '/tests/lib/qemu-under-test', '-machine', 'pc-i440fx-7.2', '-accel', 'tcg',
        '-nodefaults', '-display', 'none', '-m', 4, @arguments, '-incoming', "exec:$command";
    my @lines = qx($output 2>&1 </dev/null);
    return ($? & 127 ? "signal $?" : $? >> 8, $lines[-1] // '');
}

sub test_refused {
    my $dir = tempdir(CLEANUP => 1);
    my @device = ('-device', 'vgpu-stub,addr=4');
    my $saved = Qtest->new('-machine', 'pc-i440fx-7.2', '-m', 4, @device);
    is $saved->migrate("exec:cat >$dir/stream"), 'completed', 'a stream is saved';
    my $stream = Qmp::slurp("$dir/stream");
    my $section = index $stream, '/vgpu-stub';
    my @cuts = (3, 40, $section - 8, map { $section + $_ } 4, 12, 20, 80, 270, 290, 304);
    for my $cut (@cuts) {
        my ($status, $line) = feed("head -c $cut $dir/stream", @device);
        is $status, 1, "cut at $cut: refused" or diag $line;
        like $line, qr/^qemu-system-x86_64: .*(?:load of migration failed|Not a migration stream)/,
            "cut at $cut: with a reason";
    }
    my ($status, $line) = feed("cat $dir/stream");
    is $status, 1, 'a machine without the device refuses';
    ($status, $line) = feed("cat $dir/stream", '-device', 'edu,addr=4');
    is $status, 1, 'a machine with another device refuses';
    ($status, $line) = feed("cat $dir/stream", '-device', 'vgpu-stub,addr=5');
    is $status, 1, 'a machine with the device in another slot refuses';
    return;
}

for my $place ('pc', 'q35', 'root port') {
    subtest $place => sub { test_states($place) };
}
subtest 'refused' => \&test_refused;

done_testing;
