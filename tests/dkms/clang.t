#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# DKMS builds the driver with the kernel's toolchain: for a kernel built with clang it
# uses clang, and the kernel loads the module.
#
# Needs: setup-demo setup-chroot guest clang-kernel
# Slow: builds a kernel
use strict;
use warnings;
use Cwd 'abs_path';
use Test::More;
use Contract;
use Chroot;
use Guest;

my $kernel = abs_path(build_dir() . '/clang-kernel');
chomp(my $release = qx(cat $kernel/release));

my $chroot = Chroot->new('bookworm', "$kernel/layer");
my ($status, $output) = $chroot->run("make -s -C /mnt/src dkms-install KERNEL=$release");
is $status, 0, 'make dkms-install' or diag $output;
like $output, qr/^make .* LLVM=1 /m, 'DKMS builds with LLVM=1';

my $module = $chroot->path("usr/lib/modules/$release/updates/dkms/vgpu_stub.ko");
like qx(readelf -p .comment $module), qr/clang version/, 'the module is built by clang';
unlike qx(readelf -p .comment $module), qr/GCC/, 'and no part of it by GCC';

$ENV{GUEST} = pack_guest('dkms-clang', $kernel, $module);
my $guest = boot('demo', '-machine', 'q35', '-device', 'vgpu-stub');
$guest->good;
(undef, my @bound) = $guest->command('lspci -d 1af4:1111 -v');
like "@bound", qr/Kernel driver in use: vgpu_stub/, 'the device is bound';

done_testing;
