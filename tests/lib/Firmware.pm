# SPDX-License-Identifier: GPL-2.0-or-later
#
# Firmware that only halts the CPU, so that a machine without a guest can run:
#
#   my @arguments = halting_firmware();     of QEMU
package Firmware;

use strict;
use warnings;
use Exporter 'import';
use File::Temp 'tempdir';

our @EXPORT = qw(halting_firmware);

# "cli; hlt; jmp" at the reset vector
sub halting_firmware {
    my $path = tempdir(CLEANUP => 1) . '/firmware';
    my $bytes = "\0" x 65536;
    substr $bytes, 0xfff0, 4, "\xfa\xf4\xeb\xfc";
    open my $file, '>:raw', $path or die "$path: $!";
    print $file $bytes;
    close $file or die "$path: $!";
    return ('-bios', $path);
}

1;
