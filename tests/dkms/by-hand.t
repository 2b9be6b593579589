#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# DKMS's own commands with the driver on Debian 12 and 13: add, build, install, build
# for a new kernel, upgrade, remove a kernel, remove the driver. The installed module
# binds the device in a booted guest.
#
# Needs: setup-demo setup-chroot guest
# Slow: installs packages in root file systems
use strict;
use warnings;
use Test::More;
use Contract qw(:DEFAULT project_version);
use Dkms;
use Guest;

my $version = project_version();

# Boot a guest with this kernel and its installed module
sub drives {
    my ($dkms, $release) = @_;
    my ($module) = glob $dkms->path("usr/lib/modules/$release/updates/dkms/vgpu_stub.ko*");
    # busybox cannot load compressed modules
    if ($module =~ /\.xz$/) {
        my $plain = $dkms->path('../share/vgpu_stub.ko');
        system("xz --decompress --stdout '$module' >'$plain'") == 0 or die "xz $module";
        $module = $plain;
    }
    local $ENV{GUEST} = pack_guest("dkms-$release", $dkms->folder($release), $module);
    my $guest = boot('demo', '-machine', 'q35', '-device', 'vgpu-stub');
    $guest->good;
    (undef, my @bound) = $guest->command('lspci -d 1af4:1111 -v');
    like "@bound", qr/Kernel driver in use: vgpu_stub/, 'the device is bound';
    return;
}

sub life {
    my ($dkms) = @_;
    my ($old, $new) = $dkms->kernels;
    $dkms->install_headers($old);
    $dkms->succeeds('make install', 'make -s -C /mnt/src/guest-driver install');
    $dkms->succeeds('dkms add', "dkms add vgpu-stub/$version");
    is_deeply [$dkms->status], ["vgpu-stub/$version: added"], 'added';
    my $output = $dkms->succeeds('dkms build', "dkms build vgpu-stub/$version -k $old");
    unlike $output, qr/bad exit status|[Ww]arning|[Dd]eprecated/, 'DKMS prints no warning';
    is_deeply [$dkms->status], ["vgpu-stub/$version, $old, x86_64: built"], 'built';
    like $dkms->driver($old), qr/ERROR/, 'nothing is installed yet';
    $dkms->succeeds('dkms install', "dkms install vgpu-stub/$version -k $old");
    is $dkms->driver($old), "$version $old", 'installed, for that kernel and not the running one';
    my $info = $dkms->succeeds('modinfo', "modinfo -k $old vgpu_stub");
    like $info, qr/^alias:\s+pci:v00001AF4d00001111/m, 'the module has the alias of the device';
    like $info, qr/^signer:\s+DKMS module signing key$/m, "it is signed with the machine's key";

    $dkms->install_headers($new);
    is $dkms->driver($new), "$version $new", 'AUTOINSTALL: a new kernel gets the driver';
    drives($dkms, $new);
    $dkms->succeeds('a kernel is removed', "/etc/kernel/prerm.d/dkms $old");
    like $dkms->driver($old), qr/ERROR/, 'the driver of that kernel is gone';
    is $dkms->driver($new), "$version $new", 'the other kernel keeps its driver';

    my $next = $dkms->source('9.0.0');
    $dkms->succeeds('the next release', "make -s -C $next/guest-driver install"
        . " && dkms install vgpu-stub/9.0.0 -k $new");
    is $dkms->driver($new), "9.0.0 $new", 'upgraded: the new driver is on disk';
    $dkms->run("dkms install vgpu-stub/$version -k $new");
    is $dkms->driver($new), "9.0.0 $new", 'an older release does not replace it';
    $dkms->succeeds('dkms install --force', "dkms install --force vgpu-stub/$version -k $new");
    is $dkms->driver($new), "$version $new", 'with --force it does';
    $dkms->succeeds('dkms install --force', "dkms install --force vgpu-stub/9.0.0 -k $new");
    $dkms->succeeds('dkms remove', "dkms remove vgpu-stub/$version --all");
    is $dkms->driver($new), "9.0.0 $new", 'the old release is removed, the new driver stays';
    $dkms->succeeds('dkms remove', 'dkms remove vgpu-stub/9.0.0 --all');
    is_deeply [grep { !m{^usr/src/|^usr/lib/udev/} } $dkms->ours], [], 'DKMS leaves nothing behind';
    $dkms->succeeds('make uninstall', 'make -s -C /mnt/src/guest-driver uninstall;'
        . " make -s -C $next/guest-driver uninstall");
    is_deeply [$dkms->ours], [], 'nothing is left behind';
    return;
}

# Unsupported kernels: too old, or without PCI
sub exclusions {
    my ($dkms) = @_;
    my (undef, $new) = $dkms->kernels;
    $dkms->succeeds('the driver is added', 'make -s -C /mnt/src/guest-driver install'
        . " && dkms add vgpu-stub/$version");
    for (['4.19.0-1-amd64', ''], ['5.9.16', ''], ['6.1.1', '/^CONFIG_PCI=/d']) {
        my ($release, $change) = @$_;
        my (undef, $said) = $dkms->run("mkdir -p /tmp/$release/include;"
            . "sed '$change' /lib/modules/$new/build/.config >/tmp/$release/.config;"
            . "dkms build vgpu-stub/$version -k $release --kernelsourcedir /tmp/$release");
        like $said, qr/BUILD_EXCLUSIVE/, "$release: excluded" or diag $said;
    }
    return;
}

for my $system (Dkms::systems()) {
    subtest $system => sub {
        my $dkms = Dkms->new($system);
        diag $dkms->run('dkms --version');
        life($dkms);
        exclusions($dkms);
    };
}

# the expression itself, including releases that do not exist yet
open my $conf, '<', top_dir() . '/dkms.conf' or die "dkms.conf: $!";
my ($supported) = map { /^BUILD_EXCLUSIVE_KERNEL="(.*)"/ ? qr/$1/ : () } <$conf>;
like $_, $supported, "$_ is supported" for '5.10.0-46-amd64', '5.15.0-91-generic', '5.19.17',
    '6.0.0', '6.1.0-56-cloud-amd64', '6.12.117+deb13-amd64', '7.3.4+deb13-cloud-amd64',
    '7.10.0', '8.0.0-rc1', '9.9.9', '10.0.0', '12.34.5', '20.1.0';
unlike $_, $supported, "$_ is not supported" for '2.6.32', '3.16.0-4-amd64', '4.4.0', '4.19.0-1-amd64',
    '5.0.0', '5.1.21', '5.4.0-200-generic', '5.9.16';

done_testing;
