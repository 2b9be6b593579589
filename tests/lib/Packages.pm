# SPDX-License-Identifier: GPL-2.0-or-later
#
# Helpers for the package tests:
#
#   project_version()                 of Contract.pm
#   archive($dir, [$version])         create the release archive; returns its path
#   repository($dir, [$version])      create a git repository with its files, in $dir
#   source_package($dir, [$version])  build a .dsc as from a fresh clone; returns its path
#   driver_source()                   files that DKMS needs, relative to the tree
#   kernel($name)                     directory and release of a kernel in setup/kernels
#   Packages::run($command)           exit status and output of a shell command
#
#   use Packages qw(:DEFAULT succeeds);
#   succeeds(NAME, $command)          test that it exits with 0; returns its output
package Packages;

use strict;
use warnings;
use Exporter 'import';
use File::Path 'make_path';
use Contract qw(:DEFAULT project_version);
use Test::More;

our @EXPORT = qw(project_version archive repository source_package driver_source kernel);
our @EXPORT_OK = qw(succeeds);

sub run {
    my ($command) = @_;
    my $output = qx(( $command ) 2>&1 </dev/null);
    return ($? >> 8, $output);
}

sub succeeds {
    my ($name, $command) = @_;
    my ($status, $output) = run($command);
    is $status, 0, $name or diag $output;
    return $output;
}

sub must {
    my ($command) = @_;
    my ($status, $output) = run($command);
    die "$command: $output" if $status;
    return $output;
}

sub driver_source {
    my $top = top_dir();
    my @sources = map { substr $_, length "$top/" } glob "$top/guest-driver/{*.[ch],uapi/*.h}";
    return ('dkms.conf', 'guest-driver/Kbuild', @sources,
        'include/vgpu_stub.h', 'include/vgpu_stub_queue.h');
}

sub archive {
    my ($dir, $version) = @_;
    chomp(my $archive = must(top_dir() . "/packaging/source-archive $dir " . ($version // '')));
    return $archive;
}

sub repository {
    my ($dir, $version) = @_;
    make_path($dir);
    my $archive = archive($dir, $version);
    my ($tree) = $archive =~ /(.*)\.tar\.xz$/;
    must("cd $dir && tar -xf $archive && rm $archive && cd $tree && git init -q && git add -A"
        . ' && git -c user.name=test -c user.email=test@localhost commit -qm test');
    return $tree;
}

sub source_package {
    my ($dir, $version) = @_;
    my $tree = repository($dir, $version);
    must("cd $tree && dpkg-buildpackage --no-sign --build=source --no-check-builddeps");
    my ($dsc) = glob "$dir/*.dsc";
    return $dsc;
}

sub kernel {
    my ($name) = @_;
    chomp(my $dir = must(top_dir() . "/tests/setup/kernel $name 2>/dev/null"));
    chomp(my $release = must("cat $dir/release"));
    return ($dir, $release);
}

1;
