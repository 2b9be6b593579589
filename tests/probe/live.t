#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-probe's checks of the kernel's view and of BAR0, good and faulty, with stand-ins
# for sysfs. tests/guest/probe.t runs it on real kernels.
#
# Needs: setup-probe tools
use strict;
use warnings;
use Test::More;
use JSON::PP;
use Contract;
use Probe;
use Sysfs;

sub ids {
    my ($json, $result) = @_;
    my @findings = map { @{ $_->{checks} } } @{ $json->{devices} };
    return join ' ', map { $_->{id} } grep { $_->{result} eq $result } @findings;
}

# A run, with the checks that fail and those that are unknown
sub probe_is {
    my ($name, $status, $fail, $unknown, @options) = @_;
    subtest $name => sub {
        my ($got, $out, $err) = run_probe('--json', @options);
        my $json = eval { decode_json($out) } // {};
        is $got, $status, 'exit status';
        is ids($json, 'fail'), $fail, 'failed checks';
        is ids($json, 'unknown'), $unknown, 'unknown checks';
        is $err, '', 'nothing on standard error';
    };
    return;
}

my $behind_header = join ' ', contract_checks('CONVENTIONAL', 0x40), 'unused cap-bounds cap-alignment cap-loop cap-id pm',
    'cap-duplicate cap-unlisted cap-overlap';
my $mmio = 'mmio-magic mmio-version mmio-features mmio-feature-queues mmio-status mmio-bad-access';
my @driven = (driver => 'vgpu_stub', enable => 1, power_state => 'D0');
my $short = substr config_bytes('conventional'), 0, 64;

probe_is 'no driver', 0, '', '', sysfs();
probe_is 'with the driver', 0, '', '', sysfs(@driven);
probe_is 'Express', 0, '', '', sysfs(config => config_bytes('endpoint'), reset => '', reset_method => 'flr bus');
probe_is 'a kernel without power_state and reset_method', 0, '', '',
    sysfs(config => config_bytes('endpoint'), reset => '', power_state => undef);
probe_is '64 bytes, as the kernel gives them to users', 4, '', "$behind_header power-state",
    sysfs(@driven, config => $short);
probe_is '64 bytes that are wrong', 1, 'bar1', "$behind_header power-state",
    sysfs(config => substr(config_bytes('conventional', '14=01'), 0, 64));

# the kernel remembers the IDs of a device that was removed
probe_is 'all ones', 1, 'answers', '', '--mmio', sysfs(resource0 => registers(),
    config => "\xff" x 4096, vendor => '0x1af4', device => '0x1111');

# each check of the kernel's view fails once
probe_is 'kernel-ids', 1, 'kernel-ids', '', sysfs(class => '0x030000');
probe_is 'kernel-ids, one missing', 4, '', 'kernel-ids', sysfs(revision => undef);
probe_is 'kernel-ids, one garbled', 4, '', 'kernel-ids', sysfs(revision => 'garbage');
probe_is 'bar0-assigned', 1, 'bar0-assigned bar0-resource', '', sysfs(resource =>
    sprintf "0x%016x 0x%016x 0x%016x\n", 0, contract('BAR0_SIZE') - 1, 0x20040200);
probe_is 'no BAR0 at all', 1, 'bar0-assigned bar0-size bar0-resource', '',
    sysfs(resource => "0x0000000000000000 0x0000000000000000 0x0000000000000000\n");
probe_is 'bar0-size', 1, 'bar0-size', '',
    sysfs(resource => "0x00000000febff000 0x00000000febff7ff 0x0000000000040200\n");
probe_is 'bar0-resource, moved', 1, 'bar0-resource', '',
    sysfs(resource => "0x00000000febfe000 0x00000000febfefff 0x0000000000040200\n");
probe_is 'bar0-resource, prefetchable', 1, 'bar0-resource', '',
    sysfs(resource => "0x00000000febff000 0x00000000febfffff 0x0000000000042208\n");
