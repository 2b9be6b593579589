#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The source package builds in root file systems of Debian 12 and 13 that have only the
# build dependencies in debian/control. Two builds give the same packages.
#
# Needs: setup-deb setup-chroot
# Slow: makes two root file systems and builds packages in them
use strict;
use warnings;
use List::Util 'uniq';
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Files;
use Chroot;
use Packages;

my $dir = tempdir(CLEANUP => 1);
my $dsc = source_package($dir);
my ($tar) = glob "$dir/*.tar.xz";

# Three of the names are virtual packages
sub test_declared {
    my ($suite) = @_;
    my %provider = ('debhelper-compat' => 'debhelper', 'dh-sequence-dkms' => 'dh-dkms',
        'dh-sequence-installsysusers' => 'debhelper');
    my ($declared) = read_file(top_dir() . '/debian/control') =~ /^Build-Depends: (.*)$/m;
    my @needed = map { s/ .*//r } split /, */, $declared;
    my ($installed) = read_file(top_dir() . '/tests/setup/packages') =~ /^chroot-$suite-build: (.*)$/m;
    is_deeply [sort split ' ', $installed],
        [sort +uniq('build-essential', map { $provider{$_} // $_ } @needed)],
        "$suite: the root file system has the build dependencies in debian/control";
    return;
}

# The second build differs in settings that must not affect the result
my %builds = (
    first => 'mkdir -p /tmp/a; cd /tmp/a',
    second => 'umask 077; export TZ=Pacific/Kiritimati LC_ALL=C LANG=C HOME=/tmp USER=somebody; '
        . 'mkdir -p /var/tmp/another/folder; cd /var/tmp/another/folder',
);

sub build {
    my ($chroot, $name, $options) = @_;
    return $chroot->run("$builds{$name}; dpkg-source --no-check -x /mnt/session/*.dsc tree; cd tree;"
        . " dpkg-checkbuilddeps; dpkg-buildpackage --no-sign $options; cd ..; sha256sum *.deb");
}

sub sums {
    my ($output) = @_;
    return { map { /^([0-9a-f]{64})  (\S+\.deb)$/ ? ($2 => $1) : () } split /\n/, $output };
}

sub test_suite {
    my ($suite) = @_;
    test_declared($suite);
    my %sums;
    for my $name (sort keys %builds) {
        my $chroot = Chroot->new("$suite-build");
        $chroot->copy_in($dsc, $tar);
        my ($status, $output) = build($chroot, $name, '-b');
        is $status, 0, "$suite: the $name build" or diag $output;
        $sums{$name} = sums($output);
    }
    is keys %{ $sums{first} }, 8, "$suite: five packages and the debug symbols of three";
    is_deeply $sums{second}, $sums{first}, "$suite: the second build is the same";

    my $chroot = Chroot->new("$suite-build");
    $chroot->copy_in($dsc, $tar);
    my ($status, $output) = build($chroot, 'first', '-A');
    is $status, 0, "$suite: build only the packages for all architectures" or diag $output;
    unlike $output, qr/^gcc |^cc /m, "$suite: nothing is compiled for it";
    my ($driver) = grep { /dkms/ } keys %{ $sums{first} };
    is_deeply sums($output), { $driver => $sums{first}{$driver} }, "$suite: the same package";
    return;
}

test_suite($_) for 'bookworm', 'trixie';

done_testing;
