#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# dkms.conf defines the project's version. The files that repeat it agree, and
# packaging/set-version changes all of them.
#
# Needs: setup-test
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Files;
use Packages;

# file => pattern of its newest version
my %repeats = (
    'debian/changelog' => qr/\Avgpu-stub \((\S+)\) /,
    'packaging/rpm/vgpu-stub.spec' => qr/^Version: +(\S+)$/m,
    'packaging/arch/PKGBUILD' => qr/^pkgver=(\S+)$/m,
    'NEWS' => qr/^(\d+\.\d+\.\d+)$/m,
    'dkms.conf' => qr/^PACKAGE_VERSION="(\S+)"$/m,
);

sub versions {
    my ($tree, @files) = @_;
    return { map { my ($found) = read_file("$tree/$_") =~ $repeats{$_}; ($_ => $found) } @files };
}

sub test_agree {
    my $version = project_version();
    is_deeply versions(top_dir(), sort keys %repeats), { map { $_ => $version } keys %repeats },
        'all have the version of dkms.conf';
    like read_file(top_dir() . '/packaging/rpm/vgpu-stub.spec'), qr/^%changelog\n\* .* - \Q$version\E-1$/m,
        "so does the newest entry of the spec's changelog";
    return;
}

my $dir = tempdir(CLEANUP => 1);

sub copy_tree {
    my @files = grep { $_ ne 'NEWS' } sort keys %repeats;
    system "cd ${\ top_dir()} && cp --parents debian/control @files packaging/set-version $dir";
    return @files;
}

# 86400 is Friday, 2 January 1970
sub set_version {
    my ($version) = @_;
    local $ENV{SOURCE_DATE_EPOCH} = 86_400;
    return Packages::run("$dir/packaging/set-version '$version'");
}

sub test_set {
    my @files = copy_tree();
    my $maintainer = read_file("$dir/debian/control") =~ /^Maintainer: (.*)$/m ? $1 : '';
    my $changelog = read_file("$dir/debian/changelog");
    for my $version ('10.20.30', '0.0.1') {
        my ($status, $output) = set_version($version);
        is $status, 0, "set-version $version" or diag $output;
        is $output, '', 'it prints nothing';
        is_deeply versions($dir, @files), { map { $_ => $version } @files }, 'all files have it';
        my $entry = "vgpu-stub ($version) unstable; urgency=medium\n\n  * New release, see NEWS.\n\n"
            . " -- $maintainer  Fri, 02 Jan 1970 00:00:00 +0000\n\n";
        is read_file("$dir/debian/changelog"), $changelog = "$entry$changelog",
            'debian/changelog has a new entry before the others';
        like read_file("$dir/packaging/rpm/vgpu-stub.spec"),
            qr/^%changelog\n\* Fri Jan 02 1970 \Q$maintainer - $version-1\E\n- [^\n]+\n\n\* /m,
            "so has the spec's changelog";
    }
    my $before = join '', map { read_file("$dir/$_") } @files;
    my ($status) = set_version('0.0.1');
    is $status, 0, 'a second time';
    is join('', map { read_file("$dir/$_") } @files), $before, 'nothing changes';
    return;
}

sub test_refused {
    my @files = copy_tree();
    my $before = join '', map { read_file("$dir/$_") } @files;
    for my $version ('', '1', '1.2', '1.2.3.4', '1.2.x', 'v1.2.3', '1.2.3-1', '01.2.3', '1..3',
        '1.2.3 ', '1.2/.3') {
        my ($status, $output) = set_version($version);
        is $status, 1, "'$version' is refused";
        is $output, "set-version: usage: set-version MAJOR.MINOR.PATCH\n", 'it prints its usage';
    }
    is join('', map { read_file("$dir/$_") } @files), $before, 'nothing changes';
    return;
}

test_agree();
test_set();
test_refused();

done_testing;