probe_is 'no resource', 4, '', 'bar0-assigned bar0-size bar0-resource', sysfs(resource => undef);
probe_is 'resource garbled', 4, '', 'bar0-assigned bar0-size bar0-resource', sysfs(resource => "x\n");
probe_is 'driver', 1, 'driver', '', sysfs(@driven, driver => 'snd_hda_intel');
probe_is 'driver that passes the device on', 0, '', '', sysfs(@driven, driver => 'vfio-pci', enable => 0);
probe_is 'enabled', 1, 'enabled', '', sysfs(@driven, enable => 0);
probe_is 'enabled unknown', 4, '', 'enabled', sysfs(@driven, enable => undef);
probe_is 'bar0-decoded', 1, 'bar0-decoded', '',
    sysfs(@driven, config => config_bytes('conventional', '4=00'));
probe_is 'power-state', 1, 'power-state', '',
    sysfs(@driven, config => config_bytes('conventional', '44=0b'));
probe_is 'power state, D3hot', 0, '', '',
    sysfs(@driven, power_state => 'D3hot', config => config_bytes('conventional', '44=0b'));
probe_is 'interrupts', 1, 'interrupts', '', sysfs(irq => 11);
probe_is 'interrupts, MSI', 1, 'interrupts', '', sysfs('msi_irqs/24' => 'msi', 'msi_irqs/25' => 'msi');
probe_is 'interrupts unknown', 4, '', 'interrupts', sysfs(irq => undef);
probe_is 'reset-method', 1, 'reset-method', '',
    sysfs(config => config_bytes('endpoint'), reset => '', reset_method => 'bus');
probe_is 'reset-method none', 1, 'reset-method', '', sysfs(config => config_bytes('endpoint'));

# the registers, through BAR0
probe_is 'BAR0', 0, '', '', '--mmio', sysfs(resource0 => registers());
probe_is 'mmio-magic', 1, 'mmio-magic', '', '--mmio', sysfs(resource0 => registers(MAGIC => 0));
probe_is 'mmio-version', 1, 'mmio-version', '', '--mmio',
    sysfs(resource0 => registers(VERSION => contract('VERSION') + 0x10000));
probe_is 'a higher minor version', 0, '', '', '--mmio',
    sysfs(resource0 => registers(VERSION => contract('VERSION') + 1));
probe_is 'mmio-features', 1, 'mmio-features', '', '--mmio', sysfs(resource0 => registers(FEATURES => 0x80000000));
probe_is 'mmio-status', 1, 'mmio-status', '', '--mmio', sysfs(resource0 => registers(STATUS => 0));
probe_is 'mmio-bad-access', 1, 'mmio-bad-access', '', '--mmio', sysfs(resource0 => registers(BAD_ACCESS => 3));
probe_is 'BAR0 refused', 4, '', $mmio, '--mmio', sysfs();
probe_is 'BAR0, decoding off', 4, '', $mmio, '--mmio',
    sysfs(resource0 => registers(), config => config_bytes('conventional', '4=00'));
probe_is 'BAR0, D3hot', 4, '', $mmio, '--mmio',
    sysfs(resource0 => registers(), config => config_bytes('conventional', '44=0b'));
probe_is 'BAR0, another driver', 4, '', $mmio, '--mmio',
    sysfs(resource0 => registers(), driver => 'vfio-pci', enable => 1, power_state => 'D0');
probe_is 'BAR0, too small', 1, 'bar0-size', $mmio, '--mmio', sysfs(resource0 => registers(),
    resource => "0x00000000febff000 0x00000000febff7ff 0x0000000000040200\n");
probe_is 'BAR0, I/O', 1, 'bar0-flags', $mmio, '--mmio',
    sysfs(resource0 => registers(), config => config_bytes('conventional', '10=01'));
probe_is 'BAR0, reset and decoded again', 1, 'bar0-address bar0-resource', $mmio, '--mmio', sysfs(resource0 => registers(),
    config => config_bytes('conventional', '4=02,00', '10=00,00,00,00'),
    resource => "0x00000000febff000 0x00000000febfffff 0x0000000000040200\n");
