#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-probe knows where its bytes come from, whichever option named the source: it never
# takes a dump for this machine, and for a function that is not in sysfs it shows nothing
# from the kernel.
#
# Needs: setup-probe tools
use strict;
use warnings;
use File::Path 'make_path';
use JSON::PP;
use Test::More;
use Contract;
use Probe;
use Sysfs;

sub json_of { return decode_json((run_probe('--json', @_))[1]) }

sub ids {
    my ($json, $result) = @_;
    return join ' ', map { $_->{id} } grep { $_->{result} eq $result } @{ $json->{devices}[0]{checks} };
}

# libpci's access method for dumps
my $good = probe_dir() . '/dumps/conventional.dump';
my @method = ('-A', 'dump', '-O', "dump.name=$good");
is_deeply json_of(@method), json_of('-F', $good), '-A dump is -F';
for my $options (['-F', $good], \@method) {
    my ($status, $out, $err) = run_probe('--mmio', @$options);
    is "$status $out", '2 ', "@$options --mmio: refused";
    is $err, "vgpu-probe: $good: --mmio reads a device, this is a dump\n", "@$options --mmio: the reason";
}
like +(run_probe('-A', 'dump'))[2], qr/\Avgpu-probe: -A dump: name the file with -O dump.name=FILE\n\z/,
    '-A dump without a name';
my $crafted = write_file(scratch_dir() . '/crafted', "00:02.0 x\nffffffff: 00\nfffffff0: 00\n");
is +(run_probe('-A', 'dump', '-O', "dump.name=$crafted"))[0], 2, 'an offset before the buffer is refused';
is_deeply json_of('-A', 'linux-sysfs', '-O', "dump.name=$good", '-F', $good), json_of('-F', $good),
    '-F overrides an access method';

# a function that is in /proc/bus/pci but not in sysfs
sub procfs {
    my ($config) = @_;
    my $proc = scratch_dir() . '/proc';
    make_path("$proc/00");
    my @bases = (unpack('V', substr $config, 0x10, 4), (0) x 6);
    my @sizes = (contract('BAR0_SIZE'), (0) x 6);
    write_file("$proc/devices", join("\t", '0010', '1af41111', 0, map { sprintf '%x', $_ } @bases, @sizes) . "\t\n");
    write_file("$proc/00/02.0", $config);
    return ('-A', 'linux-proc', '-O', "proc.path=$proc");
}

my @proc = procfs(config_bytes('conventional'));
my $json = json_of(@proc, '-O', 'sysfs.path=/no/such');
is $json->{exit_status}, 4, 'no sysfs: incomplete';
is ids($json, 'fail'), '', 'no sysfs: nothing failed';
is ids($json, 'unknown'), 'bar0-assigned bar0-size bar0-resource kernel-ids interrupts', 'no sysfs: what the kernel knows';
is $json->{devices}[0]{kernel}, undef, 'no sysfs: no kernel in JSON';
$json = json_of('--mmio', @proc, '-O', 'sysfs.path=/no/such');
like ids($json, 'unknown'), qr/mmio-magic mmio-version/, 'no sysfs: no registers';
is $json->{devices}[0]{registers}{source}, undef, 'no sysfs: BAR0 is not read';

# sysfs has another device in that slot, with registers
my @other = sysfs(slot => '0000:00:02.0', resource0 => registers(), device => '0x1110');
$json = json_of('--mmio', @proc, @other[2, 3]);
is $json->{devices}[0]{registers}{source}, undef, 'another device in sysfs: its BAR0 is not read';
like ids($json, 'fail'), qr/\bkernel-ids\b/, 'another device in sysfs: kernel-ids fails';
@other = sysfs(slot => '0000:00:02.0', resource0 => registers(),
    resource => "0x00000000febfe000 0x00000000febfefff 0x0000000000040200\n");
$json = json_of('--mmio', @proc, @other[2, 3]);
is $json->{devices}[0]{registers}{source}, undef, 'another address in sysfs: BAR0 is not read';

done_testing;
