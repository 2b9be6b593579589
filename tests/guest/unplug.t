#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The device is plugged in and taken out of a root port, once with the kernel
# asked before and once without, while files are open and being read: readers
# end, open files fail, nothing stays mapped.
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Guest;

# the kernel, not ACPI, drives the root port's slot
my $guest = boot('unplug', '-machine', express_machine(),
    '-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off',
    '-device', 'pcie-root-port,id=rp0,chassis=1,addr=4');
$guest->good;

sub fails {
    my ($command, $what) = @_;
    my (undef, @lines) = $guest->command($command);
    like "@lines", qr/No such (?:device|file)/, $what;
    return;
}

my $file = '/sys/bus/pci/drivers/vgpu_stub/0000:01:00.0/vgpu_stub/scratch';
my $mapped = 'grep -c ioremap /proc/vmallocinfo';
my (undef, $before) = $guest->command($mapped);
for my $how ('asked', 'unasked') {
    my (undef, $value) = $guest->command("cat $file");
    is $value, '0x00000000', 'plugged in: bound by itself';
    if ($how eq 'unasked') {
        fails("cat $file", 'pulled out: a read fails');
        fails("echo 1 >$file", 'pulled out: a write fails');
    }
    fails('cat /tmp/reader.* | sort -u', "$how: the readers have ended");
    fails('cat <&3; test $? = 1', "$how: a file open for reading fails");
    fails('echo 1 >&4; test $? = 1', "$how: a file open for writing fails");
    my (undef, $after) = $guest->command($mapped);
    is $after, $before, "$how: nothing stays mapped";
}

done_testing;
