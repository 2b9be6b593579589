# SPDX-License-Identifier: GPL-2.0-or-later
#
# A whole Debian that boots by way of the firmware, with systemd and udev:
#
#   DebianVm::use_disk($dir, $keys);    of tests/vm/make-disk; once, before
#   my $vm = DebianVm->new(@qemu_arguments);    the rest is as Vm.pm has it
#
# KEYS names the firmware's variables: '' trusts nobody and checks nothing, '.ms'
# has Microsoft's keys, and Secure Boot is on. What one boot writes to the disk and to
# the variables is there in the next; DIR stays as it is.
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
        "$work/disk") == 0 or die 'qemu-img cannot make a disk';
    return;
}

sub launcher { return (top_dir() . '/tests/vm/boot', $dir, $work) }

1;
