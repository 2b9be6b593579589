#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-run behind QEMU's virtio-iommu: each operation, sizes and depths, all results
# verified, as tests/guest/run.t does it behind intel-iommu. Debian 12's kernel has no
# driver for virtio-iommu, so this boots a newer one.
#
# Needs: setup-demo setup-chroot guest
# Slow: downloads a kernel and its modules
use strict;
use warnings;
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;
use Contract;
use Guest;

my $name = 'bookworm-6.12-cloud';
my $setup = top_dir() . '/tests/setup';

sub output {
    my ($command) = @_;
    chomp(my $text = qx($command));
    die "$command failed" if $?;
    return $text;
}

# A guest with that kernel, its driver of virtio-iommu and ours
sub guest_with_iommu {
    my ($dir) = @_;
    local $ENV{BUILD} = build_dir();
    my ($suite, $release, $version) =
        split ' ', output(qq(awk '\$1 == "$name" { print \$2, \$7, \$8 }' $setup/kernels));
    my $modules = output("$setup/kernel-modules $release $version $suite");
    my $kernel = output("$setup/kernel $name");
    make_path("$dir/root");
    output("xz -dc $modules/kernel/drivers/iommu/virtio-iommu.ko.xz >$dir/root/virtio-iommu.ko");
    output(top_dir() . "/tests/guest/build-guest $kernel $dir/plain >$dir/log 2>&1");
    local $ENV{GUEST} = "$dir/plain";
    output(top_dir() . "/tests/guest/add-programs $dir/guest $dir/root");
    return "$dir/guest";
}

local $ENV{GUEST} = guest_with_iommu(tempdir(DIR => build_dir(), CLEANUP => 1));
local $ENV{KERNEL_OPTIONS} = 'iommu=nopt iommu.strict=1';
my $guest = boot('run-virtio-iommu', '-machine', 'q35', '-device', 'virtio-iommu-pci',
    '-device', 'vgpu-stub,queues=1,addr=3');
$guest->good;
my ($early) = $guest->command('ls /sys/bus/pci/drivers/vgpu_stub | grep :');
is $early, 1, 'without the driver of the IOMMU, the device is not bound';
my (undef, $type) = $guest->command('cat /sys/bus/pci/drivers/vgpu_stub/0*/iommu_group/type 2>/dev/null; true');
is $type, 'DMA', 'its addresses are translated';

my @runs = $guest->commands(qr/^vgpu-run .* -j /);
is scalar @runs, 29, 'operations, sizes and depths';
for my $run (@runs) {
    my ($status, @lines) = $guest->command($run);
    my $json = eval { decode_json(join '', @lines) } // {};
    my ($count) = $run =~ /-n (\d+)/;
    is_deeply [$status, @$json{qw(commands verified error)}], [0, $count, $count, undef], $run or diag @lines;
}

done_testing;
