# SPDX-License-Identifier: GPL-2.0-or-later
#
# A full Debian VM that boots through UEFI firmware, with systemd and udev:
#
#   DebianVm::use_disk($dir, $keys);    first, with a directory of tests/vm/make-disk
#   my $vm = DebianVm->new(@qemu_arguments);    methods: see Vm.pm
#
# $keys selects the firmware's variable store: '' has no keys and Secure Boot is off,
# '.ms' has Microsoft's keys and Secure Boot is on. Changes to the disk and the
# variables persist from one boot to the next, but do not reach $dir.
package DebianVm;

use strict;
use warnings;
use Contract;
use File::Copy 'copy';
use File::Temp 'tempdir';
use parent 'Vm';

my ($dir, $work);

sub use_disk {
    ($dir, my $keys) = @_;
    $work = tempdir(CLEANUP => 1);
    copy("$dir/OVMF_VARS_4M$keys.fd", "$work/vars.fd") or die "$work/vars.fd: $!";
    system('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', "$dir/disk",
        "$work/disk") == 0 or die 'qemu-img cannot create a disk';
    return;
}

sub launcher { return (top_dir() . '/tests/vm/boot', $dir, $work) }

1;
