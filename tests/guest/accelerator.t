#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/guest/accelerator: KVM is used if it runs a guest, and not because there is a
# /dev/kvm. /dev and /proc/cpuinfo are stand-ins, and so is KVM: a QEMU under TCG, or
# one that ends as a QEMU does whose /dev/kvm fails.
#
# Needs: setup-device
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Environment;

my $top = top_dir();
my $dir = tempdir(CLEANUP => 1);
delete local @ENV{qw(DEVICE VM_ACCEL)};

# What the script prints where /dev/kvm has a mode or is not there, the processor has
# flags, and the emulator is a shell script
sub accelerator {
    my ($mode, $flags, $qemu) = @_;
    write_file("$dir/cpuinfo", "flags\t\t: fpu $flags sse2\n");
    local $ENV{QEMU_VGPU} = stand_ins(qemu => $qemu) . '/qemu';
    my $kvm = $mode eq '' ? '' : "touch $dir/dev/kvm; chmod $mode $dir/dev/kvm;";
    my ($status, $output) = in_namespace('--mount', "rm -rf $dir/dev; mkdir $dir/dev; $kvm"
        . "for node in null zero urandom; do touch $dir/dev/\$node; mount --bind /dev/\$node $dir/dev/\$node; done;"
        . "mount --rbind $dir/dev /dev; mount --bind $dir/cpuinfo /proc/cpuinfo; $top/tests/guest/accelerator");
    is $status, 0, 'the exit status';
    return $output;
}

my $must_not_run = 'echo run >&2; exit 1';
my $tcg = 'exec qemu-system-x86_64 $(sed "s/-accel kvm -cpu host/-accel tcg/" <<<"$*")';
is accelerator('', 'vmx', $must_not_run), "tcg: there is no /dev/kvm\n", 'no /dev/kvm';
is accelerator(666, 'vmxoff', $must_not_run), "tcg: the processor has no vmx or svm for /dev/kvm\n",
    'a processor without the extension';
for my $flag ('vmx', 'svm') {
    is accelerator(666, $flag, $tcg), "kvm\n", "$flag, and a guest ends";
}
is accelerator(666, 'vmx', 'echo "qemu: failed to initialize kvm: No such file or directory" >&2; exit 1'),
    "tcg: /dev/kvm does not work: qemu: failed to initialize kvm: No such file or directory\n",
    'a /dev/kvm that cannot be initialized';
is accelerator(666, 'vmx', 'exit 0'), "tcg: /dev/kvm does not work: \n", 'a guest that resets';
is accelerator(666, 'vmx', 'exec sleep 60'), "tcg: a guest that /dev/kvm runs does not end\n", 'a guest that hangs';
{
    local $ENV{VM_ACCEL} = 'kvm';
    is accelerator('', '', $must_not_run), "kvm\n", 'VM_ACCEL decides';
}

done_testing;
