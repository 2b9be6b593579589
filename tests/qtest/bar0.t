#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Read and write BAR0 at each offset in each width. Any access other than an aligned
# 32-bit access to a register reads as zero, changes nothing, is counted once in
# BAD_ACCESS and logged once with operation, offset, width and reason.
#
# Needs: setup-device device
use strict;
use warnings;
no warnings 'portable';
use Test::More;
use Contract;
use Device;

my %registers = map { (contract("REG_$_") => $_) }
    qw(MAGIC VERSION FEATURES STATUS SCRATCH BAD_ACCESS);
my @widths = (1, 2, 4, 8);

sub fault {
    my ($operation, $offset, $width) = @_;
    return 'not 32 bits wide' if $width != contract('REG_SIZE');
    return 'misaligned' if $offset % contract('REG_SIZE');
    my $name = $registers{$offset} // return 'reserved offset';
    return 'read-only register' if $operation eq 'write' && $name ne 'SCRATCH';
    return '';
}

# The access, then reads of the two registers that hold state
sub commands {
    my ($operation, $offset, $width, $value) = @_;
    my $address = Device::BAR0_ADDRESS + $offset;
    return ($operation eq 'read' ? Qtest::read_command($address, $width)
                                 : Qtest::write_command($address, $width, $value),
        map { Qtest::read_command(Device::BAR0_ADDRESS + contract("REG_$_"), 4) }
            qw(BAD_ACCESS SCRATCH));
}

# Expected register values and log lines after the accesses so far
my (%state, @log);

sub expected {
    my ($operation, $offset, $width, $value) = @_;
    my $read = 0;
    my $fault = fault($operation, $offset, $width);
    if ($fault) {
        $state{BAD_ACCESS}++;
        push @log, sprintf 'vgpu-stub: bad %s at 0x%x, %u bytes: %s',
            $operation, $offset, $width, $fault;
    } elsif ($operation eq 'read') {
        $read = $state{ $registers{$offset} };
    } else {
        $state{SCRATCH} = $value;
    }
    return ($operation eq 'read' ? $read : '', @state{qw(BAD_ACCESS SCRATCH)});
}

# The first ten are enough to read
sub some { return join '; ', splice @_, 0, 10 }

sub test_accesses {
    my ($device, $operation, $width) = @_;
    my $last = contract('BAR0_SIZE') - $width;
    my $value = 0xa5c3e1f00f1e3c5a & ~0 >> 64 - 8 * $width;
    my (@commands, @expected, @wrong);
    for my $offset (0 .. $last) {
        push @commands, commands($operation, $offset, $width, $value);
        push @expected, [expected($operation, $offset, $width, $value)];
    }
    my @answers = $device->qtest->commands(@commands);
    for my $offset (0 .. $last) {
        my $answer = join ' ', map { $_ eq '' ? '' : hex } @answers[3 * $offset .. 3 * $offset + 2];
        push @wrong, sprintf '%#x: %s instead of %s', $offset, $answer, "@{ $expected[$offset] }"
            if $answer ne "@{ $expected[$offset] }";
    }
    is some(@wrong), '', "${operation}s of $width bytes";
    return;
}

sub test_log {
    my ($device) = @_;
    my @logged = grep { /^vgpu-stub:/ } split /\n/, $device->qtest->log;
    my @wrong = map { "$logged[$_] instead of " . ($log[$_] // 'nothing') }
        grep { $logged[$_] ne ($log[$_] // '') } 0 .. $#logged;
    is some(@wrong), '', 'the log lines are right';
    is @logged, @log, 'every bad access is logged once';
    return;
}

# SCRATCH keeps each bit, and the other registers do not change
sub test_scratch {
    my ($device) = @_;
    my @wrong;
    for my $value (0xffffffff, 0, map { (1 << $_, ~(1 << $_) & 0xffffffff) } 0 .. 31) {
        $device->reg_write(contract('REG_SCRATCH'), $value);
        push @wrong, sprintf '%#x', $value if $device->reg('SCRATCH') != $value;
    }
    is "@wrong", '', 'SCRATCH keeps each bit';
    is $device->reg($_), contract($_), "$_ does not change" for qw(MAGIC VERSION FEATURES STATUS BAD_ACCESS);
    return;
}

# With queues there are more registers, and the MSI-X table and its pending bits
sub with_queues {
    my ($queues) = @_;
    my %device = (CONTROL => 0, QUEUES => $queues, VECTORS => $queues + 1, COMMAND_SETS => 3,
        EVENT_VECTOR => contract('VECTOR_NONE'), EVENTS => 0, VERSION => contract('VERSION_QUEUES'),
        FEATURES => contract('FEATURE_QUEUES'),
        map { $_ => contract($_) } qw(QUEUE_SIZE_MAX LIST_MAX BUFFERS_MAX BUFFER_SEGMENTS_MAX
            SEGMENTS_MAX TRANSFER_MAX MAGIC STATUS SCRATCH));
    my %values = map { contract("REG_$_") => $device{$_} } keys %device;
    for my $queue (0 .. $queues - 1) {
        my $base = contract('WIN_QUEUE') + $queue * contract('QUEUE_STRIDE');
        $values{ $base + contract("QUEUE_$_") } = 0
            for qw(CONTROL STATUS SIZE SQ_LO SQ_HI CQ_LO CQ_HI INDEX_LO INDEX_HI);
        $values{ $base + contract('QUEUE_VECTOR') } = contract('VECTOR_NONE');
    }
    return %values;
}

sub is_msix {
    my ($offset, $width, $queues) = @_;
    my $end = $offset + $width;
    return $end > contract('MSIX_TABLE') && $offset < contract('MSIX_TABLE') + 16 * ($queues + 1)
        || $end > contract('MSIX_PBA') && $offset < contract('MSIX_PBA') + 8;
}

sub test_reads_with_queues {
    my ($queues) = @_;
    my $device = Device->with_queues('pc', $queues);
    $device->map_bar0;
    my %values = with_queues($queues);
    my (@wrong, $bad);
    for my $width (@widths) {
        my @offsets = grep { $_ != contract('REG_BAD_ACCESS') && !is_msix($_, $width, $queues) }
            0 .. contract('BAR0_SIZE') - $width;
        my @answers = $device->qtest->commands(
            map { Qtest::read_command(Device::BAR0_ADDRESS + $_, $width) } @offsets);
        for my $i (0 .. $#offsets) {
            my $value = $width == contract('REG_SIZE') ? $values{ $offsets[$i] } : undef;
            $bad++ unless defined $value;
            push @wrong, sprintf '%#x, width %d: %s', $offsets[$i], $width, $answers[$i]
                if hex $answers[$i] != ($value // 0);
        }
    }
    is some(@wrong), '', "$queues queues: every read of every width";
    is $device->reg('BAD_ACCESS'), $bad, "$queues queues: all others are bad accesses";
    return;
}

for my $place (Device::places()) {
    subtest $place => sub {
        my $device = Device->with_queues($place, 0);
        $device->map_bar0;
        %state = map { $_ => contract($_) } values %registers;
        @log = ();
        is $device->reg($_), contract($_), "$_ at reset" for sort values %registers;
        test_scratch($device);
        $device->reg_write(contract('REG_SCRATCH'), $state{SCRATCH} = 0x12345678);
        for my $width (@widths) {
            test_accesses($device, $_, $width) for qw(read write);
        }
        test_log($device);
        is $device->qtest->quit, 0, 'QEMU exits with 0';
    };
}

test_reads_with_queues($_) for 1, contract('QUEUES_MAX');

done_testing;