probe_is 'BAR0, somewhere else', 1, 'bar0-resource', $mmio, '--mmio', sysfs(resource0 => registers(),
    resource => "0x00000000febfe000 0x00000000febfefff 0x0000000000040200\n");
probe_is 'BAR0, other IDs in sysfs', 1, 'kernel-ids', $mmio, '--mmio', '-s', '02.0',
    sysfs(resource0 => registers(), device => '0x1110', vendor => '0x1af4');
probe_is 'BAR0, no resource in sysfs', 4, '', "bar0-assigned bar0-size bar0-resource $mmio",
    '--mmio', sysfs(resource0 => registers(), resource => undef);
probe_is 'BAR0 of another device', 1, 'device-id', $mmio, '--mmio', '-d', ':',
    sysfs(resource0 => registers(), config => config_bytes('conventional', '2=10'));

# a device with queues
my @queues = (config => config_bytes('integrated-queues'), reset => '', reset_method => 'flr');
my $base_mmio = 'mmio-magic mmio-version mmio-features mmio-feature-queues mmio-status mmio-bad-access';
sub with_queues { return ('--mmio', sysfs(@queues, resource0 => queue_registers(4, @_))) }
probe_is 'queues', 0, '', '', sysfs(@queues);
probe_is 'queues: BAR0', 0, '', '', with_queues();
probe_is 'queues: one, 16', 0, '', '', '--mmio',
    sysfs(config => config_bytes("$_->[0]-queues"), reset => '', reset_method => 'flr', resource0 => queue_registers($_->[1]))
    for ['conventional', 1], ['endpoint', 16];
probe_is 'queues: version 1.0', 1, 'mmio-version-queues', '', with_queues(VERSION => contract('VERSION'));
probe_is 'queues: not in FEATURES', 1, 'mmio-feature-queues', '', with_queues(FEATURES => 0);
probe_is 'queues: only in FEATURES', 1, 'mmio-feature-queues', '', '--mmio',
    sysfs(resource0 => registers(FEATURES => contract('FEATURE_QUEUES')));
probe_is 'queues: an unknown feature', 1, 'mmio-features', '',
    with_queues(FEATURES => 0x10 | contract('FEATURE_QUEUES'));
my @mediator = (VERSION => contract('VERSION_MEDIATOR'),
    FEATURES => contract('FEATURE_QUEUES') | contract('FEATURE_MEDIATOR'));
my $away = contract('STATUS') | contract('STATUS_NO_BACKEND');
probe_is 'mediator', 0, '', '', with_queues(@mediator);
probe_is 'mediator: away', 0, '', '', with_queues(@mediator, STATUS => $away);
probe_is 'mediator: an unknown bit of STATUS', 1, 'mmio-status', '', with_queues(@mediator, STATUS => 5);
probe_is 'mediator: not ready', 1, 'mmio-status', '', with_queues(@mediator, STATUS => $away & ~1);
probe_is 'no mediator, but away', 1, 'mmio-status', '', with_queues(STATUS => $away);
my %wrong = (
    'mmio-control' => [CONTROL => 2], 'mmio-queues mmio-vectors' => [QUEUES => 3],
    'mmio-vectors' => [VECTORS => 4], 'mmio-command-sets' => [COMMAND_SETS => 1],
    'mmio-event-vector' => [EVENT_VECTOR => 0x10000], 'mmio-events' => [EVENTS => 2],
);
for my $id (qw(mmio-queue-size-max mmio-list-max mmio-buffers-max mmio-buffer-segments-max mmio-segments-max
    mmio-transfer-max))
{
    my $name = uc $id =~ s/mmio-//r =~ tr/-/_/r;
    $wrong{$id} = [$name => contract($name) + 1];
}
probe_is "queues: $_", 1, $_, '', with_queues(@{ $wrong{$_} }) for sort keys %wrong;
probe_is 'queues: 17', 1, 'mmio-queues mmio-vectors mmio-queue-states', '', with_queues(QUEUES => 17);
probe_is 'queues: a reset in progress', 0, '', '', with_queues(CONTROL => contract('CONTROL_RESET'));
probe_is 'queues: an event', 0, '', '', with_queues(EVENTS => contract('EVENT_QUEUE_ERROR'));
probe_is 'queues: running', 0, '', '', with_queues(QUEUE_STATUS => 1, QUEUE_CONTROL => 1, QUEUE_SIZE => 64);
probe_is 'queues: in error', 1, 'mmio-queue-errors', '', with_queues(QUEUE_STATUS => 0x403);
probe_is "queues: STATUS $_", 1, 'mmio-queue-states', '', with_queues(QUEUE_STATUS => hex) for qw(4 401 100 10001 11);
probe_is 'queues: STATUS 803', 1, 'mmio-queue-states mmio-queue-errors', '', with_queues(QUEUE_STATUS => 0x803);
probe_is 'queues: BAR0 refused', 4, '', $base_mmio, '--mmio', sysfs(@queues);
probe_is 'queues: not a vgpu-stub', 1, 'mmio-magic', '', with_queues(MAGIC => 0);

