# SPDX-License-Identifier: GPL-2.0-or-later
#
# A whole Debian that boots by way of the firmware, with systemd and udev:
#
#   DebianVm::pack($chroot, $keys);     from a Chroot 'bookworm-vm'; once
#   my $vm = DebianVm->new(@qemu_arguments);    the rest is as Vm.pm has it
#
# KEYS names the firmware's variables: '' trusts nobody and checks nothing, '.ms'
# has Microsoft's keys, and Secure Boot is on. Disk and variables keep what one
# boot wrote for the next.
package DebianVm;

use strict;
use warnings;
use Contract;
use File::Copy 'copy';
use parent 'Vm';

my $dir;

sub pack {
    my ($chroot, $keys) = @_;
    my ($status, $output) = $chroot->run('/mnt/src/tests/vm/pack-disk');
    die "pack-disk: $output" if $status;
    $dir = $chroot->path('../share');
    copy("$dir/OVMF_VARS_4M$keys.fd", "$dir/vars.fd") or die "$dir/vars.fd: $!";
    return;
}

sub launcher { return (top_dir() . '/tests/vm/boot', $dir) }

1;
