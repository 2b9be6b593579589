#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The driver is bound and unbound, loaded and unloaded, its device is reset, put
# to sleep, lent and reserved: it takes what it gave back, and nothing stays.
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Contract qw(:DEFAULT project_version);
use Guest;

my $guest = boot('lifecycle', '-machine', 'q35',
    '-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off',
    '-device', 'pcie-root-port,id=rp0,chassis=1,addr=4',
    '-device', 'vgpu-stub,bus=rp0', '-device', 'edu,addr=3');
$guest->good;

my $version = sprintf '%u.%u', contract('VERSION_MAJOR'), contract('VERSION_MINOR');
my $reset = sprintf '0x%08x', contract('SCRATCH');
my $device = '/tmp/device/vgpu_stub';
my $slot = '0000:01:00.0';

sub prints {
    my ($command, $expected, $what) = @_;
    my ($status, @lines) = $guest->command($command);
    is_deeply \@lines, $expected, $what or diag explain \@lines;
    return;
}

sub fails {
    my ($command, $pattern, $what) = @_;
    my ($status, @lines) = $guest->command($command);
    is $status, 1, $what;
    like "@lines", $pattern, "$what: it says why";
    return;
}

prints('cat /sys/module/vgpu_stub/version', [project_version()], "the module has the project's version");

my $held = 'grep -c ioremap /proc/vmallocinfo; grep vgpu_stub /proc/iomem || true';
my (undef, @before) = $guest->command($held);
prints("cat $device/version", [$version], $_) for 'bound and unbound 200 times',
    'loaded and unloaded 50 times', 'bound and unbound 50 times under readers and writers';

prints("cat $device/scratch $device/version", [$reset, $version], "$_ reset: the driver goes on")
    for 'function', 'bus';

fails("cat $device/scratch", qr/No such device/, 'D3hot: a read fails');
prints("cat $device/scratch", ['0x0000002a'], 'D0 again: the value was kept');

fails('echo 0000:00:03.0 >/sys/bus/pci/drivers/vgpu_stub/bind', qr/No such device/,
    'somebody else\'s device is refused');
my (undef, @log) = $guest->command('dmesg');
is scalar(grep { /vgpu_stub 0000:00:03.0: magic is 0x010000ed, not / } @log), 1,
    'the log says why';
fails("echo $slot >/sys/bus/pci/drivers/vgpu_stub/bind", qr/No such device/,
    'our device, reserved by driver_override, is left alone');
prints("cat $device/bad_access_count", ['0'], 'no access was wrong');
prints($held, \@before, 'unloaded: nothing is held that was not held before');

done_testing;
