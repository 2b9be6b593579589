#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two devices on pc and eight on q35: their registers are independent, and unbinding
# one leaves the others bound.
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Guest;

my $guest;

sub lines { my (undef, @lines) = $guest->command(@_); return @lines }

for ([pc => 2], [q35 => 8]) {
    my ($machine, $count) = @$_;
    $guest = boot('many', '-machine', $machine,
        map { ('-device', "vgpu-stub,addr=$_") } 3 .. 2 + $count);
    $guest->good;
    my @values = map { sprintf '0x%08x', $_ } 1 .. $count;
    my $read = 'cat /sys/bus/pci/drivers/vgpu_stub/*/vgpu_stub/scratch';
    is_deeply [lines($read)], \@values, "$count devices: each keeps its value";
    is_deeply [lines($read)], [@values[1 .. $#values]], 'one is unbound, the others stay bound';
    is scalar lines('vgpu-probe | grep passed'), $count, 'vgpu-probe passes on all devices';
    is scalar(grep { /driver in use/ } lines('lspci -k -d 1af4:1111')), 0,
        'driver unloaded: no device is bound';
}

done_testing;