# interrupts
my @enabled = (@queues[2 .. 5], config => config_bytes('integrated-queues', '53=80'));
my @vectors = map { ("msi_irqs/$_" => 'msix') } 24 .. 28;
probe_is 'queues: vectors', 0, '', '', sysfs(@enabled, @vectors);
probe_is 'queues: too many vectors', 1, 'interrupts', '', sysfs(@enabled, @vectors, 'msi_irqs/29' => 'msix');
probe_is 'queues: vectors, MSI-X off', 1, 'interrupts', '', sysfs(@queues, @vectors);
probe_is 'queues: an IRQ', 1, 'interrupts', '', sysfs(@queues, irq => 11);
probe_is 'queues: interrupts unknown', 4, '', 'interrupts', sysfs(@queues, irq => undef);

# the registers, through the driver
my @files = ('vgpu_stub/version' => '1.0', 'vgpu_stub/features' => '0x00000000',
    'vgpu_stub/status' => '0x00000001', 'vgpu_stub/bad_access_count' => '0');
probe_is 'driver', 0, '', '', '--mmio', sysfs(@driven, @files);
probe_is 'driver, wrong access', 1, 'mmio-bad-access', '', '--mmio',
    sysfs(@driven, @files, 'vgpu_stub/bad_access_count' => '42');
probe_is 'driver, no files', 4, '', $mmio, '--mmio', sysfs(@driven);
probe_is 'driver, garbage', 4, '', 'mmio-magic mmio-version mmio-status', '--mmio',
    sysfs(@driven, @files, 'vgpu_stub/version' => 'x', 'vgpu_stub/status' => 'y');

# all registers, which the driver shows to root
sub driver_registers { return ('vgpu_stub/registers' => substr $_[0], 0, contract('WIN_DOORBELL')) }
probe_is 'driver, all registers', 0, '', '', '--mmio', sysfs(@driven, driver_registers(registers()));
probe_is 'driver, all registers: status', 1, 'mmio-status', '', '--mmio',
    sysfs(@driven, @files, driver_registers(registers(STATUS => 0)));
my @queue_files = (@files, 'vgpu_stub/version' => '1.1', 'vgpu_stub/features' => '0x00000001');
my @working = (@driven, @enabled, @vectors, @queue_files);
sub working { return ('--mmio', sysfs(@working, driver_registers(queue_registers(4, @_)))) }
probe_is 'queues, driver', 0, '', '', working();
probe_is 'queues, driver: in error', 1, 'mmio-queue-errors', '', working(QUEUE_STATUS => 0x203);
probe_is 'queues, driver: BAR0 is not read', 0, '', '', '--mmio',
    sysfs(@working, resource0 => queue_registers(4, QUEUE_STATUS => 0x203));
