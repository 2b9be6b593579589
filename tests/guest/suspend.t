#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Suspend to RAM and resume: this resets the machine, so the registers have their reset
# values. The driver stays bound, files stay open, and the kernel restores configuration
# space.
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Contract;
use Guest;

# Resume does not work after a PVH boot: it needs the trampoline that a boot loader sets up
local $ENV{KERNEL} = 'bzImage';
my $reset = sprintf '0x%08x', contract('SCRATCH');
my $version = interface_version();

for my $machine ('pc', 'q35') {
    my $guest = boot('suspend', '-machine', $machine, '-device', 'vgpu-stub');
    $guest->good;
    my (undef, @read) = $guest->command('cd $node; cat scratch version bad_access_count');
    is_deeply \@read, [$reset, $version, '0'], "$machine: the registers have their reset values";
    (undef, @read) = $guest->command('cat <&3');
    is_deeply \@read, [$reset], 'a file opened before can be read';
    (undef, @read) = $guest->command('vgpu-probe | grep passed');
    like "@read", qr/^\tall \d+ checks passed$/, 'configuration space is restored';
    my (undef, @log) = $guest->command('dmesg');
    is scalar(grep { /Waking up from system sleep state S3/ } @log), 1, 'the kernel logs the wake-up';
}

done_testing;
