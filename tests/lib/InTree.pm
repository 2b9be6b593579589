# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run a test of another directory with the QEMU that has the device in its tree, instead
# of the preloaded device:
#
#   InTree::run('tests/qtest/device.t');
package InTree;

use strict;
use warnings;
use Contract;

sub run {
    my ($test) = @_;
    $ENV{BUILD} = build_dir();
    $ENV{QEMU_VGPU} = "$ENV{BUILD}/qemu-7.2/qemu-system-x86_64";
    exec $^X, (map { "-I$_" } @INC), top_dir() . "/$test" or die "$test: $!";
}

1;
