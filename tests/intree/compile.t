#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The device and its tests compile against the headers of QEMU source trees, with
# warnings as errors. Nothing is configured and no QEMU is built, so each tree takes
# two seconds.
#
#   compile.t [TREE...]
#
# TREE  an unpacked source tree, or REPOSITORY:REVISION in git; default QEMU_SOURCE from
#       the environment, or else the source of the installed QEMU
#
# The tests are compiled only for QEMU versions to which integrate adds them.
#
# Needs: setup-device device
use strict;
use warnings;
use File::Path 'make_path';
use File::Temp 'tempdir';
use Test::More;
use Contract;

my $top = top_dir();
my $own = "$top/qemu-device";
my $glib = qx(pkg-config --cflags glib-2.0);
chomp $glib;
my @trees = @ARGV ? @ARGV : $ENV{QEMU_SOURCE} // qx('$top/tests/setup/qemu-source');
chomp @trees;

# The warnings that QEMU's own build enables
my $warnings = '-Wall -Wundef -Wwrite-strings -Wmissing-prototypes -Wold-style-declaration'
    . ' -Wold-style-definition -Wredundant-decls -Wshadow=local -Werror';

# A directory with the necessary sources of the tree
sub unpacked {
    my ($tree) = @_;
    return $tree if -d $tree;
    my ($repository, $revision) = $tree =~ /^(.+):(.+)$/ or die "$tree is neither a directory nor REPOSITORY:REVISION";
    my $dir = tempdir(CLEANUP => 1);
    system("git -C '$repository' archive '$revision' VERSION include linux-headers migration qapi"
        . " scripts tests trace ':!tests/data' | tar x -C '$dir'") == 0
        or die "git cannot read $tree";
    return $dir;
}

sub read_version {
    my ($tree) = @_;
    open my $file, '<', "$tree/VERSION" or die "$tree is not a QEMU source tree";
    my $version = <$file>;
    chomp $version;
    return $version;
}

# What configure and meson detect on an x86-64 host
sub write_config {
    my ($dir, $version) = @_;
    my ($major, $minor, $micro) = split /[.]/, $version;
    open my $file, '>', "$dir/config-host.h" or die;
    print $file qq(#define QEMU_VERSION "$version"\n);
    print $file "#define $_\n" for "QEMU_VERSION_MAJOR $major", "QEMU_VERSION_MINOR $minor",
        "QEMU_VERSION_MICRO $micro", 'CONFIG_LINUX 1', 'CONFIG_POSIX 1', 'CONFIG_IOVEC 1',
        'CONFIG_INT128 1', 'HAVE_SYSTEM_FUNCTION 1', 'HAVE_GETLOADAVG_FUNCTION 1',
        'HOST_X86_64 1';
    close $file or die;
    return;
}

# Before 6.0, tracetool writes only to standard output
sub generate {
    my ($tree, $dir) = @_;
    my $header = 'trace/trace-hw_misc.h';
    my $tracetool = "python3 '$tree/scripts/tracetool.py' --backend=log --group=hw_misc"
        . " --format=h '$own/hw/misc/trace-events'";
    make_path(map { "$dir/$_" } "hw/misc", 'qapi', 'trace');
    symlink $_, "$dir/hw/misc/" . s{.*/}{}r for glob "$top/include/*.h $own/hw/misc/*.h";
    return "cd '$dir' && : >config-poison.h && echo '#include \"$header\"' >trace.h"
        . " && python3 '$tree/scripts/qapi-gen.py' -b -o qapi '$tree/qapi/qapi-schema.json'"
        . " && { $tracetool $header || $tracetool >$header; }";
}

sub compile {
    my ($tree, $dir, @sources) = @_;
    my $tests = join ' ', map { "-I'$tree/tests/$_'" } '', 'qtest', 'qtest/libqos', 'qtest/fuzz';
    return "cd '$dir' && gcc -c -O2 -std=gnu11 -fno-strict-aliasing $warnings -D_GNU_SOURCE"
        . " -D_FILE_OFFSET_BITS=64 -D_LARGEFILE_SOURCE -I. -Iqapi -I'$top/include' $tests"
        . " -isystem '$tree/linux-headers' -isystem '$tree' -isystem '$tree/include' $glib"
        . " @sources";
}

sub succeeds {
    my ($command, $what) = @_;
    my $output = qx(($command) 2>&1);
    return ok($? == 0, $what) || diag $output;
}

my @device = glob "$own/hw/misc/*.c";
my @qtest = glob "$own/tests/qtest/*.c";
my @fuzz = glob "$own/tests/qtest/fuzz/*.c";

for (@trees) {
    my $tree = unpacked($_);
    my $version = read_version($tree);
    my $dir = tempdir(CLEANUP => 1);
    write_config($dir, $version);
    succeeds(generate($tree, $dir), "QEMU $version: headers are generated") or next;
    succeeds(compile($tree, $dir, @device), "QEMU $version: the device compiles");
    my ($major, $minor) = split /[.]/, $version;
    my $is_meson = $major > 7 || ($major == 7 && $minor >= 2);
    succeeds(compile($tree, $dir, @qtest), "QEMU $version: its qtest compiles")
        if $is_meson || $version =~ /^4\.2\./;
    succeeds(compile($tree, $dir, @fuzz), "QEMU $version: its fuzz targets compile") if $is_meson;
}

done_testing;
