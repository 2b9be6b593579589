#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-probe in guests: as root and as nobody, with and without the driver, across power
# states, a reset and a removal, under kernel lockdown, and without a device.
#
# Needs: setup-demo setup-probe guest
use strict;
use warnings;
use JSON::PP;
use Test::More;
use Contract;
use Guest;

my %machines = (
    pc => ['-machine', 'pc', '-device', 'vgpu-stub,addr=3,queues=0'],
    'root port' => ['-machine', 'q35', '-device', 'pcie-root-port,id=rp0,chassis=1,addr=3',
        '-device', 'vgpu-stub,bus=rp0,queues=4'],
);
my %queues = ('root port' => 4);
my $with_strace = build_dir() . '/guest-probe';
my ($guest, $slot);

sub lines { my (undef, @lines) = $guest->command(@_); return @lines }
sub text { return join "\n", lines(@_) }
sub json { return decode_json(text(@_)) }

sub ids {
    my ($json, $result) = @_;
    return join ' ', map { $_->{id} } grep { $_->{result} eq $result } @{ $json->{devices}[0]{checks} };
}

# The IDs of the findings that --quiet prints
sub quiet_ids {
    my @ids = map { /^\S+ (?:FAIL|WARN|unknown) (\S+):/ ? $1 : "?$_" } lines(@_);
    return join ' ', @ids;
}

# The registers of the queues before a driver has set them up
sub test_queues {
    my ($registers, $queues) = @_;
    return is $registers->{each_queue}, undef, 'no queues' unless $queues;
    is_deeply [map { "$_->{state} $_->{error}" } @{ $registers->{each_queue} }], [('disabled ') x $queues],
        'each queue is disabled';
    is $registers->{vectors}, $queues + 1, 'one vector per queue, and one for events';
    is $registers->{version}, contract('VERSION_QUEUES'), 'interface version of a device with queues';
    return;
}

# The driver uses as many as there are processors, one here
sub test_driven_queues {
    my ($registers, $queues) = @_;
    return is $registers->{each_queue}, undef, 'no queues' unless $queues;
    my ($first, @others) = @{ $registers->{each_queue} };
    is "$first->{state} $first->{error}", 'running ', 'the driver runs a queue';
    isnt $first->{sq}, 0, '... which has a ring';
    is_deeply [map { $_->{state} } @others], [('disabled') x ($queues - 1)], 'the other queues are disabled';
    like text(q{su nobody -s /bin/sh -c 'vgpu-probe --mmio'}), qr/BAR0\+0x004  version.*run as root for the rest/s,
        'nobody: sees some registers';
    return;
}

sub test_unbound {
    my ($queues) = @_;
    my ($lspci) = lines('lspci -D -nn -d 1af4:1111');
    ($slot) = $lspci =~ /^(\S+)/;
    my $json = json('vgpu-probe -D -nn --json');
    is $json->{devices}[0]{title}, $lspci, 'the first line is the same as in lspci';
    is $json->{exit_status}, 0, 'without the driver: all passed';
    is $json->{devices}[0]{kernel}{driver}, undef, 'no driver is bound';
    my $mmio = json('vgpu-probe --mmio --json');
    my $source = $mmio->{devices}[0]{registers}{source};
    my ($command) = map { $_->{value} } grep { $_->{name} eq 'Command' } @{ $mmio->{devices}[0]{fields} };
    is $source, $command & 2 ? 'bar0' : undef, '--mmio reads the registers from BAR0';
    is $mmio->{exit_status}, 0, '--mmio: all passed';
    test_queues($mmio->{devices}[0]{registers}, $queues) if $source;
}

sub test_nobody {
    my ($status, @lines) = $guest->command(q{su nobody -s /bin/sh -c 'vgpu-probe --json'});
    is $status, 4, 'nobody: incomplete';
    my $json = decode_json(join '', @lines);
    is length $json->{devices}[0]{config}, 128, 'nobody: 64 bytes';
    is ids($json, 'fail'), '', 'nobody: nothing failed';
    like ids($json, 'unknown'), qr/\bpmc-version\b.*\bcap-bounds\b/, 'nobody: the capabilities are unknown';
    unlike ids($json, 'unknown'), qr/\b(?:vendor-id|bar0-size|kernel-ids)\b/, 'nobody: the header is known';
    like quiet_ids(q{su nobody -s /bin/sh -c 'vgpu-probe --mmio --quiet'}), qr/\bmmio-magic\b/,
        'nobody: BAR0 is unknown';
    my $report = text(q{su nobody -s /bin/sh -c 'vgpu-probe report'});
    like $report, qr/run as root for the rest/, 'nobody: report says that it is incomplete';
}

