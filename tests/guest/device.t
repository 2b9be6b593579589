#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest with one device, on pc, on q35 and below a root port: the output of lspci,
# vgpu-probe, the driver's sysfs files and the kernel log.
#
# Needs: setup-demo guest
use strict;
use warnings;
use JSON::PP;
use Test::More;
use Contract;
use Guest;

my %machines = (
    pc => { arguments => ['-machine', 'pc', '-device', 'vgpu-stub,addr=3'],
        slot => '00:03.0' },
    express_machine() => { arguments => ['-machine', express_machine(), '-device', 'vgpu-stub,addr=3'],
        slot => '00:03.0', express => 'Root Complex Integrated Endpoint' },
    'root port' => { arguments => ['-machine', express_machine(), '-device',
            'pcie-root-port,id=rp0,chassis=1,addr=3', '-device', 'vgpu-stub,bus=rp0'],
        slot => '01:00.0', express => 'Endpoint' },
);
delete $machines{pc} if express_machine() ne 'q35';
my ($guest, $machine);

sub lines { my (undef, @lines) = $guest->command(@_); return @lines }
sub status { my ($status) = $guest->command(@_); return $status }
sub hex32 { return sprintf '0x%08x', $_[0] }

# Test that a command succeeds and prints exactly these lines
sub prints {
    my ($command, $expected, $what) = @_;
    my ($status, @lines) = $guest->command($command);
    is_deeply [$status, @lines], [0, @$expected], $what;
}

sub test_lspci {
    my $slot = $machine->{slot};
    my $title = sprintf "$slot Processing accelerators: Red Hat, Inc. Device %04x (rev %02x)",
        contract('DEVICE_ID'), contract('REVISION');
    is scalar(grep { $_ eq $title } lines('lspci')), 1, 'lspci lists the device';

    my $text = join "\n", lines('lspci -k -v -d 1af4:1111');
    like $text, qr/\A\Q$title\E$/m, 'lspci -v: title';
    my $subsystem = sprintf 'Subsystem: Red Hat, Inc. Device %04x', contract('SUBSYSTEM_ID');
    like $text, qr/^\t\Q$subsystem\E$/m, 'lspci -v: subsystem';
    my $size = contract('BAR0_SIZE') / 1024;
    like $text, qr/^\tMemory at [0-9a-f]{8} \(32-bit, non-prefetchable\) \[size=${size}K\]$/m,
        'lspci -v: BAR0';
    my $pm = sprintf '[%02x] Power Management version %u', contract('PM_CAP_OFFSET'),
        contract('PMC') & 7;
    like $text, qr/^\tCapabilities: \Q$pm\E$/m, 'lspci -v: Power Management';
    like $text, qr/^\tKernel driver in use: vgpu_stub$/m, 'lspci -k: driver in use';
    return unlike $text, qr/Express/, 'lspci -v: no Express' unless $machine->{express};
    like $text, qr/^\tCapabilities: \[80\] Express $machine->{express}, /m, 'lspci -v: Express';
}

# All checks of the device's form, without those that need --mmio; without a driver
# bound, also without those that need it
sub expected_checks {
    my ($driven) = @_;
    my $list = decode_json(scalar qx{'@{[build_dir()]}/tools/vgpu-probe' --list-checks --json});
    my $form = !$machine->{express} ? 'conventional' : $machine->{express} =~ /^Root Complex/ ? 'integrated endpoint' : 'endpoint';
    my $of_driver = $driven ? qr/^$/ : qr/^(?:driver|enabled|bar0-decoded)$/;
    return grep { !/^mmio-|^host-|$of_driver/ } map { $_->{id} }
        grep { my $check = $_; grep { $_ eq $form } @{ $check->{forms} } } @{ $list->{all_checks} };
}

# vgpu-probe reads the same bytes as lspci and runs every check
sub test_probe {
    my $probe = decode_json(join '', lines('vgpu-probe --json'));
    my ($found) = @{ $probe->{devices} };
    is scalar @{ $probe->{devices} }, 1, 'vgpu-probe finds one device';
    is $found->{slot}, "0000:$machine->{slot}", 'vgpu-probe: slot';
    is_deeply [map { "$_->{result} $_->{id}" } @{ $found->{checks} }],
        [map { "pass $_" } expected_checks(0)], 'vgpu-probe: every check passes';

    my %dumps = map { /^(\S+) / => $_ } split /\n\n/, join "\n", lines('lspci -xxx');
    my @bytes = $dumps{ $machine->{slot} } =~ /^[0-9a-f]{2}: (.*)$/mg;
    is substr($found->{config}, 0, 512), join('', @bytes) =~ s/ //gr,
        'vgpu-probe and lspci -xxx read the same bytes';

    my $all = expected_checks(1);
    like join("\n", lines('vgpu-probe')), qr/^\tall $all checks passed$/m, 'vgpu-probe, text: all checks passed';
    is status('su nobody -s /bin/sh -c vgpu-probe'), 4, 'vgpu-probe as nobody: incomplete';
    my ($dumped) = grep { /Processing/ } lines('vgpu-probe >/tmp/dump; lspci -F /tmp/dump');
    like $dumped, qr/^$machine->{slot} Processing accelerators/, 'lspci -F reads the dump of vgpu-probe';
    is status('vgpu-probe -F /tmp/dump'), 0, 'vgpu-probe -F reads its own dump';
}

