#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# If QEMU sets a bit of configuration space that vgpu_stub_config.h does not define,
# the device refuses to start and names the offset. No released QEMU does that, so the
# test builds the device without one row of the table.
#
# Needs: setup-device device
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Qmp;

my $dir = tempdir(CLEANUP => 1);
my $top = top_dir();
my $source = `'$top/tests/setup/qemu-source'`;
chomp $source;

sub build_without {
    my ($row) = @_;
    my $header = Qmp::slurp("$top/include/vgpu_stub_config.h");
    $header =~ s/^ {4}ROW\($row,(?:.*\\\n)+?(?= {4}(?:ROW|\/\*))//m or die "no row $row";
    mkdir "$dir/$row";
    open my $file, '>', "$dir/$row/vgpu_stub_config.h" or die "$dir: $!";
    print {$file} $header;
    close $file or die "$dir: $!";
    local $ENV{CPPFLAGS} = "-I$dir/$row";
    my $output = `'$top/qemu-device/preload/build' '$source' '$dir/$row/device' 2>&1`;
    is $?, 0, "the device is built without $row" or diag $output;
    return "$dir/$row/device";
}

# The exit status and all output of a QEMU that starts and quits
sub start {
    my ($device) = @_;
    my $output = `echo quit | timeout 60 '$device/qemu-vgpu-stub' -machine q35 -nodefaults \\
        -display none -S -monitor stdio -device vgpu-stub 2>&1`;
    return ($? >> 8, $output);
}

my ($status) = start(build_dir() . '/device');
is $status, 0, 'with all rows, the device starts';
for my $case (['DEVCAP2_EXT_FORMAT', '0x0a6', '0x10'], ['EXP_NEXT', '0x081', '0x40']) {
    my ($row, $offset, $bits) = @$case;
    my ($without, $output) = start(build_without($row));
    is $without, 1, "without $row, it does not start";
    like $output, qr/: vgpu-stub: QEMU has set bits $bits at $offset of configuration space, which /,
        'the error names bits and offset';
}

done_testing;
