#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Hot-plug below a root port, then orderly and surprise removal while files are open and
# being read: readers end, open files return errors, nothing stays mapped.
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Guest;

# native PCI Express hot-plug instead of ACPI
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
for my $how ('orderly', 'surprise') {
    my (undef, $value) = $guest->command("cat $file");
    is $value, '0x00000000', 'hot-plug: the driver binds';
    if ($how eq 'surprise') {
        fails("cat $file", 'surprise removal: a read fails');
        fails("echo 1 >$file", 'surprise removal: a write fails');
    }
    fails('cat /tmp/reader.* | sort -u', "$how removal: the readers have ended");
    fails('cat <&3; test $? = 1', "$how removal: reading an open file fails");
    fails('echo 1 >&4; test $? = 1', "$how removal: writing an open file fails");
    my (undef, $after) = $guest->command($mapped);
    is $after, $before, "$how removal: nothing stays mapped";
}

done_testing;