sub test_sysfs {
    prints('cat version', [interface_version()], 'sysfs: version');
    prints('cat features', [hex32(contract('FEATURE_QUEUES'))], 'sysfs: features');
    prints('cat status', [hex32(contract('STATUS'))], 'sysfs: status');
    prints('cat scratch', [hex32(contract('SCRATCH'))], 'sysfs: scratch');
    prints('cat bad_access_count', ['0'], 'sysfs: bad_access_count');
    prints('echo 0xdeadbeef >scratch; cat scratch', ['0xdeadbeef'], 'sysfs: scratch keeps a value');
    prints('echo 42 >scratch; cat scratch', [hex32(42)], 'sysfs: scratch accepts decimal');
    for my $bad ('0x100000000', 'nonsense') {
        is status("echo $bad >scratch"), 1, "sysfs: scratch rejects $bad";
    }
    is status('echo 1 >version'), 1, 'sysfs: version is read-only';
    prints('cat scratch bad_access_count', [hex32(42), '0'],
        'sysfs: rejected writes change nothing');
    my @modes = lines(q(ls -l . | awk 'NR > 1 { print $1, $NF }'));
    is_deeply \@modes, ['-r--r--r-- bad_access_count', '-r--r--r-- features',
        '-r-------- registers', '-rw-r--r-- scratch', '-r--r--r-- status', '-r--r--r-- version'], 'sysfs: modes';
    is status(q(su nobody -s /bin/sh -c 'cat version')), 0, 'sysfs: readable by nobody';
}

# The device does not respond in D3hot and keeps its registers
sub test_power {
    my ($asleep) = $guest->commands(qr/setpci .*=3$/);
    my ($awake) = $guest->commands(qr/setpci .*=0$/);
    is status($asleep), 0, 'put the device into D3hot';
    my ($read) = $guest->commands(qr{^cat /sys/.*/scratch$});
    my ($write) = $guest->commands(qr{^echo 1 >/sys/.*/scratch$});
    for my $command ($read, $write) {
        my ($status, @lines) = $guest->command($command);
        is $status, 1, 'D3hot: sysfs access fails';
        like "@lines", qr/No such device/, 'D3hot: the error is ENODEV';
    }
    is status($awake), 0, 'return the device to D0';
    prints($read, [hex32(42)], 'D0: scratch has kept its value');
    return $read;
}

sub test_lifecycle {
    my ($read) = @_;
    my ($unbind) = $guest->commands(qr{/unbind$});
    my ($bind) = $guest->commands(qr{/bind$});
    my ($list) = $guest->commands(qr{^ls /sys});
    my ($remove) = $guest->commands(qr{/remove;});
    my ($version) = $guest->commands(qr{^cat /sys/.*/version$});
    is status($unbind), 0, 'unbind';
    is status($list), 1, 'unbound: the sysfs files are gone';
    is status($bind), 0, 'bind';
    prints($read, [hex32(42)], 'bound again: scratch has kept its value');
    is status('rmmod vgpu_stub'), 0, 'rmmod';
    unlike join("\n", lines('lspci -k -d 1af4:1111')), qr/driver in use/, 'rmmod: no driver in use';
    is status('modprobe vgpu_stub'), 0, 'modprobe';
    is status('modprobe vgpu_stub'), 0, 'modprobe again, after rmmod';
    prints($read, [hex32(42)], 'loaded again: scratch has kept its value');
    is status($remove), 0, 'remove the device, then rescan the bus';
    is status($version), 0, 'rescan: the driver binds again';
    my $probe = decode_json(join '', lines('vgpu-probe --json'));
    is $probe->{exit_status}, 0, 'rescan: vgpu-probe passes';
}

sub test_log {
    my ($status, @log) = $guest->command('dmesg');
    is $status, 0, 'read the kernel log';
    my @ours = grep { /vgpu_stub 0000:$machine->{slot}: / } @log;
    my $version = interface_version();
    is scalar(grep { !/: vgpu-stub, interface version \Q$version\E$/ } @ours), 0,
        'the driver logs only that it bound the device' or diag @ours;
    is scalar @ours, 4, 'it logs one line for each bind';
    my @pci = grep { /pci 0000:$machine->{slot}: .*(?:fail|can't|invalid|error)/i } @log;
    is "@pci", '', 'the PCI core logs no error about the device';
}

for my $name (sort keys %machines) {
    subtest $name => sub {
        $machine = $machines{$name};
        $guest = boot('check', @{ $machine->{arguments} });
        $guest->good;
        test_lspci();
        test_probe();
        test_sysfs();
        test_lifecycle(test_power());
        test_log();
    };
}

done_testing;
