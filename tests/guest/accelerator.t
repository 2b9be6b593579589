#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/guest/accelerator: it chooses KVM only if KVM can run a guest, not because
# /dev/kvm exists. /dev and /proc/cpuinfo are stand-ins. So is KVM: a QEMU under TCG, or
# a script that fails like QEMU with a broken /dev/kvm. And under TCG, each guest can have
# two processors, because QEMU 7.2 omits the memory barriers of one that cannot.
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

# Run the script with /dev/kvm of this mode ('' for none), these processor flags, and a
# shell script as the emulator; return its output
sub accelerator {
    my ($mode, $flags, $qemu) = @_;
    write_file("$dir/cpuinfo", "flags\t\t: fpu $flags sse2\n");
    local $ENV{QEMU_VGPU} = stand_ins(qemu => $qemu) . '/qemu';
    my $kvm = $mode eq '' ? '' : "touch $dir/dev/kvm; chmod $mode $dir/dev/kvm;";
    my ($status, $output) = in_namespace('--mount', "rm -rf $dir/dev; mkdir $dir/dev; $kvm"
        . "for node in null zero urandom; do touch $dir/dev/\$node; mount --bind /dev/\$node $dir/dev/\$node; done;"
        . "mount --rbind $dir/dev /dev; mount --bind $dir/cpuinfo /proc/cpuinfo; $top/tests/guest/accelerator");
    is $status, 0, 'exit status';
    return $output;
}

my $must_not_run = 'echo run >&2; exit 1';
my $tcg = 'exec qemu-system-x86_64 $(sed "s/-accel kvm -cpu host/-accel tcg/" <<<"$*")';
is accelerator('', 'vmx', $must_not_run), "tcg: no /dev/kvm\n", 'no /dev/kvm';
is accelerator(666, 'vmxoff', $must_not_run), "tcg: /dev/kvm exists, but the processor has no vmx or svm\n",
    'a processor without vmx or svm';
for my $flag ('vmx', 'svm') {
    is accelerator(666, $flag, $tcg), "kvm\n", "$flag, and the guest ends";
}
is accelerator(666, 'vmx', 'echo "qemu: failed to initialize kvm: No such file or directory" >&2; exit 1'),
    "tcg: /dev/kvm does not work: qemu: failed to initialize kvm: No such file or directory\n",
    'a /dev/kvm that cannot be initialized';
is accelerator(666, 'vmx', 'exit 0'), "tcg: /dev/kvm does not work: \n", 'a guest that resets';
is accelerator(666, 'vmx', 'exec sleep 60'), "tcg: a test guest hangs under KVM\n", 'a guest that hangs';
{
    local $ENV{VM_ACCEL} = 'kvm';
    is accelerator('', '', $must_not_run), "kvm\n", 'VM_ACCEL overrides the tests';
}

# Whether the guest can have a second processor; the emulator is a script
sub can_have_two {
    my ($accel, @arguments) = @_;
    local @ENV{qw(VM_ACCEL QEMU_VGPU)} = ($accel, stand_ins(qemu => 'echo "$*"; exit 33') . '/qemu');
    return qx($top/tests/guest/vm check @arguments) =~ / -smp 1,maxcpus=2 /;
}

ok can_have_two('tcg', '-device', 'vgpu-stub'), 'TCG: the guest can have two processors';
ok !can_have_two('tcg', '-smp', 4), '... unless the test says how many';
ok !can_have_two('kvm', '-device', 'vgpu-stub'), 'KVM: it need not';

done_testing;
