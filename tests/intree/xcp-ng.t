#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# qemu-device/xcp-ng/qemu-wrapper adds the device only for an emulator that has it,
# which it detects from the program file. Here with real emulators: one with the
# device built in, and one without it.
#
# Needs: qemu
# Slow: builds QEMU
use strict;
use warnings;
use Test::More;
use Contract;
use Dom0;

my $dom0 = Dom0->new;
my $emulator = "$dom0->{root}/" . Dom0::EMULATOR;
$dom0->device_model_args('["-device","vgpu-stub,addr=1d"]');

sub added {
    my ($path) = @_;
    unlink $emulator;
    symlink $path, $emulator or die "$emulator: $!";
    my (undef, @added) = @{ $dom0->start(Dom0::DOMID)->{arguments} };
    return \@added;
}

is_deeply added(build_dir() . '/qemu-7.2/qemu-system-x86_64'),
    ['-device', 'vgpu-stub,addr=1d'], 'QEMU with the device built in: the device is added';
is_deeply added('/usr/bin/qemu-system-x86_64'), [], "Debian's QEMU: nothing is added";

done_testing;
