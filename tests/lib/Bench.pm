# SPDX-License-Identifier: GPL-2.0-or-later
#
# Helpers for the benchmarks:
#
#   my $median = report('what', 'us', 0, @values);      print a line
#   my $same = median(@values);
#   report('its peer', 'us', $median, @values);         with the ratio $median / peer
#   my $values = in_turns($rounds, \&measure, @cases);      measure each case once a round;
#                   a case is a reference to measure's arguments, which returns a hash
#   my @medians = compare($what, $unit, $figure, $values, \%titles, @cases);    print a
#                   group of lines; $case->[0] is the key of the title
#   my $count = depth_for($size);   requests of this size to have in flight: up to 16, and
#                   no more than 64 MiB
#   size_name($size)                as in "64 KiB"
#   latency();      print BAR0 access latencies of the device and its peers
#   my $vm = bench_vm('program', @qemu_arguments);      a Vm with tests/bench/program.c
#
# A line has the median, the quartiles and, for a peer, the ratio.
#
# Environment:
#   ROUNDS   rounds of latency(), default 101
package Bench;

use strict;
use warnings;
use Contract;
use Exporter 'import';
use File::Path 'make_path';
use Vm;

our @EXPORT = qw(report median in_turns compare depth_for size_name latency bench_vm);

sub quantile {
    my ($q, @sorted) = @_;
    return $sorted[int($q * $#sorted + 0.5)];
}

sub median { return quantile(0.5, sort { $a <=> $b } @_) }

sub report {
    my ($what, $unit, $peer, @values) = @_;
    my @sorted = sort { $a <=> $b } @values;
    my $median = quantile(0.5, @sorted);
    printf "%-38s %10.4g %s  (%.4g to %.4g)%s\n", $what, $median, $unit,
        quantile(0.25, @sorted), quantile(0.75, @sorted),
        $peer ? sprintf('  %.2f times', $median / $peer) : '';
    return $median;
}

# The values of all rounds, by case and figure
sub in_turns {
    my ($rounds, $measure, @cases) = @_;
    my %values;
    for my $round (1 .. $rounds) {
        print STDERR "round $round of $rounds, " . @cases . " measurements\n";
        for my $case (@cases) {
            my $result = $measure->(@{$case});
            push @{ $values{"@{$case}"}{$_} }, $result->{$_} for keys %{$result};
        }
    }
    return \%values;
}

sub compare {
    my ($what, $unit, $figure, $values, $titles, @cases) = @_;
    my $own = 0;
    my @medians;
    for my $case (@cases) {
        push @medians, report("$what$titles->{$case->[0]}", $unit, $own, @{ $values->{"@{$case}"}{$figure} });
        $own ||= $medians[0];
    }
    print "\n";
    return @medians;
}

sub depth_for {
    my ($size) = @_;
    my $fitting = (64 << 20) / $size;
    return $fitting < 16 ? $fitting : 16;
}

sub size_name {
    my ($size) = @_;
    return $size < 1 << 20 ? ($size >> 10) . ' KiB' : ($size >> 20) . ' MiB';
}

# The test guest with a program of tests/bench added
sub bench_vm {
    my ($program, @arguments) = @_;
    my $guest = build_dir() . '/bench';
    make_path($guest);
    local $ENV{BUILD} = build_dir();
    system('gcc', '-O2', '-Wall', '-Werror', '-static', '-o', "$guest/$program",
        top_dir() . "/tests/bench/$program.c") == 0 or die "cannot build $program";
    system(top_dir() . '/tests/guest/add-programs', "$guest/guest", "$guest/$program") == 0
        or die 'cannot pack the guest';
    local $ENV{GUEST} = "$guest/guest";
    return Vm->new('-machine', 'pc', @arguments);
}

# Each target is a register that can be written, if the device has one. An access
# through the driver costs a system call, the access itself and the driver's read of the
# magic number. A BAR with a driver bound cannot be mapped, hence the second vgpu-stub.
my $sys = '/sys/bus/pci/devices/0000:00';
my @targets = (
    ['vgpu-stub, mapped', "$sys:04.0/resource0", contract('REG_SCRATCH')],
    ['vgpu-stub, through its driver', "$sys:07.0/vgpu_stub/scratch"],
    ['edu, mapped', "$sys:05.0/resource0", 0x04],
    ['pci-testdev, mapped', "$sys:06.0/resource0", 0x04],
);

sub latency {
    my $rounds = $ENV{ROUNDS} // 101;
    my $vm = bench_vm('bar-latency', map { ('-device', $_) } 'vgpu-stub,addr=4',
        'edu,addr=5', 'pci-testdev,addr=6', 'vgpu-stub,addr=7');
    $vm->run("echo 0000:00:04.0 >$sys:04.0/driver/unbind");
    $vm->run("echo 1 >$sys:0$_.0/enable") for 4, 5, 6;
    my $arguments = join ' ', map { "$_->[1]" . (defined $_->[2] ? "=$_->[2]" : '') } @targets;
    my ($status, @lines) = $vm->run("bar-latency $rounds 2000 $arguments");
    die "bar-latency: @lines" if $status;
    $vm->end;
    my %times;
    /^(\d) (read|write) ([\d.]+)$/ and push @{ $times{$2}[$1] }, $3 / 1000 for @lines;
    for my $kind ('read', 'write') {
        my $own = 0;
        for my $i (0 .. $#targets) {
            my $median = report("$kind, $targets[$i][0]", 'us', $own, @{ $times{$kind}[$i] });
            $own ||= $median;
        }
    }
    return;
}

1;
