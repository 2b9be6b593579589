#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The hints that vgpu-probe prints if it finds no device, and the contents of a report.
#
# Needs: setup-probe tools
use strict;
use warnings;
use Test::More;
use JSON::PP;
use Contract;
use Probe;
use Sysfs;

my $id = sprintf '%04x:%04x', contract('VENDOR_ID'), contract('DEVICE_ID');

sub hints_are {
    my ($name, $patterns, @arguments) = @_;
    my ($status, $out, $err) = run_probe(@arguments);
    is $status, 3, "$name: exit status";
    like $err, qr/\Avgpu-probe: no device /, "$name: the message";
    my @found = grep { $err !~ /^  \d+\. .*$_/m } @$patterns;
    is "@found", '', "$name: the hints" or diag $err;
    my ($json_status, $json) = run_probe('--json', @arguments);
    is scalar(@{ decode_json($json)->{hints} }), scalar(() = $err =~ /^  \d+\. /mg), "$name: the same number of hints in JSON";
    return;
}

# a stand-in with a modified device
sub with_device {
    my (@edits) = @_;
    return sysfs(config => config_bytes('conventional', @edits));
}

my @host = ('-device help \| grep vgpu-stub', 'ps -ef \| grep vgpu-stub', 'rescan');
my $vendor = sprintf '%04x', contract('VENDOR_ID');
hints_are 'no PCI', ['no PCI device at all.*CONFIG_PCI', @host],
    '-A', 'linux-sysfs', '-O', 'sysfs.path=/no/such';
hints_are 'other devices', ["this machine has 1 PCI device, 1 of vendor $vendor", @host],
    with_device('2=00,10', 'a=00,02');
hints_are 'QEMU\'s VGA', ['near miss: 0000:00:02.0 \[1234:1111\] is QEMU\'s VGA'],
    with_device('0=34,12', 'a=00,03');
hints_are 'ivshmem', ['near miss: .*1af4:1110\] is ivshmem'], with_device('2=10', 'a=00,05');
hints_are 'the right class', ['near miss: .*1af4:1112\] has the right class, but other IDs'], with_device('2=12');
hints_are 'the wrong class', ["near miss: .*$id\\] has the right IDs, but another class"],
    '-d', "$id:1200", with_device('a=00,03');
hints_are 'another slot', ["near miss: .*$id\\] is a vgpu-stub, but not what"], '-s', '1f.0', with_device();
hints_are 'a dump', ['the dump has 1 PCI device, 1 of vendor', 'near miss'],
    '-d', 'dead:', '-F', probe_dir() . '/dumps/conventional.dump';

# report
my @sysfs = sysfs();
my ($status, $report) = run_probe(@sysfs, 'report');
is $status, 0, 'report: exit status';
for my $part (qr/^vgpu-probe +\d/m, qr/^kernel +Linux /m, qr/^0000:00:02.0 .*\[\Q$id\E\]/m,
    qr/^00: f4 1a 11 11/m, qr/all \d+ checks passed/, qr/^==== kernel log ====$/m, qr/^\tDriver: +none/m)
{
    like $report, $part, "report: $part";
}
chomp(my $host = `uname -n`);
unlike $report, qr/\b\Q$host\E\b/, 'report: no host name';
my @secrets = grep { length > 3 } map { s/\s+\z//r } map { -r $_ ? read_file($_) : () }
    glob('/sys/class/dmi/id/*serial /sys/class/dmi/id/product_uuid /etc/machine-id /sys/class/net/e*/address');
my @told = grep { index($report, $_) >= 0 } @secrets;
is "@told", '', 'report: no serial number and no address';
my @words = grep { !/^(?:pci|pcie_\w+|acpi|iomem|lockdown|iommu)=/ && length > 6 } split ' ', read_file('/proc/cmdline');
my @leaked = grep { $report =~ /(?:^|\s)\Q$_\E(?:\s|$)/ } @words;
is "@leaked", '', 'report: nothing else of the kernel\'s command line';

my $dump = write_file(scratch_dir() . '/report', $report);
my ($again) = run_probe('-F', $dump);
is $again, 0, 'report: can be read as a dump';
($status, $report) = run_probe('-A', 'linux-sysfs', '-O', 'sysfs.path=/no/such', 'report');
is $status, 3, 'report without a device: exit status';
like $report, qr/^no device $id\n1\. /m, 'report without a device: hints';
($status, $report) = run_probe('-F', probe_dir() . '/dumps/conventional.dump', 'report');
is $status, 0, 'report of a dump: exit status';
unlike $report, qr/kernel log/, 'report of a dump: no log of this machine';
unlike $report, qr/^(?:kernel|machine|hypervisor|driver) /m, 'report of a dump: nothing else of this machine';
like $report, qr/^dump +\S+conventional\.dump$/m, 'report of a dump: names it';

done_testing;
