#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian packages, which lintian finds nothing wrong with, in a root file
# system of Debian 12: installed, upgraded, removed, purged.
#
# Needs: setup-deb setup-chroot
# Slow: builds two versions of the packages
use strict;
use warnings;
use Test::More;
use Contract;
use Chroot;

my $top = top_dir();
my $out = build_dir() . '/deb-test';
my %debs;

for my $version ('0.0.8', '0.0.9') {
    my $log = qx($top/debian/build $out/$version $version 2>&1);
    is $?, 0, "the packages $version build, and lintian is content" or diag $log;
    $debs{$version} = [grep { !/dbgsym/ } glob "$out/$version/*.deb"];
    is scalar @{ $debs{$version} }, 2, 'two packages';
}

chomp(my $kernel = qx($top/tests/setup/kernel bookworm-6.1-cloud));
die 'no kernel' if $?;
chomp(my $release = qx(cat $kernel/release));
my $module = "usr/lib/modules/$release/updates/dkms/vgpu_stub.ko";
my $chroot = Chroot->new('bookworm-packages', "$kernel/layer");
$chroot->copy_in(@{ $debs{$_} }) for sort keys %debs;

sub succeeds {
    my ($name, $script) = @_;
    my ($status, $output) = $chroot->run($script);
    is $status, 0, $name or diag $output;
    return $output;
}

sub ours { return grep { /vgpu/ } $chroot->files }

succeeds 'install', 'dpkg --install /mnt/session/*_0.0.8_*.deb';
ok -s $chroot->path($module), 'the module is built and installed';
like succeeds('dkms status', 'dkms status'), qr{^vgpu-stub/0\.0\.8, \Q$release\E, x86_64: installed$}m,
    'DKMS has it';
succeeds 'vgpu-probe runs', 'vgpu-probe --version';
ok -e $chroot->path('usr/share/man/man8/vgpu-probe.8.gz'), 'its manual page is there';

succeeds 'upgrade', 'dpkg --install /mnt/session/*_0.0.9_*.deb';
is succeeds('dkms status', 'dkms status') =~ s/\n.*//sr,
    "vgpu-stub/0.0.9, $release, x86_64: installed", 'DKMS has the new version';
is_deeply [grep { /0\.0\.8/ } ours()], [], 'and nothing of the old one';
ok -s $chroot->path($module), 'the module is there';

succeeds 'remove', 'dpkg --remove vgpu-stub-dkms vgpu-stub-tools';
ok !-e $chroot->path($module), 'the module is gone';
succeeds 'purge', 'dpkg --purge vgpu-stub-dkms vgpu-stub-tools';
is_deeply [ours()], [], 'nothing is left behind';

# other distributions
succeeds 'make install', 'cp -r /mnt/src/include /mnt/src/guest-driver /mnt/src/dkms.conf /tmp'
    . ' && make -C /tmp/guest-driver install DESTDIR=/tmp/root';
ok -s $chroot->path("tmp/root/usr/src/vgpu-stub-$_"), "make install: $_" for
    map { project_version() . "/$_" } 'dkms.conf', 'guest-driver/vgpu_stub.c', 'include/vgpu_stub.h';
succeeds 'make uninstall', 'make -C /tmp/guest-driver uninstall DESTDIR=/tmp/root';
is_deeply [grep { m{^tmp/root/.*vgpu} } ours()], [], 'make uninstall leaves nothing';

done_testing;

sub project_version {
    chomp(my $version = qx(sed -n 's/^PACKAGE_VERSION="\\(.*\\)"/\\1/p' $top/dkms.conf));
    return $version;
}
