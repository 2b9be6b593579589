#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# DKMS builds the driver with the kernel's toolchain: for a kernel built with clang it
# uses clang, and the kernel loads the module. Debian 12 has the clang that built the
# kernel, Debian 13 a newer one.
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

# The path of the module that DKMS installs
sub build {
    my ($name, $chroot) = @_;
    my $log = '/var/lib/dkms/vgpu-stub/*/*/*/log/make.log'; # DKMS 3.0 prints the command instead
    my ($status, $output) = $chroot->run("make -s -C /mnt/src dkms-install KERNEL=$release; cat $log");
    is $status, 0, "$name: make dkms-install" or diag $output;
    like $output, qr/\bmake .* LLVM=1 .* modules/m, "$name: DKMS builds with LLVM=1";
    my $module = $chroot->path("usr/lib/modules/$release/updates/dkms/vgpu_stub.ko");
    my $compiler = qx(readelf -p .comment $module);
    like $compiler, qr/clang version/, "$name: the module is built by clang";
    unlike $compiler, qr/GCC/, "$name: and no part of it by GCC";
    return $module;
}

sub drives {
    my ($name, $module) = @_;
    local $ENV{GUEST} = pack_guest('dkms-clang', $kernel, $module);
    my $guest = boot('demo', '-machine', 'q35', '-device', 'vgpu-stub');
    $guest->good;
    (undef, my @bound) = $guest->command('lspci -d 1af4:1111 -v');
    like "@bound", qr/Kernel driver in use: vgpu_stub/, "$name: the device is bound";
    return;
}

for (['Debian 12', 'bookworm'], ['Debian 13', 'trixie-dkms']) {
    my ($name, $root) = @$_;
    my $chroot = Chroot->new($root, "$kernel/layer");
    # clang 19 refuses the option that this symbol adds
    $chroot->run("sed -i /AUTO_VAR_INIT_ZERO_ENABLER/d /usr/src/linux-*/include/config/auto.conf")
        if $name eq 'Debian 13';
    drives($name, build($name, $chroot));
}

done_testing;
