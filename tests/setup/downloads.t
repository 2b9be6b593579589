#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Scripts that fill the cache, when the archives are unreachable, the disk is too small
# or apt hangs: each fails quickly, with an error message that says what to do.
#
# Needs: setup-test
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Environment;

my $top = top_dir();
my $setup = "$top/tests/setup";
my $dir = tempdir(CLEANUP => 1);
local $ENV{XDG_CACHE_HOME} = $dir;
my $kernel = '6.1.0-1-cloud-amd64';
my @fetching = ('qemu-source 10.0', "kernel-image $kernel 6.1.1", 'kernel bookworm-6.1-cloud',
    'linux-source', 'meson', 'qemu-in-tree 10.0');

sub last_line {
    my ($output) = @_;
    return (split /\n/, $output)[-1] // '';
}

for my $command ('qemu-source 10.0', 'meson') {
    my ($status, $output) = offline("$setup/$command");
    is $status, 1, "$command without network: exit status";
    like last_line($output), qr/^apt-private: cannot reach the Debian archives \(Err:.*: Temporary failure/,
        '... the last line gives the reason';
    unlike $output, qr/upgrade/, '... and does not suggest an upgrade';
}

for my $command (@fetching, 'chroot bookworm', 'build-kernel clang') {
    local $ENV{PATH} = stand_ins(mmdebstrap => 'exit 1') . ":$ENV{PATH}";
    my ($status, $output) = on_small_disk(12 * 1024, "XDG_CACHE_HOME=/mnt $setup/$command");
    is $status, 1, "$command on a 12 MiB disk: exit status";
    like $output, qr{\Acheck-space: /mnt/vgpu-stub/\S+ needs \d{3,4} MiB, but its disk has only 1[012] MiB free: [^\n]*\n\z},
        '... one line says how much space it needs';
}
my ($status, $output) = on_small_disk(12 * 1024, "make -s -C $top BUILD=/mnt/build device");
isnt $status, 0, 'make device on a 12 MiB disk: fails';
like $output, qr{\Acheck-space: /mnt/build needs 60 MiB, but its disk has only 1[12] MiB free}, '... and says how much space it needs';

# apt hangs: this stand-in for timeout(1) reports a time-out at once
{
    local $ENV{PATH} = stand_ins(timeout => 'echo "timeout $*" >>$XDG_CACHE_HOME/told; exit 124') . ":$ENV{PATH}";
    for my $command ('update', 'download x', 'source x') {
        ($status, $output) = run_command("$setup/apt-private $command");
        is $status, 1, "'apt-get $command' hangs: exit status";
        like $output, qr/\Aapt-private: 'apt-get .*$command' timed out after \d+ s; [^\n]*\n\z/, '... and a one-line error';
    }
    like $_, qr/^timeout --foreground -k 10 \d+ apt-get /, '... apt-get runs under timeout'
        for split /\n/, qx(cat $dir/told);
}

# The archives are reachable but do not have the version
for my $answer ("E: Version '1' for 'x' was not found", 'E: Unable to locate package x',
    'E: Unable to find a source package for x', "E: Can not find version '1' of package 'x'") {
    local $ENV{PATH} = stand_ins(timeout => qq(echo "$answer" >&2; exit 100)) . ":$ENV{PATH}";
    ($status) = run_command("$setup/apt-private download x=1");
    is $status, 2, "$answer: exit status";
}
local $ENV{PATH} = stand_ins(timeout => '[[ $* = *update* ]] || { echo "E: Version 1 was not found" >&2; exit 100; }') . ":$ENV{PATH}";
($status, $output) = run_command("$setup/qemu-source 10.0");
like last_line($output), qr/^qemu-source: the archives no longer have qemu 1:10\.0/, 'no such QEMU version: the error says so';
($status, $output) = run_command("$setup/kernel-image $kernel 6.1.1");
like last_line($output), qr/^fetch-packages: the archives no longer have linux-image-$kernel 6\.1\.1; upgrade .*: apt-get /,
    'no such kernel version: the error says so, and what to run';

done_testing;