sub test_driven {
    my ($queues) = @_;
    my $json = json('vgpu-probe --mmio --json; true');
    my $device = $json->{devices}[0];
    is $json->{exit_status}, 0, 'with the driver: all passed';
    is $device->{registers}{source}, 'driver', 'the registers come from the driver';
    is $device->{registers}{version}, contract($queues ? 'VERSION_QUEUES' : 'VERSION'), 'registers: version';
    is $device->{registers}{bad_access_count}, 0, 'reading causes no bad access';
    test_driven_queues($device->{registers}, $queues);
    is $device->{kernel}{driver}, 'vgpu_stub', 'kernel: driver';
    is $device->{kernel}{power_state}, 'D0', 'kernel: power state';
    is $device->{kernel}{enable}, 1, 'kernel: enable count';
    is $device->{kernel}{resource0}{size}, contract('BAR0_SIZE'), 'kernel: size of BAR0';
    is text('vgpu-probe --quiet --mmio'), '', '--quiet prints nothing';
    my @kernel = grep { /Kernel/ } lines('lspci -k -d 1af4:1111');
    is_deeply [lines('vgpu-probe -k | grep -a Kernel')], \@kernel, '-k prints the same as lspci -k';
    my ($bytes, $count, $short) = lines("cd /sys/bus/pci/drivers/vgpu_stub/$slot/vgpu_stub;"
        . ' wc -c <registers; cat bad_access_count; dd if=registers bs=4 skip=511 2>/dev/null | wc -c');
    is_deeply [$bytes, $count, $short], [contract('WIN_DOORBELL'), 0, 4], 'reading the file of all registers';
    my $report = text('vgpu-probe report');
    like $report, qr/^machine maker +QEMU$/m, 'report: machine';
    like $report, qr/^\[.*vgpu_stub \Q$slot\E: vgpu-stub, interface version/m, 'report: kernel log';
}

sub test_readonly {
    my ($status) = $guest->command('strace -f -o /tmp/trace vgpu-probe -v -k -xxxx --mmio');
    is $status, 0, 'passes under strace';
    my ($found, @writes) = $guest->command(
        q{grep -E 'O_WRONLY|O_RDWR|O_CREAT|MAP_SHARED.*PROT_WRITE|PROT_WRITE.*MAP_SHARED' /tmp/trace});
    is_deeply [$found, @writes], [1], 'opens and maps nothing for writing';
    cmp_ok +(lines(q{grep -c '/config.*O_RDONLY' /tmp/trace}))[0], '>', 0, 'the trace has the reads';
}

sub test_changes {
    is text('vgpu-probe diff /tmp/before live'), '', 'diff: no change';
    my ($status, @lines) = $guest->command('vgpu-probe diff /tmp/before live');
    is $status, 1, 'diff: D3hot is a change';
    like $lines[0], qr/^0x44 .* 0008 -> 000b$/, 'diff: prints the changed field';
    my $asleep = quiet_ids('vgpu-probe --quiet --mmio');
    like $asleep, qr/^power-state mmio-magic /, 'detects D3hot that the kernel does not know of';
    is text('vgpu-probe diff /tmp/before live; true'), '', 'diff: no change after the return to D0';
    is quiet_ids('vgpu-probe --quiet; true'), 'bar0-decoded', 'detects disabled memory decoding';
    is text('vgpu-probe --quiet'), '', 'bound again: all passed';
    my @reset = $guest->commands('/reset;');
    is scalar(@reset), 1, 'the device supports function reset' if $machines{'root port'} == $_[0];
    is text($_), '', 'diff: no change after a reset, because the kernel restores the state' for @reset;
}

sub test_removed {
    my ($status, @lines) = $guest->command('vgpu-probe');
    is $status, 3, 'removed: no device';
    like $lines[0], qr/^vgpu-probe: no device 1af4:1111$/, 'removed: error message';
    like join("\n", @lines), qr/this machine has \d+ PCI devices.*kernel log says.*rescan.*-device vgpu-stub/s,
        'removed: prints hints in order';
    is json('vgpu-probe --json; true')->{exit_status}, 3, 'removed: JSON';
    is text('vgpu-probe --quiet --mmio; true'), '', 'after a rescan: all passed';
}

my ($strace) = grep { -x } map { "$_/strace" } split /:/, $ENV{PATH};
local $ENV{BUILD} = build_dir();
is system(top_dir() . '/tests/guest/add-programs', $with_strace, $strace), 0, 'add strace to the guest';

for my $name (sort keys %machines) {
    subtest $name => sub {
        local $ENV{GUEST} = $with_strace;
        $guest = boot('probe', @{ $machines{$name} });
        test_unbound($queues{$name});
        test_nobody();
        test_driven($queues{$name});
        test_readonly();
        test_changes($machines{$name});
        test_removed();
        $guest->good;
    };
}

subtest 'kernel lockdown' => sub {
    $guest = boot('probe-locked', @{ $machines{'root port'} });
    my ($status, @lines) = $guest->command('vgpu-probe --mmio');
    is $status, 4, 'incomplete';
    like join("\n", @lines), qr/unknown .*magic .*the kernel refuses BAR0: Operation not permitted/,
        'prints that the kernel refuses BAR0';
    my $json = json('vgpu-probe --mmio --json');
    is ids($json, 'fail'), '', 'nothing failed';
    is ids($json, 'unknown'), 'mmio-magic mmio-version mmio-features mmio-feature-queues mmio-status mmio-bad-access',
        'the registers are unknown';
    $guest->good;
};

subtest 'no device' => sub {
    local $ENV{KERNEL_OPTIONS} = 'pci=nomsi';
    $guest = boot('probe-nothing', '-machine', 'q35', '-device', 'VGA');
    my ($status, @lines) = $guest->command('vgpu-probe');
    is $status, 3, 'exit status';
    like join("\n", @lines), qr/near miss: \S+ \[1234:1111\] is QEMU's VGA/, 'prints the near miss';
    like join("\n", @lines), qr/started with 'pci=nomsi'/, 'prints the kernel option';
    is +($guest->command(q{su nobody -s /bin/sh -c vgpu-probe}))[0], 3, 'as nobody';
    $guest->good;
};

done_testing;
