#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The driver is bound and unbound, loaded and unloaded, and used with driver_override.
# While bound, it claims BAR0 and enables the device; afterwards it has released both.
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Contract qw(:DEFAULT project_version);
use Guest;

my $guest = boot('lifecycle', '-machine', express_machine(),
    '-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off',
    '-device', 'pcie-root-port,id=rp0,chassis=1,addr=4',
    '-device', 'vgpu-stub,bus=rp0,queues=0', '-device', 'edu,addr=3');
$guest->good;

my $version = sprintf '%u.%u', contract('VERSION_MAJOR'), contract('VERSION_MINOR');
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
    like "@lines", $pattern, "$what: error message";
    return;
}

# Return the driver's mappings and claimed address ranges; test the enable count and the
# Bus Master bit (4)
sub held {
    my ($what) = @_;
    my (undef, $mappings, @claims) =
        $guest->command('grep -c ioremap /proc/vmallocinfo; grep vgpu_stub /proc/iomem || true');
    my (undef, $enabled, $bits) =
        $guest->command("cat /tmp/device/enable; echo \$((0x\$(setpci -s $slot COMMAND) & 6))");
    is $enabled, $what eq 'bound' ? 1 : 0, "$what: enable count";
    is $bits & 4, 0, "$what: no bus mastering";
    return ($mappings, @claims);
}

my ($before, @none) = held('unloaded');
is_deeply \@none, [], 'unloaded: BAR0 is not claimed';
my ($mappings, @claims) = held('bound');
is $mappings, $before + 1, 'bound through the modalias: one more mapping';
my (undef, $resource) = $guest->command('head -n 1 /tmp/device/resource');
my ($start, $end) = $resource =~ /^0x0*([0-9a-f]+) 0x0*([0-9a-f]+)/;
is scalar @claims, 1, 'bound: one range is claimed';
like $claims[0], qr/^ *0*\Q$start\E-0*\Q$end\E : vgpu_stub$/, 'bound: the range is BAR0';
prints('cat /sys/module/vgpu_stub/version', [project_version()], "the module has the project's version");
is_deeply [held('unbound')], [$before], 'unbound: nothing is mapped or claimed';

prints("cat $device/version", [$version], $_) for 'bind and unbind 200 times',
    'load and unload 50 times', 'bind and unbind 50 times with readers and writers';

fails('echo 0000:00:03.0 >/sys/bus/pci/drivers/vgpu_stub/bind', qr/No such device/,
    'the driver refuses another device');
my (undef, @log) = $guest->command('dmesg');
is scalar(grep { /vgpu_stub 0000:00:03.0: magic is 0x010000ed, not / } @log), 1,
    'the log has the reason';
fails("echo $slot >/sys/bus/pci/drivers/vgpu_stub/bind", qr/No such device/,
    'the driver does not bind a device that driver_override reserves for another');
prints("cat $device/bad_access_count", ['0'], 'no bad accesses');
is_deeply [held('unloaded')], [$before], 'unloaded: nothing is mapped or claimed';

done_testing;
