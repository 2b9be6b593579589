#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Suspend to RAM and resume of a device with queues, idle and busy. The machine is
# reset; the driver starts the queues again and registers the buffers again.
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Chardev;
use Guest;

# resume does not work behind PVH's entry: the trampoline is set up by the loader
local $ENV{KERNEL} = 'bzImage';
local $ENV{GUEST} = chardev_guest();

my $guest = boot('queues-suspend', '-machine', 'q35', '-device', 'vgpu-stub,queues=1');
$guest->good;
chardev_passes($guest, 'chardev work', "after the first sleep");
my (undef, @lines) = $guest->command('cat /tmp/busy');
like "@lines", qr/^ended: told, finished some, cut off (?:some|none), failed 0/,
    'a busy program goes on after the second';
chardev_passes($guest, 'chardev work', "after the second sleep");
my (undef, @log) = $guest->command('dmesg');
is scalar(grep { /Waking up from system sleep state S3/ } @log), 2, 'it did sleep twice';

done_testing;
