#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every bit of configuration space matches the table in vgpu_stub_config.h, with
# and without queues, on each kind of bus: after each kind of reset, and after writing
# all ones, all zeros and single bits at each offset in each width.
#
# Needs: setup-device device
use strict;
use warnings;
use Test::More;
use Contract;
use Device;

# The rows of some classes as bytes: the mask of their bits, and the values
sub table_bytes {
    my ($device, @classes) = @_;
    my @mask = (0) x $device->config_size;
    my @value = @mask;
    for my $row ($device->rows) {
        next unless grep { $row->{class} eq $_ } @classes;
        for my $i (0 .. $row->{width} - 1) {
            $mask[$row->{offset} + $i] |= $row->{mask} >> 8 * $i & 0xff;
            $value[$row->{offset} + $i] |= $row->{value} >> 8 * $i & 0xff;
        }
    }
    return (\@mask, \@value);
}

# A model of configuration space: its bytes, the writable bits, the bits that writing
# 1 clears, and the bytes after a reset. Bits that depend on platform or version are
# taken from the device.
sub new_model {
    my ($device) = @_;
    my %model = (form => $device->form);
    @model{qw(guest guest_value)} = table_bytes($device, 'GUEST');
    @model{qw(error error_value)} = table_bytes($device, 'ERROR');
    my (undef, $value) = table_bytes($device, qw(FIXED GUEST ERROR));
    my ($own) = table_bytes($device, qw(PLATFORM VERSION));
    my $bytes = $device->config_bytes;
    $model{reset} = [map { $value->[$_] | $bytes->[$_] & $own->[$_] } 0 .. $#$value];
    $model{bytes} = [@{ $model{reset} }];
    return \%model;
}

sub model_write {
    my ($model, $offset, $width, $value) = @_;
    my $bytes = $model->{bytes};
    my $state = $bytes->[Device::PMCSR] & 3;
    for my $at ($offset .. $offset + $width - 1) {
        my $byte = $value >> 8 * ($at - $offset) & 0xff;
        my $guest = $model->{guest}[$at];
        $bytes->[$at] = $bytes->[$at] & ~$guest | $byte & $guest;
        $bytes->[$at] &= ~($byte & $model->{error}[$at]);
    }
    # writing D1 or D2 does not change the state
    $bytes->[Device::PMCSR] = $bytes->[Device::PMCSR] & ~3 | $state
        if ($bytes->[Device::PMCSR] & 3) =~ /[12]/;
    $model->{bytes} = [@{ $model->{reset} }]
        if starts_reset($model, $offset, $width, $value);
    return;
}

sub starts_reset {
    my ($model, $offset, $width, $value) = @_;
    my $at = Device::DEVCTL + 1;
    return $model->{form} ne 'CONVENTIONAL' && $offset <= $at && $at < $offset + $width
        && $value >> 8 * ($at - $offset) & Device::DEVCTL_FLR >> 8;
}

# Where configuration space differs from the model
sub differences {
    my ($device, $model) = @_;
    my $bytes = $device->config_bytes;
    return map { sprintf '%#x: %02x instead of %02x', $_, $bytes->[$_], $model->{bytes}[$_] }
        grep { $bytes->[$_] != $model->{bytes}[$_] } 0 .. $#$bytes;
}

# The first ten are enough to read
sub some { return join '; ', splice @_, 0, 10 }

sub matches {
    my ($device, $model, $what) = @_;
    is some(differences($device, $model)), '', $what;
    return;
}

sub test_values {
    my ($width) = @_;
    my $ones = (1 << 8 * $width) - 1;
    return ($ones, 0, $ones, (map { 1 << $_ } 0 .. 8 * $width - 1), 0);
}

# Write each value at one offset and read it back; return the mismatches
sub write_values {
    my ($device, $model, $offset, $width) = @_;
    my (@commands, @expected);
    for my $value (test_values($width)) {
        my @read = $device->config_commands($offset, $width);
        push @commands, $device->config_commands($offset, $width, $value), @read;
        model_write($model, $offset, $width, $value);
        my @bytes = @{ $model->{bytes} }[$offset .. $offset + $width - 1];
        push @expected, [$value, unpack 'V', pack 'C4', @bytes, (0) x (4 - $width)];
    }
    my @answers = $device->qtest->commands(@commands);
    my $step = @answers / @expected;
    return map { sprintf '%#x: wrote %#x, read %#x instead of %#x', $offset, @$_ }
        grep { $_->[1] != $_->[2] }
        map { [$expected[$_][0], hex $answers[($_ + 1) * $step - 1], $expected[$_][1]] }
        0 .. $#expected;
}

# Compare all of configuration space every 0x40 bytes. Memory decoding is never on
# while BAR0 has an address, so BAR0 is not mapped over anything.
sub test_writes {
    my ($device, $width) = @_;
    my $model = new_model($device);
    my @wrong;
    for (my $offset = 0; $offset < $device->config_size; $offset += $width) {
        push @wrong, write_values($device, $model, $offset, $width);
        push @wrong, differences($device, $model) if $offset % 0x40 == 0x40 - $width;
    }
    is some(@wrong), '', "writes of $width bytes";
    return;
}

# Change everything that a guest can write, before each reset in each power state
sub disturb {
    my ($device, $model, $state) = @_;
    $device->map_bar0;
    $device->reg_write(contract('REG_SCRATCH'), 0x5a5a5a5a);
    $device->reg_write(contract('REG_MAGIC'), 0);
    for my $offset (0 .. $device->config_size / 4 - 1) {
        my $guest = unpack 'V', pack 'C4', @{ $model->{guest} }[4 * $offset .. 4 * $offset + 3];
        $device->config(4 * $offset, 4, $guest) if $guest && 4 * $offset != Device::PMCSR;
    }
    $device->config(Device::PMCSR, 2, $state);
    return;
}

sub is_disturbed {
    my ($device, $model, $state, $what) = @_;
    my %expected = (%$model, bytes => [map {
        $model->{reset}[$_] | $model->{guest}[$_] & ($_ == Device::PMCSR ? $state : 0xff)
    } 0 .. $#{ $model->{reset} }]);
    matches($device, \%expected, "$what: every writable bit is set");
    return;
}

sub is_reset {
    my ($device, $model, $what) = @_;
    $model->{bytes} = $model->{reset};
    matches($device, $model, "$what: every bit is reset");
    $device->config(Device::BAR0, 4, Device::BAR0_ADDRESS);
    $device->config(Device::COMMAND, 2, Device::COMMAND_MEMORY);
    is $device->reg($_), contract($_), "$what: $_" for qw(MAGIC SCRATCH BAD_ACCESS STATUS);
    return;
}

sub test_resets {
    my ($device) = @_;
    my $model = new_model($device);
    my %resets = ('system reset' => 'system_reset');
    $resets{'secondary bus reset'} = 'bus_reset' if $device->has_port;
    $resets{'function level reset'} = 'function_reset' if $device->is_express;
    for my $name (sort keys %resets) {
        for my $state (0, Device::D3HOT) {
            my $what = "$name from D$state";
            disturb($device, $model, $state);
            is_disturbed($device, $model, $state, $what);
            my $reset = $resets{$name};
            $device->$reset;
            is_reset($device, $model, $what);
        }
    }
    return;
}

# NoSoftRst: going from D3hot to D0 loses nothing
sub test_wakeup {
    my ($device) = @_;
    my $model = new_model($device);
    disturb($device, $model, Device::D3HOT);
    $device->config(Device::PMCSR, 2, 0);
    is_disturbed($device, $model, 0, 'D3hot to D0');
    $device->config(Device::BAR0, 4, Device::BAR0_ADDRESS);
    is $device->reg('SCRATCH'), 0x5a5a5a5a, 'D3hot to D0: SCRATCH is kept';
    is $device->reg('BAD_ACCESS'), 1, 'D3hot to D0: BAD_ACCESS is kept';
    return;
}

sub test_device {
    my ($device) = @_;
    matches($device, new_model($device), 'every bit at power-on');
    # a vector for each queue and one for events; the field has one less
    is $device->config(contract('MSIX_CAP_OFFSET') + 2, 2) & 0x7ff, $device->queues,
        'size of the MSI-X table' if $device->queues;
    test_writes($device, $_) for 1, 2, 4;
    test_resets($device);
    $device->system_reset;
    test_wakeup($device);
    is $device->qtest->quit, 0, 'QEMU exits with 0';
    return;
}

for my $place (Device::places()) {
    for my $queues (0, 1, contract('QUEUES_MAX')) {
        subtest "$place, $queues queues" => sub { test_device(Device->with_queues($place, $queues)) };
    }
}

done_testing;
