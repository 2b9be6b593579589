#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# PCI topologies other than the three of device.t: behind a bridge or a switch, below an
# expander bridge (pxb), in a multifunction slot, behind an IOMMU. In each, the device is
# enumerated, the driver binds, and vgpu-probe passes.
#
# Needs: setup-demo guest
use strict;
use warnings;
use JSON::PP;
use Test::More;
use Guest;

my @q35 = ('-machine', 'q35');
my @places = (
    ['a bridge on pc', qr/^01:01\.0$/, undef, '-machine', 'pc',
        '-device', 'pci-bridge,id=b,chassis_nr=1', '-device', 'vgpu-stub,bus=b,addr=1'],
    ['a conventional bus on q35', qr/^02:01\.0$/, undef, @q35,
        '-device', 'pcie-root-port,id=p,chassis=1', '-device', 'pcie-pci-bridge,id=b,bus=p',
        '-device', 'vgpu-stub,bus=b,addr=1'],
    ['a switch', qr/^03:00\.0$/, 'Endpoint', @q35,
        '-device', 'pcie-root-port,id=p,chassis=1', '-device', 'x3130-upstream,id=u,bus=p',
        '-device', 'xio3130-downstream,id=d,bus=u,chassis=2', '-device', 'vgpu-stub,bus=d'],
    ['pxb on pc', qr/^81:01\.0$/, undef, '-machine', 'pc',
        '-device', 'pxb,id=x,bus_nr=128', '-device', 'vgpu-stub,bus=x,addr=1'],
    ['pxb-pcie on q35', qr/^81:00\.0$/, 'Endpoint', @q35,
        '-device', 'pxb-pcie,id=x,bus_nr=128', '-device', 'pcie-root-port,id=p,bus=x,chassis=1',
        '-device', 'vgpu-stub,bus=p'],
    ['function 1 of a multifunction slot', qr/^00:05\.1$/, 'Root Complex Integrated Endpoint', @q35,
        '-device', 'virtio-rng-pci,addr=5.0,multifunction=on', '-device', 'vgpu-stub,addr=5.1'],
    ['function 0 of a multifunction slot', qr/^00:05\.0$/, 'Root Complex Integrated Endpoint', @q35,
        '-device', 'vgpu-stub,addr=5.0,multifunction=on', '-device', 'virtio-rng-pci,addr=5.1'],
    ['an IOMMU', qr/^00:05\.0$/, 'Root Complex Integrated Endpoint',
        '-machine', 'q35,kernel-irqchip=split', '-device', 'intel-iommu',
        '-device', 'vgpu-stub,addr=5'],
);

sub test_place {
    my ($slot, $express, @arguments) = @_;
    my $guest = boot('place', @arguments);
    $guest->good;
    my (undef, $title, @lspci) = $guest->command('lspci -d 1af4:1111 -k -v');
    like $title =~ s/ .*//r, $slot, 'enumerated at the expected address';
    is scalar(grep { /^\tKernel driver in use: vgpu_stub$/ } @lspci), 1, 'driver bound';
    # lspci before 3.11 prints the Interrupt Message Number as "MSI"
    my ($capability) = map { /Express (.*), (?:MSI|IntMsgNum) / ? $1 : () } @lspci;
    is $capability, $express, 'Express capability matches the bus';

    my ($status, @json) = $guest->command('vgpu-probe --json');
    my ($found) = @{ decode_json(join '', @json)->{devices} };
    is "$status $found->{failed} $found->{unknown}", '0 0 0', 'vgpu-probe passes'
        or diag explain $found->{checks};
    my (undef, $scratch) = $guest->command('echo 0xdeadbeef >scratch; cat scratch');
    is $scratch, '0xdeadbeef', 'BAR0 can be written and read';
    return $guest;
}

for (@places) {
    my ($name, @place) = @$_;
    subtest $name => sub {
        my $iommu = $name =~ /IOMMU/;
        my $guest = test_place(@place);
        my ($status) = $guest->command('readlink ../iommu_group');
        is $status, $iommu ? 0 : 1, $iommu ? 'in an IOMMU group' : 'in no IOMMU group';
    };
}

done_testing;
