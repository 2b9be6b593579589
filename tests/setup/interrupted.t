#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Scripts that fill the cache may be killed at any moment and run again, and two runs
# may download the same thing at once. apt-get is a stand-in that downloads small
# packages slowly.
#
# Needs: setup-device
use strict;
use warnings;
use File::Path 'make_path';
use File::Temp 'tempdir';
use Test::More;
use Time::HiRes qw(sleep time);
use Contract;
use Environment;

my $setup = top_dir() . '/tests/setup';
my $archive = tempdir(CLEANUP => 1);
local $ENV{ARCHIVE} = $archive;
local $ENV{PATH} = stand_ins('apt-get' => <<'SHELL') . ":$ENV{PATH}";
case " $* " in
*" indextargets "*) printf '%s http://archive/debian\n' bookworm bookworm-security ;;
*" update "*) sleep 0.1 ;;
*" download "* | *" source "*)
    echo fetched >>$XDG_CACHE_HOME/fetched
    for file in $ARCHIVE/*; do
        head -c 100 $file >${file##*/}
        sleep 0.1
        cp $file .
    done
    ;;
esac
SHELL

# A meson package and a QEMU source package, in the archives' format
sub fill_archive {
    my ($command) = @_;
    system "rm -rf $archive/*";
    my $tree = tempdir(CLEANUP => 1);
    make_path("$tree/package/DEBIAN", "$tree/package/usr/lib/python3/dist-packages", "$tree/qemu/debian/source");
    write_file("$tree/package/usr/lib/python3/dist-packages/mesonbuild", "meson\n");
    write_file("$tree/package/DEBIAN/control", "Package: meson\nVersion: 1\nArchitecture: all\n"
        . "Maintainer: nobody <nobody\@example.org>\nDescription: a test\n");
    write_file("$tree/qemu/VERSION", "10.0\n");
    write_file("$tree/qemu/debian/source/format", "3.0 (native)\n");
    write_file("$tree/qemu/debian/control", "Source: qemu\nMaintainer: nobody <nobody\@example.org>\n\n"
        . "Package: qemu\nArchitecture: all\nDescription: a test\n");
    write_file("$tree/qemu/debian/changelog", "qemu (1) unstable; urgency=low\n\n  * A test.\n\n"
        . " -- nobody <nobody\@example.org>  Thu, 01 Jan 2026 00:00:00 +0000\n");
    my $make = $command eq 'meson' ? "dpkg-deb -b $tree/package $archive/meson.deb"
        : "cd $archive && dpkg-source -b $tree/qemu";
    my ($status, $output) = run_command($make);
    $status == 0 or die $output;
    return;
}

sub start {
    my ($command) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    setpgrp;
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', '/dev/null';
    exec "$setup/$command" or die $!;
}

for my $case (['meson', 'mesonbuild'], ['qemu-source 10.0', 'VERSION']) {
    my ($command, $file) = @$case;
    fill_archive($command);
    local $ENV{XDG_CACHE_HOME} = tempdir(CLEANUP => 1);
    my $begin = time;
    my ($status, $output) = run_command("$setup/$command 2>/dev/null");
    my $whole = time - $begin;
    is $status, 0, "$command: an uninterrupted run";
    my $kills = 0;
    for my $signal ('KILL', 'INT') {
        for my $part (map { $_ / 8 } 1 .. 8) {
            system "rm -rf $ENV{XDG_CACHE_HOME}/vgpu-stub" if $part == 1 / 8;
            my $pid = start($command);
            sleep $part * $whole;
            $kills += kill $signal, -$pid;
            waitpid $pid, 0;
        }
        ($status, $output) = run_command("$setup/$command 2>/dev/null");
        chomp $output;
        is $status, 0, "... succeeds after SIG$signal at eight different moments";
        ok -s "$output/$file", '... its result is complete';
        is join(' ', glob "$ENV{XDG_CACHE_HOME}/vgpu-stub/{,*/}*.part"), '', '... no partial directory is left';
    }
    # killed after the result was complete and before the rest was removed
    mkdir "$output.part" or die "$output.part: $!";
    run_command("$setup/$command 2>/dev/null");
    ok !-e "$output.part", '... a partial directory beside a complete result is removed';
    cmp_ok $kills, '>=', 8, "... the signal hit most runs ($kills of 16)";

    # Two at once
    system "rm -rf $ENV{XDG_CACHE_HOME}/*";
    my @pids = map { start($command) } 1 .. 2;
    my @results = map { waitpid $_, 0; $? } @pids;
    is "@results", '0 0', "$command: two runs at once succeed";
    is qx(cat $ENV{XDG_CACHE_HOME}/fetched), "fetched\n", '... only one of them downloads';
}

done_testing;
