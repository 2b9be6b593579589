#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Devices with the right IDs that violate the specification: the driver refuses each
# with one line in the kernel log. It binds the good devices in the same guest and shows
# their registers.
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Contract;
use Guest;

my $device = build_dir() . '/faulty-device';
my $source = `@{[top_dir()]}/tests/setup/qemu-source`;
chomp $source;
my $built = do {
    local $ENV{EXTRA_SOURCES} = top_dir() . '/tests/guest/faulty-device.c';
    qx('@{[top_dir()]}/qemu-device/preload/build' '$source' '$device' 2>&1);
};
$? == 0 or die "cannot build the faulty device: $built";
$ENV{DEVICE} = $device;

my $newer_major = contract('VERSION') + 0x10000;
my $newer_minor = contract('VERSION_QUEUES') + 1;
my $half = contract('BAR0_SIZE') / 2;

# slot => the fault, and the driver's log message
my %faulty = (
    '04' => ['magic=0xffffffff', qr/magic is 0xffffffff, not 0x[0-9a-f]+: not a vgpu-stub/],
    '05' => ['magic=0', qr/magic is 0x00000000, not /],
    '06' => ["version=$newer_major", qr/interface version 2\.0, this driver knows 1\.x/],
    '07' => ['version=0', qr/interface version 0\.0, this driver knows 1\.x/],
    '08' => ["bar-size=$half", qr/BAR0 is smaller than 0x1000 bytes: \[mem /],
    '09' => ['bar-io=on,bar-size=256', qr/BAR0 is not memory: \[io /],
    '0c' => ['features=1', qr/a limit of the device is 0: /],
);
my %good = (
    '03' => 'vgpu-stub',
    '0a' => "vgpu-stub-faulty,version=$newer_minor",
    '0b' => 'vgpu-stub-faulty,features=0x80000002,status=0x40000001,bad-access=0xffffffff',
);

my $guest = boot('refusals', '-machine', 'pc',
    (map { ('-device', "vgpu-stub-faulty,addr=$_,$faulty{$_}[0]") } sort keys %faulty),
    (map { ('-device', "$good{$_},addr=$_") } sort keys %good));
$guest->good;

my ($status, @listed) = $guest->command('lspci -n -d 1af4:1111');
is scalar @listed, keys(%faulty) + keys(%good), 'lspci lists all devices';
($status) = $guest->command('modprobe vgpu_stub');
is $status, 0, 'the driver loads';

my ($kernel_status, @kernel) = $guest->command('lspci -k -d 1af4:1111');
my (%bound, $slot);
for (@kernel) {
    $slot = $1 if /^00:([0-9a-f]{2})\.0 /;
    $bound{$slot} = 1 if /Kernel driver in use: vgpu_stub/;
}
is_deeply [sort keys %bound], [sort keys %good], 'the driver binds exactly the good devices';

my (undef, @log) = $guest->command('dmesg');
for my $slot (sort keys %faulty) {
    my @lines = grep { /vgpu_stub 0000:00:$slot\.0: / } @log;
    is scalar @lines, 1, "$faulty{$slot}[0]: one log message" or diag "@lines";
    like $lines[0] // '', $faulty{$slot}[1], "$faulty{$slot}[0]: it has the reason";
}
is scalar(grep { /probe .* failed with error/ } @log), 0, 'the driver core logs nothing, because the error is -ENODEV';
is scalar(grep { /vgpu_stub 0000:00:03.0: vgpu-stub, interface version 1\.1/ } @log), 1,
    'the driver logs that it bound the good device';

# sysfs shows all 32 bits, and each file shows its own register
my @files = map { "/sys/bus/pci/drivers/vgpu_stub/0000:00:$_.0/vgpu_stub" } '0a', '0b';
my (undef, @values) = $guest->command("cat $files[0]/version");
is_deeply \@values, ['1.2'], 'a newer minor version is shown';
(undef, @values) = $guest->command("cd $files[1]; cat features status scratch bad_access_count");
is_deeply \@values, ['0x80000002', '0x40000001', '0x00000000', '4294967295'],
    'each file shows its own register, unsigned';
($status) = $guest->command('rmmod vgpu_stub');
is $status, 0, 'the driver unloads';

done_testing;
