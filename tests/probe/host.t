#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-probe host: which QEMU has the device, and the logs of libxl, libvirt and Xen. The
# logs, /proc and xl are stand-ins. host-machines.t tests finding running machines.
#
# Needs: setup-demo setup-probe device tools
use strict;
use warnings;
use File::Copy 'copy';
use File::Path 'make_path';
use JSON::PP;
use POSIX 'mkfifo';
use Test::More;
use Contract;
use Probe;

my $preloaded = build_dir() . '/device/qemu-vgpu-stub';
my $plain = '/usr/bin/qemu-system-x86_64';
my $root = scratch_dir() . '/root';

# The result of each check and its finding
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

# A process in the stand-in for /proc; its executable is the installed QEMU
sub plant_process {
    my ($pid, @arguments) = @_;
    plant("/proc/$pid/cmdline", join '', map { "$_\0" } @arguments);
    symlink $plain, "$root/proc/$pid/exe";
    return;
}

# which QEMU
$ENV{VGPU_PROBE_ROOT} = $root;
make_path("$root/proc");
is host($preloaded)->{'host-compiled'}, "pass: $preloaded", 'a QEMU with the device';
is host($plain)->{'host-compiled'}, "fail: not in $plain", 'one without it';
like host('/no/such')->{'host-compiled'}, qr/^unknown: .* exits with 127$/, 'no such QEMU: unknown';
my $slow = write_file(scratch_dir() . '/slow', "#!/bin/sh\nexec sleep 60\n");
chmod 0755, $slow;
like host($slow)->{'host-compiled'}, qr/^unknown: .* exits with 124$/, 'one that hangs is killed';
{
    # outside the tree in which it was built
    my $copy = scratch_dir() . '/vgpu-probe';
    copy(probe_path(), $copy) or die $!;
    chmod 0755, $copy;
    local $ENV{PROBE} = $copy;
    is host()->{'host-compiled'}, "fail: not in $plain", 'none is named: the installed one';
    local $ENV{PATH} = build_dir() . "/device:$ENV{PATH}";
    is host()->{'host-compiled'}, "pass: $preloaded", 'qemu-vgpu-stub in PATH';
}
is host()->{'host-compiled'}, "pass: $preloaded", 'qemu-vgpu-stub in the tree in which the tool was built'
    unless $ENV{PROBE};

# a plain host
is host()->{'host-running'}, 'fail: no QEMU is running', 'no machine';
plant_process(8, 'qemu', '-device', 'vgpu-stub2');
is host()->{'host-running'}, 'fail: with it: 0, without: 1', 'a device whose name only begins like ours';
plant_process(8, 'qemu', '-device', 'vgpu-stubb', '-device', 'vgpu-stu', '-name', 'vgpu-stub');
is host()->{'host-running'}, 'fail: with it: 0, without: 1', 'devices whose names are only like ours';
plant_process(8, 'qemu', '-device', 'vgpu-stub');
is host($preloaded)->{status}, 0, 'a plain host without logs: all passed';
is host($preloaded)->{'host-logs'}, 'pass: logs: 0, of machines that are gone: 0, not readable: 0', 'no log is not a fault';
{
    my $copy = scratch_dir() . '/vgpu-probe';
    local $ENV{PROBE} = $copy;
    is host()->{'host-compiled'}, "pass: $plain, in process 8", 'the QEMU of a running machine with the device';
}

# logs
my $good = 'pass: logs: 2, of machines that are gone: 0, not readable: 0';
my $xl_log = '/var/log/xen/qemu-dm-vm.log';
plant($xl_log, "char device redirected to /dev/pts/2 (label serial0)\n");
my $libvirt_log = '/var/log/libvirt/qemu/vm.log';
my $start = "2026-11-24 01:00:00.000+0000: starting up libvirt version: 9.0.0\n"
    . "LC_ALL=C /usr/bin/qemu-system-x86_64 -device vgpu-stub,addr=1e\n";