probe_is 'queues, driver: cut off', 0, '', '', '--mmio', sysfs(@working, 'vgpu_stub/registers' => "\0" x 2044);
probe_is 'queues, driver: decoding off', 1, 'bar0-decoded', '', '--mmio', sysfs(@working,
    config => config_bytes('integrated-queues', '53=80', '4=00'));

sub text { return (run_probe(@_))[1] }
my $shown = text(with_queues(QUEUE_STATUS => 1, QUEUE_SIZE => 64, QUEUE_VECTOR => 2, QUEUE_SQ_HI => 1, QUEUE_CQ_LO => 0x5000));
like $shown, qr/^\tForm: .*, queues: 4$/m, 'the number of queues';
like $shown, qr/^\tBAR0\+0x004  version +00010001  1\.1$/m, 'a register is shown';
like $shown, qr/^\tBAR0\+0x02c  vectors +00000005$/m, 'a register of queues is shown';
like $shown, qr/^\tqueue 2 +disabled, 0 entries, no vector, rings at 0x0 and 0x0, indices at 0x0$/m, 'a queue';
like $shown, qr/^\tqueue 3 +running, 64 entries, vector 2, rings at 0x100000000 and 0x5000, /m, 'a running queue';
unlike $shown, qr/queue 4|ee/, 'nothing else was read';
like text(with_queues(QUEUE_STATUS => 0x403)), qr/^\tqueue 3 +error: DMA fault, /m, 'a queue in error';
unlike text('--mmio', sysfs(resource0 => registers())), qr/command_sets|queue \d/, 'a device without queues shows none';
like text(working(QUEUE_STATUS => 1, QUEUE_SIZE => 64, QUEUE_VECTOR => 2)),
    qr/^\tqueue 2 +disabled, .*^\tqueue 3 +running, 64 entries, vector 2, /ms, 'the queues, through the driver';
like text('--mmio', sysfs(@working)), qr/registers of queues were not checked: the loaded driver is older than this tool/,
    'it says that an older driver does not show queues';
like text('--mmio', sysfs(@working, 'vgpu_stub/registers' => 'x')), qr/not checked: .* has another size/, '... or a short file';
like text('--mmio', '-v', sysfs()), qr/the kernel refuses BAR0: No such file/, 'it says why BAR0 was not read';
like text(sysfs(config => $short)), qr/64 bytes of configuration space, run as root/, 'how to get the rest';
like text(sysfs()), qr/no driver is bound.*modprobe vgpu_stub/, 'how to load the driver';
like text('-v', sysfs(@driven)), qr/Driver: +vgpu_stub.*Power state: +D0.*Enabled: +1/s, '-v shows the kernel\'s view';
like text('-k', sysfs(@driven)), qr/\tKernel driver in use: vgpu_stub\n/, '-k shows the driver';

my ($status, $out) = run_probe('--json', '--mmio', sysfs(resource0 => registers(BAD_ACCESS => 7)));
my $device = decode_json($out)->{devices}[0];
is $device->{registers}{source}, 'bar0', 'JSON: source of the registers';
is $device->{registers}{bad_access_count}, 7, 'JSON: a register';
is $device->{registers}{each_queue}, undef, 'JSON: no queues';
is $device->{registers}{queues}, undef, 'JSON: no registers of queues';
is $device->{kernel}{resource0}{size}, contract('BAR0_SIZE'), 'JSON: the kernel\'s view';

($status, $out) = run_probe('--json', with_queues(QUEUE_STATUS => 0x203, QUEUE_INDEX_HI => 0x80000000));
my $registers = decode_json($out)->{devices}[0]{registers};
is $registers->{transfer_max}, contract('TRANSFER_MAX'), 'JSON: a register of queues';
is_deeply [map { "$_->{state} $_->{error}" } @{ $registers->{each_queue} }],
    [('disabled ') x 3, 'error address'], 'JSON: the queues';

done_testing;
