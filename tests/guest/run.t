#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-run in a booted guest, with a device on pc, on q35, behind a root port and behind an
# IOMMU that translates its addresses: each operation, sizes and depths, all results
# verified. And what it says if there is no device, no driver, no queue, no permission, no
# memory.
#
# Needs: setup-demo setup-probe guest
use strict;
use warnings;
use JSON::PP;
use Test::More;
use Contract;
use Files;
use Guest;

my %buses = (
    pc => ['-machine', 'pc', '-device', 'vgpu-stub,queues=1,addr=3'],
    express_machine() => ['-machine', express_machine(), '-device', 'vgpu-stub,queues=4,addr=3'],
    'root port' => ['-machine', express_machine(), '-device', 'pcie-root-port,id=rp0,chassis=1',
        '-device', 'vgpu-stub,queues=1,bus=rp0'],
);
delete $buses{pc} if express_machine() ne 'q35';
my $guest;

sub lines { my (undef, @lines) = $guest->command(@_); return @lines }
sub status { my ($status) = $guest->command(@_); return $status }

# The lines that a command ends with, and its exit status
sub says {
    my ($command, $expected, @texts) = @_;
    my ($status, @lines) = $guest->command($command);
    is_deeply [$status, @lines], [$expected, @texts], "$command: says so";
    return;
}

my $schema = top_dir() . '/guest-tools/vgpu-run/vgpu-run.schema.json';

sub matches_schema {
    my ($what, $text) = @_;
    open my $python, '|-', 'python3', '-c', <<'PYTHON', $schema or die $!;
import json, sys, jsonschema
jsonschema.validate(json.load(sys.stdin), json.load(open(sys.argv[1])))
PYTHON
    print {$python} $text;
    ok close $python, "$what: matches the schema";
    return;
}

my %factor = ('' => 1, K => 1024, M => 1024**2);

# vgpu-run OPERATION -v -j -s SIZE [-d DEPTH] -n COUNT
sub test_run {
    my ($command) = @_;
    my ($operation, $size, $suffix, $depth, $count) =
        $command =~ /^vgpu-run (\w+) -v -j -s (\d+)([KM]?)(?: -d (\d+))? -n (\d+)$/;
    my ($status, @lines) = $guest->command($command);
    my $json = eval { decode_json(join '', @lines) } // {};
    is_deeply [$status, @$json{qw(operation size depth commands verified error exit_status)}],
        [0, $operation, $operation eq 'nop' ? 0 : $size * $factor{$suffix}, $depth // 16, $count, $count, undef, 0],
        $command or diag @lines;
    my @latency = map { $json->{latency_us}{$_} // 0 } qw(min p50 p90 p99 max);
    is_deeply \@latency, [sort { $a <=> $b } @latency], '... its latencies rise';
    ok $latency[0] > 0 && $latency[4] / 1e6 <= $json->{seconds}, '... and are part of the time that it took';
    matches_schema($command, join '', @lines);
    return;
}

sub test_bus {
    $guest = boot('run', @_);
    $guest->good;
    my @runs = $guest->commands(qr/^vgpu-run .* -j /);
    is scalar @runs, 29, 'operations, sizes and depths';
    test_run($_) for @runs;
    my @text = lines('vgpu-run fill -v 2>/tmp/errors');
    like join("\n", @text), qr/\Afill: 1000 commands of 64 KiB, 16 in flight, .*^verified: all 1000 results are correct\z/ms,
        'the report as text';
    says('vgpu-run copy -q', 0);
    return;
}

my $start = 'start QEMU with -device vgpu-stub';

sub test_errors {
    my $nobody = sub { return "su nobody -s /bin/sh -c '$_[0]'" };
    $guest = boot('run-errors', '-machine', express_machine(), '-device', 'vgpu-stub,addr=3,queues=0',
        '-device', 'vgpu-stub,addr=4,queues=1');
    $guest->good;
    like read_file(top_dir() . '/guest-driver/60-vgpu-stub.rules'), qr/KERNEL=="vgpu_stub.*GROUP="render", MODE="0660"/,
        'the group that the scenario uses is that of the udev rule';
    my $denied = 'cannot open /dev/vgpu_stub0: Permission denied';
    says 'vgpu-run nop', 3, 'vgpu-run: the driver of 0000:00:03.0 is not loaded: run modprobe vgpu_stub as root';
    says $nobody->('vgpu-run copy'), 3, "vgpu-run: $denied; run as root, or install the driver's udev rule,"
        . ' which gives it to a group';
    my ($status, @lines) = $guest->command($nobody->('vgpu-run copy --json'));
    is $status, 3, 'the exit status as JSON';
    my $json = decode_json(join '', grep { !/^vgpu-run: / } @lines);
    is $json->{error}, "$denied; it is for members of the group render: run usermod -aG render USER as root,"
        . ' and log in again', 'a group may use it: JSON names the group';
    matches_schema('an error', encode_json($json));
    is +(lines($nobody->('vgpu-run copy --verify')))[-1], 'verified: all 1000 results are correct',
        'a member of the group uses it';
    says 'vgpu-run copy -D /dev/vgpu_stub1', 3, 'vgpu-run: cannot open /dev/vgpu_stub1: No such file or directory';

    says $nobody->('ulimit -l 1024; vgpu-run copy'), 2, 'vgpu-run: cannot allocate 1024 KiB for the device: no memory,'
        . ' or above the limit of locked memory, 1024 KiB (ulimit -l); try a smaller --size or --depth';
    says 'vgpu-run copy -s 1G -d 2', 2, 'vgpu-run: --size 1073741824 with --depth 2 needs buffers of 2147483648 bytes;'
        . ' the device accepts up to 1073741824';
    says "vgpu-run nop >$_->[0]", 2, "vgpu-run: cannot write to standard output: $_->[1]" for
        ['/dev/full', 'No space left on device'], ['&-', 'Bad file descriptor'];

    my ($lost) = $guest->commands(qr/^\(sleep/);
    ($status, @lines) = $guest->command($lost);
    is $status, 1, 'the device is removed during a run';
    like "@lines", qr/\Avgpu-run: (?:cannot \w+ .*: the device was removed, or its driver unbound|nop, command \d+: device was reset, suspended or removed \(status 0x10000\))\z/,
        '... and it says so';
    says 'vgpu-run nop; true', 0, "vgpu-run: 0000:00:03.0 has no queues: $start,queues=1";
    says 'vgpu-run nop; false', 1, 'vgpu-run: the driver is not bound to 0000:00:03.0: dmesg | grep vgpu may say why';
    says 'vgpu-run nop; test $? = 3', 0, "vgpu-run: this machine has no vgpu-stub device (1af4:1111): $start";
    return;
}

for my $bus (sort keys %buses) {
    subtest $bus => sub { test_bus(@{ $buses{$bus} }) };
}
# Debian has no IOMMU driver for the other architectures' machines built in
subtest 'behind an IOMMU' => sub {
    local $ENV{KERNEL_OPTIONS} = 'intel_iommu=on iommu=nopt iommu.strict=1';
    test_bus('-machine', 'q35', '-device', 'intel-iommu', '-device', 'vgpu-stub,queues=1,addr=3');
    my ($type) = lines('cat /sys/bus/pci/drivers/vgpu_stub/0*/iommu_group/type 2>/dev/null; true');
    is $type, 'DMA', 'its addresses are translated';
} if express_machine() eq 'q35';
subtest errors => \&test_errors;

done_testing;
