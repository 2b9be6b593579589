#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Build the PKGBUILD with Debian's makepkg and check the contents of the packages. This
# does not show that they work on Arch Linux.
#
# Needs: setup-packaging
# Slow: builds packages
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Files;
use Packages;

my $dir = tempdir(CLEANUP => 1);
my $version = project_version();
my $pkgbuild = top_dir() . '/packaging/arch/PKGBUILD';
# Each function of the library has a manual page
sub functions {
    return read_file(top_dir() . '/guest-tools/libvgpu-stub/libvgpu-stub.map') =~ /^\t(\w+);$/mg;
}

my %files = (
    'vgpu-stub-tools' => [sort 'usr/share/man/man8/vgpu-probe.8.gz', 'usr/share/man/man1/vgpu-run.1.gz',
        map { ("usr/bin/$_", "usr/share/bash-completion/completions/$_", "usr/share/vgpu-stub/$_.schema.json",
        "usr/share/zsh/site-functions/_$_") } 'vgpu-probe', 'vgpu-run'],
    'libvgpu-stub' => [sort map({ "usr/include/vgpu-stub/$_.h" } qw(libvgpu-stub vgpu_stub vgpu_stub_ioctl
        vgpu_stub_queue)), map({ "usr/lib/$_" } qw(libvgpu-stub.so libvgpu-stub.so.0 pkgconfig/libvgpu-stub.pc)),
        map({ "usr/share/man/man3/$_.3.gz" } 'libvgpu-stub', functions())],
    'vgpu-stub-mediator' => [sort 'etc/vgpu-stub/mediator.conf', 'usr/bin/vgpu-mediator',
        'usr/lib/systemd/system/vgpu-mediator.service', 'usr/lib/systemd/system/vgpu-mediator.socket',
        'usr/lib/sysusers.d/vgpu-stub-mediator.conf', 'usr/share/man/man8/vgpu-mediator.8.gz'],
    'vgpu-stub-dkms' => [sort 'usr/lib/udev/rules.d/60-vgpu-stub.rules',
        map { "usr/src/vgpu-stub-$version/$_" } driver_source()],
);
my %arch = ('libvgpu-stub' => 'x86_64', 'vgpu-stub-tools' => 'x86_64',
    'vgpu-stub-mediator' => 'x86_64', 'vgpu-stub-dkms' => 'any');

# makepkg refuses to run as root, and needs the path of a pacman, which it does not run.
# The environment is clean, because make's adds the headers in a cache that only its
# owner can read, and gcc fails on a directory that it cannot read.
sub makepkg {
    my ($options) = @_;
    my $user = $> ? '' : 'setpriv --reuid nobody --regid nogroup --clear-groups';
    return Packages::run("cd $dir && $user env -i PATH='$ENV{PATH}' HOME=$dir LC_ALL=C.UTF-8 PACMAN=true makepkg $options");
}

sub test_syntax {
    is system('bash', '-n', $pkgbuild), 0, 'bash -n';
    my ($status, $output) = makepkg('--printsrcinfo');
    is $status, 0, 'makepkg --printsrcinfo' or diag $output;
    like $output, qr/^\tpkgver = \Q$version\E$/m, 'it has the version';
    is_deeply [$output =~ /^pkgname = (\S+)$/mg], ['vgpu-stub-dkms', 'vgpu-stub-tools', 'libvgpu-stub',
        'vgpu-stub-mediator'], 'four packages';
    like $output, qr/^pkgname = vgpu-stub-dkms\n(?:\t.*\n)*\tdepends = dkms\n/m, 'the driver depends on DKMS';
    return;
}

sub test_build {
    my ($status, $output) = makepkg('--nodeps');
    is $status, 0, 'makepkg' or diag $output;
    like $output, qr/^another revision: refused$/m, 'makepkg runs the tests of the tool';
    for my $name (sort keys %files) {
        my ($package) = glob "$dir/$name-$version-1-$arch{$name}.pkg.tar*";
        ok $package, "$name is built" or next;
        ($status, $output) = Packages::run("bsdtar -tf $package");
        is_deeply [sort grep { m{[^/]$} && !/^\./ } split /\n/, $output], $files{$name},
            "$name: the files";
    }
    return;
}

sub test_mediator {
    my ($package) = glob "$dir/vgpu-stub-mediator-*.pkg.tar*";
    my ($status, $unit) = Packages::run("bsdtar -xOf $package usr/lib/systemd/system/vgpu-mediator.service");
    like $unit, qr{^ExecStart=/usr/bin/vgpu-mediator --config=/etc/vgpu-stub/mediator\.conf }m,
        'the unit starts the program of the package';
    ($status, my $info) = Packages::run("bsdtar -xOf $package .PKGINFO");
    like $info, qr{^backup = etc/vgpu-stub/mediator\.conf$}m, 'a configuration that was changed is kept';
    return;
}

my $archive = archive($dir);
Packages::run("cp $pkgbuild $dir && chmod -R a+rwX $dir");
test_syntax();
test_build();
test_mediator();

done_testing;