plant($libvirt_log, $start);
is host($plain)->{'host-logs'}, $good, 'logs without a complaint';
my $complaint = "qemu-system-x86_64: -device vgpu-stub,foo=1: Property not found\e[31m\n";
plant($libvirt_log, $start . $complaint);
is host($plain)->{'host-logs'}, 'fail: ' . ($complaint =~ s/\e/?/r =~ s/\n//r),
    'a complaint is reported, without control characters';
plant($libvirt_log, $start . $complaint . $start);
is host($plain)->{'host-logs'}, $good, 'one from an earlier start is ignored';
plant($xl_log, "qemu: 'vgpu-stubb' is not a valid device model name\n");
like host($plain)->{'host-logs'}, qr/^fail: .*'vgpu-stubb' is not a valid/, 'a wrong name is reported';
plant($xl_log, "vgpu-stub: bad write at 0x0, 4 bytes: read-only register\n");
like host($plain)->{'host-logs'}, qr/^fail: vgpu-stub: bad write/, 'a bad access is reported';

# logs of a machine that is not running
my $yesterday = time - 25 * 60 * 60;
utime $yesterday, $yesterday, "$root$xl_log" or die $!;
is host($plain)->{'host-logs'}, 'pass: logs: 1, of machines that are gone: 1, not readable: 0',
    "yesterday's complaint, about a machine that is not running";
plant_process(9, 'qemu', '-name', 'vm2');
is host($plain)->{'host-logs'}, 'pass: logs: 1, of machines that are gone: 1, not readable: 0', 'another machine runs';
plant_process(9, 'qemu', '-name', 'guest=vm,debug-threads=on');
like host($plain)->{'host-logs'}, qr/^fail: vgpu-stub: bad write/, 'the machine still runs';
unlink "$root$xl_log";

# files that are not logs
mkfifo("$root/var/log/libvirt/qemu/fifo.log", 0600) or die $!;
mkfifo("$root/var/log/xen/qemu-dm-fifo.log", 0600) or die $!;
make_path("$root/var/log/libvirt/qemu/folder.log");
symlink '/no/such', "$root/var/log/libvirt/qemu/link.log";
symlink '/dev/zero', "$root/var/log/libvirt/qemu/zero.log";
plant('/var/log/xen/qemu-dm-', $complaint);
plant('/var/log/xen/qemu-dm-vm.log.1', $complaint);
plant('/var/log/xen/xl-vm.log', $complaint);
{
    local $SIG{ALRM} = sub { die "vgpu-probe hangs\n" };
    alarm 20;
    is host($plain)->{'host-logs'}, 'pass: logs: 1, of machines that are gone: 0, not readable: 0',
        'FIFOs, directories, dangling links, devices and other names are ignored';
    alarm 0;
}

# files that this user may not read
SKIP: {
    skip 'needs root, to become another user', 2 if $>;
    my $copy = scratch_dir() . '/vgpu-probe';
    chmod 0755, scratch_dir(), $root;
    my @nobody = ('setpriv', '--reuid=nobody', '--clear-groups', '--inh-caps=-all', $copy, '--json', 'host', $plain);
    chmod 0, "$root$libvirt_log";
    like +(run_command(@nobody))[1], qr/not readable: 1/, 'a log that may not be read';
    chmod 0, "$root/var/log/libvirt";
    my ($status, $out) = run_command(@nobody);
    like $out, qr/"result": "unknown",[^{}]*"found": "logs: 0, [^"]*not readable: 1"/, 'a directory that may not be read: unknown';
    chmod 0755, "$root/var/log/libvirt";
}

# Xen
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
    like host($plain)->{'host-xen'}, qr/^unknown: /, 'xl fails: unknown';
}
{
    local $ENV{VGPU_PROBE_ROOT} = "$root/no/such";
    is host($plain)->{'host-running'}, 'unknown: no /proc', 'no /proc: unknown';
}

# forms of the output
my ($status, $out) = run_probe('host', $plain);
is $status, 1, 'exit status';
like $out, qr/^\tFAIL    -     device in QEMU .*\n\t {14}build it in/m, 'text: with advice';
like $out, qr/\A\tprocess 8 +\(no name\) +with vgpu-stub\n\tprocess 9 +vm +without\n/, 'text: the machines';
($status, $out) = run_probe('--tap', 'host', $plain);
like $out, qr/^# process 9 +vm +without\n(?:ok|not ok) 1/m, 'TAP: the machines';
for my $form ('--tap', '--quiet') {
    ($status, $out) = run_probe($form, 'host', $plain);
    like $out, qr/host-compiled/, "$form names the check";
}
my @bad = (['one', 'more'], ['-F', 'x'], ['-s', '1'], ['-d', ':'], ['--mmio']);
for my $bad (@bad) {
    my ($code, undef, $err) = run_probe('host', @$bad);
    is "$code " . ($err =~ tr/\n//), '2 1', "host @$bad: one line";
}

# the lists of checks include the host's
my $listed = (run_probe('--list-checks'))[1];
my @ids = map { $_->{id} } @{ decode_json((run_probe('--json', 'host', $plain))[1])->{host}{checks} };
is_deeply [grep { $listed !~ /^$_\terror\thost\t/m } @ids], [], '--list-checks has the checks of the host';
my $page = read_file(build_dir() . '/tools/vgpu-probe.8');
is_deeply [grep { $page !~ /^\.It Cm \Q$_\E Pq host$/m } @ids], [], 'and so has the manual page';

done_testing;
