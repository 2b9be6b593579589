#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The preloaded device in the wrong place: another QEMU version, another
# configuration, a QEMU without symbols, a program that is no QEMU. Each gets one
# clear line or is left alone, never a wild error.
#
# Needs: setup-device device
use strict;
use warnings;
use File::Copy 'copy';
use File::Temp 'tempdir';
use Test::More;
use Contract;

my $device = build_dir() . '/device';
my $source = `@{[top_dir()]}/tests/setup/qemu-source 2>/dev/null`;
chomp $source;
my $dir = tempdir(CLEANUP => 1);
my ($version) = `qemu-system-x86_64 --version` =~ /^QEMU emulator version (.*)/;

# Standard output and error together, and the exit status
sub run_command {
    my ($command) = @_;
    my $output = `$command 2>&1 </dev/null`;
    return ($output, $? & 127 ? "signal $?" : $? >> 8);
}

sub one_line {
    my ($output, $pattern, $what) = @_;
    like substr($output, 0, 1000), qr/\A[^\n]*$pattern[^\n]*\n\z/, "$what: one line says what is wrong";
}

sub refused {
    my ($command, $pattern, $what) = @_;
    my ($output, $status) = run_command($command);
    one_line($output, $pattern, $what);
    is $status, 1, "$what: exit status";
}

# The right QEMU
my ($output, $status) = run_command("$device/qemu-vgpu-stub -device help");
like $output, qr/^name "vgpu-stub", bus PCI, desc "[^"]+"/m, '-device help lists the device';
is $status, 0, '-device help ends well';
($output) = run_command('qemu-system-x86_64 -device help');
unlike $output, qr/vgpu-stub/, 'without the preload it is not there';
($output, $status) = run_command("$device/qemu-vgpu-stub -trace help");
like $output, qr/^vgpu_stub_mmio_read$/m, 'trace events are known';

# A device that was built for the version before an upgrade
mkdir "$dir/old";
copy("$device/vgpu-stub.so", "$dir/old/vgpu-stub.so");
my $old = '7.2.1 (Debian 1:7.2+dfsg-1)';
system('gcc', '-shared', '-fPIC', "-DVGPU_BUILT_FOR=\"$old\"", '-o',
    "$dir/old/vgpu-stub-preload.so", top_dir() . '/qemu-device/preload/preload.c') == 0
    or die 'cannot build the old library';
refused("env LD_PRELOAD=$dir/old/vgpu-stub-preload.so qemu-system-x86_64 -device help",
    qr/built for QEMU \Q$old\E, but this is QEMU \Q$version\E; run 'make device'/,
    'another version');

# The right version with nothing beside it, and with a device that does not load
mkdir "$dir/alone";
copy("$device/vgpu-stub-preload.so", "$dir/alone/vgpu-stub-preload.so");
my $alone = "env LD_PRELOAD=$dir/alone/vgpu-stub-preload.so qemu-system-x86_64 -device help";
refused($alone, qr/cannot load the device built for QEMU \Q$version\E: .*; run 'make device'/,
    'no device beside it');

# A device whose configuration differs from QEMU's: PCIDevice has another size
mkdir "$dir/config";
run_command("grep -v CONFIG_INT128 $device/gen/config-host.h >$dir/config/config-host.h");
($output, $status) = run_command("env CPPFLAGS=-I$dir/config "
    . top_dir() . "/qemu-device/preload/build '$source' $dir/small");
is $status, 0, 'a device without CONFIG_INT128 is built' or diag $output;
refused("$dir/small/qemu-vgpu-stub -device help",
    qr/a PCI device has \d+ bytes in this QEMU, \d+ in the headers.*run 'make/,
    'another configuration');

# A QEMU that exports nothing, and programs that are no QEMU
copy('/bin/true', "$dir/qemu-system-x86_64");
chmod 0755, "$dir/qemu-system-x86_64";
refused("env QEMU=$dir/qemu-system-x86_64 $device/qemu-vgpu-stub",
    qr/built for QEMU \Q$version\E, but this qemu-system-x86_64 exports no symbols/,
    'a QEMU without symbols');
($output, $status) = run_command("env LD_PRELOAD=$device/vgpu-stub-preload.so /bin/echo well");
is "$status $output", "0 well\n", 'a program that is no QEMU is left alone';

# Building for a QEMU that cannot be served
my $build = top_dir() . '/qemu-device/preload/build';
refused("$build /nonexistent $dir/out", qr/is no QEMU source tree/, 'no source');
mkdir "$dir/source";
for my $release ('11.0.0', '7.2.999') {
    open my $file, '>', "$dir/source/VERSION" or die;
    print $file "$release\n";
    close $file;
    refused("$build $dir/source $dir/out", qr/QEMU \Q$release\E/, "source of $release");
}

done_testing;
