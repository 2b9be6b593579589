#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-probe host: real QEMUs with and without the device, a running one, and logs
# as libxl and libvirt leave them. Of Xen there is a stand-in for xl.
#
# Needs: setup-demo setup-probe device tools
use strict;
use warnings;
use File::Path 'make_path';
use JSON::PP;
use Test::More;
use Contract;
use Probe;
use Qtest;

my $preloaded = build_dir() . '/device/qemu-vgpu-stub';
my $plain = '/usr/bin/qemu-system-x86_64';
my $root = scratch_dir() . '/root';

# The result of each check, and what was found
sub host {
    my (@arguments) = @_;
    my ($status, $out, $err) = run_probe('--json', 'host', @arguments);
    my $json = decode_json($out);
    return { status => $status, err => $err,
        map { ($_->{id} => "$_->{result}: $_->{found}") } @{ $json->{host}{checks} } };
}

sub plant {
    my ($path, $text) = @_;
    make_path("$root$path" =~ s{/[^/]*$}{}r);
    return write_file("$root$path", $text);
}

is host($preloaded)->{'host-compiled'}, "pass: $preloaded", 'a QEMU that has the device';
is host($plain)->{'host-compiled'}, "fail: not in $plain -device help", 'one that has it not';
like host('/no/such')->{'host-compiled'}, qr/^unknown: .* ends with 127$/, 'no QEMU is unknown';
my $slow = write_file(scratch_dir() . '/slow', "#!/bin/sh\nexec sleep 60\n");
chmod 0755, $slow;
like host($slow)->{'host-compiled'}, qr/^unknown: .* ends with 124$/, 'one that hangs is left';

$ENV{VGPU_PROBE_ROOT} = $root;
my $other = join("\0", 'qemu', '-device', 'vgpu-stubb', '-name', 'vgpu-stub') . "\0";
plant('/proc/7/cmdline', $other);
is host($plain)->{'host-running'}, 'fail: processes: 0', 'another device is not ours';
for my $argument ('vgpu-stub', 'vgpu-stub,addr=1e', '{"driver":"vgpu-stub","addr":"0x1e"}') {
    plant('/proc/8/cmdline', join("\0", 'qemu', '-device', $argument) . "\0");
    is host($plain)->{'host-running'}, 'pass: processes: 1', "-device $argument";
}
plant('/proc/9/cmdline', join("\0", '/usr/bin/timeout', '9', 'qemu', '-device', 'vgpu-stub') . "\0");
is host($plain)->{'host-running'}, 'pass: processes: 1', 'what waits for QEMU is not counted';
is host($plain)->{'host-logs'}, 'unknown: no log', 'no log is unknown';

my $xl_log = '/var/log/xen/qemu-dm-vm.log';
plant($xl_log, "char device redirected to /dev/pts/2 (label serial0)\n");
my $libvirt_log = '/var/log/libvirt/qemu/vm.log';
my $start = "2026-11-24 01:00:00.000+0000: starting up libvirt version: 9.0.0\n"
    . "LC_ALL=C /usr/bin/qemu-system-x86_64 -device vgpu-stub,addr=1e\n";
plant($libvirt_log, $start);
is host($plain)->{'host-logs'}, 'pass: logs: 2, not readable: 0', 'logs without a complaint';
my $complaint = "qemu-system-x86_64: -device vgpu-stub,foo=1: Property not found\e[31m\n";
plant($libvirt_log, $start . $complaint);
is host($plain)->{'host-logs'}, 'fail: ' . ($complaint =~ s/\e/?/r =~ s/\n//r),
    'a complaint is told, without what a terminal obeys';
plant($libvirt_log, $start . $complaint . $start);
is host($plain)->{'host-logs'}, 'pass: logs: 2, not readable: 0', 'one of an earlier start is past';
plant($xl_log, "qemu: 'vgpu-stubb' is not a valid device model name\n");
like host($plain)->{'host-logs'}, qr/^fail: .*'vgpu-stubb' is not a valid/, 'a wrong name is told';
plant($xl_log, "vgpu-stub: bad write at 0x0, 4 bytes: read-only register\n");
like host($plain)->{'host-logs'}, qr/^fail: vgpu-stub: bad write/, 'a bad access is told';

is host($plain)->{'host-xen'}, undef, 'without Xen there is no check of it';
make_path("$root/proc/xen");
my $bin = scratch_dir() . '/bin';
make_path($bin);
{
    local $ENV{PATH} = "$bin:$ENV{PATH}";
    for (["(XEN) d1v0 Triple fault - invoking HVM shutdown", qr/^fail: .*Triple fault/],
        ["(XEN) Dom0 has maximum 2 VCPUs", qr/^pass: nothing$/]) {
        chmod 0755, write_file("$bin/xl", "#!/bin/sh\necho '$_->[0]'\n");
        like host($plain)->{'host-xen'}, $_->[1], "xl dmesg: $_->[0]";
    }
    chmod 0755, write_file("$bin/xl", "#!/bin/sh\nexit 1\n");
    like host($plain)->{'host-xen'}, qr/^unknown: /, 'xl that fails is unknown';
}

delete $ENV{VGPU_PROBE_ROOT};
my $qtest = Qtest->new('-machine', 'pc', '-device', 'vgpu-stub');
like host($preloaded)->{'host-running'}, qr/^pass: processes: [1-9]/, 'a machine that runs is seen';
$qtest->quit;

my ($status, $out) = run_probe('host', $plain);
is $status, 1, 'what fails is the exit status';
like $out, qr/^\tFAIL    -     device in QEMU .*\n\t {14}build it in/m, 'text: with advice';
for my $form ('--tap', '--quiet') {
    ($status, $out) = run_probe($form, 'host', $plain);
    like $out, qr/host-compiled/, "$form names the check";
}
my @bad = (['one', 'more'], ['-F', 'x'], ['-s', '1'], ['-d', ':'], ['--mmio']);
for my $bad (@bad) {
    my ($code, undef, $err) = run_probe('host', @$bad);
    is "$code " . ($err =~ tr/\n//), '2 1', "host @$bad: one line";
}

done_testing;
