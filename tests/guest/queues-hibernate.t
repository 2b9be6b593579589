#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Hibernation of a guest with queues, idle and busy: its memory is saved to a disk, QEMU
# ends, and another QEMU with a new device goes on from the disk.
#
# Needs: setup-demo guest
# Slow: 15 seconds, three boots
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;
use Chardev;
use Contract;
use Guest;

local $ENV{KERNEL} = 'bzImage';
local $ENV{GUEST} = chardev_guest();
my $disk = tempdir(DIR => build_dir(), CLEANUP => 1) . '/disk';
system('truncate', '-s', '512M', $disk) == 0 or die 'no disk';
my @machine = ('-machine', 'q35', '-device', 'vgpu-stub,queues=1',
    '-drive', "file=$disk,format=raw,if=none,id=disk", '-device', 'nvme,serial=1,drive=disk');

sub go_on {
    local $ENV{KERNEL_OPTIONS} = ($ENV{KERNEL_OPTIONS} // '') . ' from_disk=1';
    return boot_until_off('queues-hibernate', @machine);
}

my $first = boot_until_off('queues-hibernate', @machine);
is $first->{status}, 125, 'the guest turned itself off' or diag explain $first->{lines};
chardev_passes($first, 'chardev work # before', 'before');

my $second = go_on();
is $second->{status}, 125, 'and again' or diag explain $second->{lines};
chardev_passes($second, 'chardev work # after the first', 'after the first time');

my $third = go_on();
$third->good or diag explain $third->{lines};
my (undef, @busy) = $third->command('cat /tmp/busy');
like "@busy", qr/^ended: told, finished some, cut off (?:some|none), failed 0/,
    'a busy program goes on after the second time';
chardev_passes($third, 'chardev work # after the second', 'after the second time');
my (undef, $bad) = $third->command('cat /sys/bus/pci/drivers/vgpu_stub/0000:00:01.0/vgpu_stub/bad_access_count');
is $bad, 0, 'no access was wrong';
my (undef, @log) = $third->command('dmesg');
is scalar(grep { /PM: hibernation: hibernation exit/ } @log), 2, 'it did hibernate twice';
is_deeply [grep { /vgpu_stub.*(?:queue \d+:|does not stop|cannot)/ } @log], [], 'the driver has nothing to complain of';

done_testing;
