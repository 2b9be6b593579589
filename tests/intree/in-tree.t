#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A QEMU with the device built in: the configure option alone enables the device, and
# the device's test in QEMU's tree passes.
#
# Environment: QEMU_BUILD, the build directory, default BUILD/qemu-7.2.
#
# Needs: qemu
# Slow: builds QEMU
use strict;
use warnings;
use Cwd 'abs_path';
use File::Temp 'tempdir';
use Test::More;
use Contract;

my $build = abs_path($ENV{QEMU_BUILD} // build_dir() . '/qemu-7.2');
my $tree = $build =~ s{/[^/]+$}{}r;
my $qemu = "$build/qemu-system-x86_64";
-x $qemu or die "$qemu is not built, run 'make qemu'\n";

like scalar qx('$qemu' -device help), qr/^name "vgpu-stub", bus PCI/m, '-device help lists it';
like scalar qx('$qemu' -device vgpu-stub,help), qr/^vgpu-stub options:$/m, 'vgpu-stub,help lists its options';
like scalar qx('$qemu' -trace help), qr/^vgpu_stub_mmio_read$/m, '-trace help lists its events';

# What Kconfig makes of the option, with all default devices and with those of
# qemu-device/minimal.mak, which does not list this device
my %devices = (defconfig => 'default.mak', allnoconfig => 'vgpu-stub.mak');

sub has_device {
    my ($mode, $option) = @_;
    my $output = qx(cd '$build' && python3 '$tree/scripts/minikconf.py' --$mode \\
        /dev/null /dev/null '$tree/configs/devices/x86_64-softmmu/$devices{$mode}' \\
        '$tree/Kconfig' CONFIG_TCG=y CONFIG_X86_64=y CONFIG_LINUX=y \\
        CONFIG_IVSHMEM=y CONFIG_VGPU_STUB_ALLOWED=$option);
    die "minikconf fails" if $?;
    return $output =~ /^CONFIG_VGPU_STUB=y$/m ? 1 : 0;
}

for my $mode (sort keys %devices) {
    is has_device($mode, 'y'), 1, "--enable-vgpu-stub enables it, $mode";
    is has_device($mode, 'n'), 0, "--disable-vgpu-stub leaves it out, $mode";
}
my $help = do {
    my $dir = tempdir(CLEANUP => 1);
    qx(cd '$dir' && '$tree/configure' --help);
};
like $help, qr/^  vgpu-stub +virtual accelerator stub device$/m, 'configure --help has the option';

# The test in QEMU's tree prints TAP itself
local $ENV{QTEST_QEMU_BINARY} = $qemu;
local $ENV{QTEST_QEMU_IMG} = '/usr/bin/qemu-img'; # without it, no snapshots
my @lines = qx('$build/tests/qtest/vgpu-stub-test' --tap -m quick 2>&1);
is $?, 0, 'vgpu-stub-test exits with 0';
my @passed = map { m{^ok \d+ /x86_64/vgpu-stub/(\S+)} ? $1 : () } @lines;
my ($planned) = map { /^1\.\.(\d+)$/ ? $1 : () } @lines;
is scalar @passed, $planned // 0, 'all of its cases pass' or diag @lines;
is_deeply [sort keys %{ { map { s{^(?:pc|q35|root-port)/}{}r => 1 } @passed } }], [sort { $a cmp $b } cases()],
    'it ran every case in its source';

sub cases {
    open my $file, '<', top_dir() . '/qemu-device/tests/qtest/vgpu-stub-test.c' or die $!;
    my $source = do { local $/; <$file> };
    return $source =~ m{\b(?:add\("|qtest_add_func\("/vgpu-stub/)([^"]+)"}g;
}

done_testing;
