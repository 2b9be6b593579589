#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A Debian VM with the driver installed by DKMS: at boot, udev loads the driver for the
# device, without a modprobe or a configuration file.
#
# Needs: setup-demo setup-chroot setup-snapshots device debian-vm
# Slow: boots a full Debian
use strict;
use warnings;
use Test::More;
use Contract;
use DebianVm;

DebianVm::use_disk(build_dir() . '/debian-vm', '');

my $vm = DebianVm->new('-device', 'vgpu-stub');
$vm->run('udevadm settle');
my (undef, @bound) = $vm->run('lspci -d 1af4:1111 -k');
like "@bound", qr/Kernel driver in use: vgpu_stub/, 'the device is bound after boot';
(undef, my $version) = $vm->run('cat /sys/bus/pci/drivers/vgpu_stub/*/vgpu_stub/version');
like $version, qr/^\d+\.\d+$/, 'sysfs shows its version';
(undef, my @asked) = $vm->run('grep -rsl vgpu /etc/modules /etc/modules-load.d'
    . ' /usr/lib/modules-load.d /proc/cmdline');
is "@asked", '', 'no configuration names the module';
$vm->end->good;

done_testing;
