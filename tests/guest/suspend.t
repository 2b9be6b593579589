#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Suspend to RAM and resume: the machine is reset, so the registers are; the
# driver stays bound, files stay open, and configuration space is restored.
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Contract;
use Guest;

# resume does not work behind PVH's entry: the trampoline is set up by the loader
local $ENV{KERNEL} = 'bzImage';
my $reset = sprintf '0x%08x', contract('SCRATCH');
my $version = sprintf '%u.%u', contract('VERSION_MAJOR'), contract('VERSION_MINOR');

for my $machine ('pc', 'q35') {
    my $guest = boot('suspend', '-machine', $machine, '-device', 'vgpu-stub');
    $guest->good;
    my (undef, @read) = $guest->command('cd $node; cat scratch version bad_access_count');
    is_deeply \@read, [$reset, $version, '0'], "$machine: the registers are as after a reset";
    (undef, @read) = $guest->command('cat <&3');
    is_deeply \@read, [$reset], 'a file that was open is read';
    (undef, @read) = $guest->command('vgpu-probe | grep passed');
    like "@read", qr/^\tall \d+ checks passed$/, 'configuration space is as it was';
    my (undef, @log) = $guest->command('dmesg');
    is scalar(grep { /Waking up from system sleep state S3/ } @log), 1, 'it did sleep';
}

done_testing;
