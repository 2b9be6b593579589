#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Intact and corrupted snapshots, of devices with and without queues. An intact one
# restores the device, in D0 and in D3hot. Corrupted ones have a flipped bit or random
# bytes in the device's section: the device refuses them with a reason and stays
# unchanged, or the loaded state is valid. Afterwards a reset clears everything, an intact
# snapshot loads, and QEMU never aborts.
#
# Environment:
#   FLIPS   bits to flip in each byte of the section, one at a time: 1 (the default)
#           to 8. Below 8, only one byte in 29 of extended space is tried, and on a
#           device with queues only the bytes that the queues add.
#
# Needs: setup-device setup-snapshots device
use strict;
use warnings;
use Test::More;
use Contract;
use Device;
use DeviceState;
use QueueState;
use Snapshot;

use constant {
    VERSION => 0, CONFIG => 4, PMCSR => Device::PMCSR, D3HOT => Device::D3HOT,
    STATUS => 0x06, DEVSTA => contract('EXP_CAP_OFFSET') + 0xa,
    LNKCAP => contract('EXP_CAP_OFFSET') + 0xc, LNKSTA => contract('EXP_CAP_OFFSET') + 0x12,
    COMMAND => Device::COMMAND, INTX_DISABLE => 0x400, FOOTER => 5,
    OLD_LINK => { LNKCAP => 0x411, LNKSTA => 0x2011 },
    ACPI_SELECT => 0xae10, ACPI_EJECT => 0xae08,
};
my $flips = $ENV{FLIPS} // 1;

my ($device, $disk);
# Configuration space after a reset, the bits that a stream may set, and the bits that
# the device never takes from a stream
my (@reset, @loaded, @own);

sub load { return $device->qtest->hmp('loadvm saved') }

# Offsets into what PCIDevice saves: version, configuration space, interrupts
sub config_at { return $disk->data + CONFIG + $_[0] }
sub interrupt_at { return config_at($device->config_size) }
sub registers_at { return interrupt_at() + 16 }
sub queues_at { return registers_at() + 8 }

sub start {
    my ($place, $queues) = @_;
    $disk = Snapshot->new;
    $device = Device->with_queues($place, $queues, $disk->arguments);
    @reset = @{ $device->config_bytes };
    @loaded = (0) x @reset;
    @own = @loaded;
    for my $row ($device->rows) {
        add_bits(\@loaded, $row, $row->{mask}) if $row->{class} =~ /GUEST|ERROR/;
        add_bits(\@own, $row, $row->{mask}) if $row->{class} eq 'VERSION';
        add_bits(\@own, $row, OLD_LINK->{ $row->{name} })
            if $device->form eq 'INTEGRATED' && OLD_LINK->{ $row->{name} };
    }
    return;
}

sub add_bits {
    my ($bytes, $row, $bits) = @_;
    $bytes->[$row->{offset} + $_] |= $bits >> 8 * $_ & 0xff for 0 .. $row->{width} - 1;
    return;
}

sub save {
    my ($state) = @_;
    change_state($device, $state);
    is $device->qtest->hmp('savevm saved'), '', "D$state: saved";
    $disk->find_section;
    $device->system_reset;
    return;
}

# loadvm resets the machine first
sub test_intact {
    for my $saved (D3HOT, 0) {
        save($saved);
        is load(), '', "D$saved: loaded";
        is_changed_state($device, $saved);
        $device->system_reset;
    }
    return;
}

# PCIDevice's version, all of configuration space, 4 interrupts; 2 registers; queues
sub test_length {
    is $disk->length - $disk->data - FOOTER,
        4 + $device->config_size + 16 + 8 + ($device->queues ? queues_length($device) : 0),
        'the section has the length for this form';
    return;
}

# Differences from a reset device
sub traces {
    my $bytes = $device->config_bytes;
    my @traces = map { sprintf 'config %#x: %02x', $_, $bytes->[$_] }
        grep { $bytes->[$_] != $reset[$_] } 0 .. $#reset;
    push @traces, 'BAR0 is mapped' if $device->reg('MAGIC') == contract('MAGIC');
    return @traces;
}

# States that the device cannot be in
sub faults {
    my $bytes = $device->config_bytes;
    my @faults = map { sprintf 'config %#x: %02x', $_, $bytes->[$_] }
        grep { ($bytes->[$_] ^ $reset[$_]) & ~$loaded[$_] & 0xff } 0 .. $#reset;
    push @faults, 'power state' if ($bytes->[PMCSR] & 3) =~ /[12]/;
    $device->map_bar0;
    push @faults, 'MAGIC' if $device->reg('MAGIC') != contract('MAGIC');
    return (@faults, $device->queues ? queue_faults($device) : ());
}

# Load with changed bytes in the section. Returns QEMU's answer and what is wrong with
# the device afterwards. A refusal up to the end of PCIDevice changes nothing. QEMU
# compares the section's number with the footer last, after everything is loaded.
sub load_damaged {
    my ($offset, $bytes) = @_;
    my $whole = $disk->patch($offset, $bytes);
    my $answer = load();
    $disk->patch($offset, $whole);
    my $before = $offset > 4 && $offset < interrupt_at() + 16;
    my @wrong = $answer && $before ? traces() : faults();
    return ($answer, @wrong) if $answer && $before && !@wrong;
    $device->system_reset;
    push @wrong, map { "after a reset, $_" } traces();
    return ($answer, @wrong);
}

# Whether QEMU or the device gives a reason for refusing PCIDevice
sub has_reason {
    my ($answer, $offset) = @_;
    return 1 if $offset < $disk->data || $offset >= interrupt_at();
    return $answer =~ /^vgpu-stub: the stream has \S/m
        || $answer =~ ($offset < config_at(0) ? qr/^Invalid value -?\d+ expecting positive value/m
            : sprintf 'Bad config data: i=0x%x read: [0-9a-f]+ device: ', $offset - config_at(0));
}

# Whether the section may load with this bit flipped. From D0, no single bit leads
# to another valid power state.
sub may_load {
    my ($offset, $bit) = @_;
    my $at = $offset - config_at(0);
    return 1 if $at < 0 || $at >= $device->config_size;
    return 0 if $at == PMCSR;
    return ($loaded[$at] | $own[$at]) & $bit;
}

# Offsets to try, from the start of the section
sub flipped_offsets {
    my @all = (0 .. $disk->length - 1);
    return @all if $flips == 8;
    my $step = $device->queues > 1 ? 7 : 1;
    return grep { $_ >= config_at(0x50) && $_ < config_at(0x60) || $_ >= queues_at() && $_ % $step == 0 } @all
        if $device->queues;
    return grep { $_ < config_at(0x110) || $_ >= interrupt_at() - 8 || $_ % 29 == 0 } @all;
}

sub test_flips {
    my ($tried, $refused, %accepted, @wrong) = (0, 0);
    for my $offset (flipped_offsets()) {
        my $byte = ord $disk->bytes($offset, 1);
        for my $bit (map { 1 << ($offset + $_) % 8 } 0 .. $flips - 1) {
            my ($answer, @faults) = load_damaged($offset, chr($byte ^ $bit));
            push @faults, 'loaded' if !$answer && !may_load($offset, $bit);
            push @faults, "no reason in $answer" if $answer && !has_reason($answer, $offset);
            $tried++;
            $refused++ if $answer;
            $accepted{ $offset - $disk->data } = 1 unless $answer;
            push @wrong, sprintf '%#x, bit %#x: %s', $offset - $disk->data, $bit, join '; ', splice @faults, 0, 3
                if @faults;
        }
    }
    my @accepted = sort { $a <=> $b } keys %accepted;
    note "$refused of $tried refused, others loaded, at @accepted[0 .. ($#accepted < 30 ? $#accepted : 30)]";
    is join("\n", splice @wrong, 0, 20), '', "each of $tried flipped bits is refused or harmless";
    # many values of an MSI-X table or an address are valid
    cmp_ok $refused, '>', $tried / ($device->queues ? 10 : 2), 'most are refused';
    is load(), '', 'the intact section loads';
    is $device->reg('SCRATCH'), DeviceState::SCRATCH, 'with its registers';
    $device->system_reset;
    return;
}

# Random bytes anywhere in the section, with a fixed seed
sub test_random {
    srand 1;
    my @wrong;
    for (1 .. 50 * $flips) {
        my $offset = int rand $disk->length;
        my $count = 1 + int rand 16;
        $count = $disk->length - $offset if $count > $disk->length - $offset;
        my ($answer, @faults) =
            load_damaged($offset, join '', map { chr int rand 256 } 1 .. $count);
        push @wrong, "$count bytes at $offset: @faults" if @faults;
        $device->system_reset;
    }
    is "@wrong", '', 'random bytes are refused or harmless';
    is load(), '', 'the intact section loads again';
    $device->system_reset;
    return;
}

sub refused_cases {
    my $pmcsr = config_at(PMCSR);
    my $irq = interrupt_at();
    my $no_pin = qr/^vgpu-stub: the stream has interrupt state 0x1, but the device has no interrupt/m;
    return (
        'D1' => [$pmcsr, "\x09", qr/^vgpu-stub: the stream has power state D1 in PMCSR/m],
        'D2' => [$pmcsr, "\x0a", qr/^vgpu-stub: the stream has power state D2 in PMCSR/m],
        'another device ID' => [config_at(2), "\x10\x11", qr/i=0x2 read: 10 device: 11/],
        'a newer version' => [$disk->data - 4, "\0\0\0\2", qr/version/],
        'version 0' => [$disk->data - 4, "\0\0\0\0", qr/version/],
        'version 0 of PCIDevice' => [$disk->data + VERSION, "\0\0\0\0",
            qr/^vgpu-stub: the stream has version 0 of PCIDevice, but only version 2 was/m],
        'version 1 of PCIDevice' => [$disk->data + VERSION, "\0\0\0\1",
            qr/^vgpu-stub: the stream has version 1 of PCIDevice, but only version 2 was/m],
        'a BAR1' => [config_at(0x14), "\0\0\0\xe1", qr/i=0x17 read: e1 device: 0/],
        'an interrupt' => [$irq, "\0\0\0\1", $no_pin],
        'D1 and an interrupt' =>
            [$pmcsr, "\x09" . $disk->bytes($pmcsr + 1, $irq - $pmcsr - 1) . "\0\0\0\1", $no_pin],
        'an interrupt and no footer' => [$irq, "\0\0\0\1" . "\0" x 25, $no_pin],
        'an interrupt, then an impossible one' => [$irq, "\0\0\0\1\0\0\0\2", qr/^Error: /m],
        'another name' => [$disk->data - 17, 'vgpu-stuf', qr/Unknown s|vgpu-stuf/],
        $device->is_express ? (
            'Initiate FLR' => [config_at(Device::DEVCTL + 1), "\x80", qr/i=0x89 read: 80 device: 0/],
            'an impossible link' => [config_at(LNKSTA), "\x42", qr/i=0x92 read: 42 device: /],
        ) : (),
        $device->queues ? queue_cases() : (),
    );
}

sub queue_cases {
    my %cases = queue_streams($device);
    $_->[0] += queues_at() for values %cases;
    return %cases;
}

# If a refused interrupt stayed set, disabling INTx or a reset would abort QEMU
sub test_refused {
    my %broken = refused_cases();
    for my $what (sort keys %broken) {
        my ($offset, $bytes, $reason) = @{ $broken{$what} };
        my ($answer, @wrong) = load_damaged($offset, $bytes);
        like $answer, $reason, "refused: $what";
        is "@wrong", '', "refused: $what: the device is unchanged";
        $device->config(COMMAND, 2, INTX_DISABLE);
        $device->system_reset;
        is load(), '', "the intact section loads after $what";
        $device->system_reset;
    }
    return;
}

# Only a stream can set error bits; writing 1 and each reset clears them
sub test_error_latches {
    my @latches = ([STATUS, 2, 0xf910, 0x0010]);
    push @latches, [DEVSTA, 2, 0x000f, 0] if $device->is_express;
    my %resets = ('system reset' => 'system_reset');
    $resets{'secondary bus reset'} = 'bus_reset' if $device->has_port;
    $resets{'function level reset'} = 'function_reset' if $device->is_express;
    for my $latch (@latches) {
        my ($offset, $width, $set, $clear) = @$latch;
        my $what = sprintf 'errors at %#x', $offset;
        my $whole = $disk->patch(config_at($offset), pack 'v', $set);
        for my $name (sort keys %resets) {
            my $reset = $resets{$name};
            is load(), '', "$what: loaded";
            is $device->config($offset, 2), $set, "$what: set";
            $device->$reset;
            is $device->config($offset, 2), $clear, "$what: cleared by $name";
        }
        for my $write ([$offset, 2], [$offset - 2, 4], map { [$offset + $_, 1] } 0, 1) {
            my ($at, $bytes) = @$write;
            is load(), '', "$what: loaded";
            my $written = (1 << 8 * $bytes) - 1 & ~(Device::DEVCTL_FLR);
            $device->config($at, $bytes, $written);
            my $ones = $written << 8 * ($at - $offset + 2) >> 16 & 0xffff;
            is $device->config($offset, 2), $clear | $set & ~$ones,
                sprintf '%s: cleared by %#x in %d bytes', $what, $written, $bytes;
        }
        $disk->patch(config_at($offset), $whole);
        $device->system_reset;
    }
    return;
}

# Streams of earlier versions, where an integrated endpoint had link registers
sub test_earlier_version {
    return if $device->form ne 'INTEGRATED';
    for my $status (0x0011, 0x2011) {
        my @whole = ($disk->patch(config_at(LNKCAP), pack 'V', 0x411),
            $disk->patch(config_at(LNKSTA), pack 'v', $status));
        is load(), '', sprintf 'a stream of an earlier version with link status %#x loads', $status;
        is $device->config(LNKCAP, 4), 0, 'LNKCAP reads zero';
        is $device->config(LNKSTA, 2), 0, 'LNKSTA reads zero';
        is $device->reg('SCRATCH'), DeviceState::SCRATCH, 'the rest is loaded';
        $disk->patch(config_at(LNKCAP), $whole[0]);
        $disk->patch(config_at(LNKSTA), $whole[1]);
        $device->system_reset;
    }
    return;
}

sub test_bad_access_saturates {
    my $max = contract('BAD_ACCESS_MAX');
    my $at = registers_at() + 4;
    my $whole = $disk->patch($at, pack 'N', $max - 1);
    is load(), '', 'a bad access count just below its maximum loads';
    for my $round (1 .. 3) {
        $device->reg_read(0, 1);
        is $device->reg('BAD_ACCESS'), $max, "BAD_ACCESS saturates, bad read $round";
        $device->reg_write(0, 0);
        is $device->reg('BAD_ACCESS'), $max, "BAD_ACCESS saturates, bad write $round";
    }
    $disk->patch($at, $whole);
    $device->system_reset;
    return;
}

# If a refused interrupt stayed set, ejecting the device or a reset would abort QEMU
sub test_eject {
    $disk->patch(interrupt_at(), "\0\0\0\1");
    like load(), qr/^vgpu-stub: the stream has interrupt/m, 'an interrupt is refused';
    my $qtest = $device->qtest;
    $qtest->qmp('device_del', { id => 'vgpu' });
    $qtest->commands(sprintf('outl %#x 0', ACPI_SELECT), sprintf('outl %#x %#x', ACPI_EJECT, 1 << 4));
    $qtest->wait_event('DEVICE_DELETED');
    $qtest->system_reset;
    is $qtest->hmp('info status') =~ /^VM status/, 1, 'QEMU keeps running after eject and reset';
    return;
}

sub test_device {
    test_intact();
    test_length();
    test_flips();
    test_random();
    test_refused();
    return if $device->queues && $flips < 8;
    test_error_latches();
    test_earlier_version();
    test_bad_access_saturates();
    return;
}

for my $place ('pc', 'q35', 'root port') {
    for my $queues (0, 1, contract('QUEUES_MAX')) {
        subtest "$place, $queues queues" => sub {
            start($place, $queues);
            test_device();
            test_eject() if $place eq 'pc';
            is $device->qtest->quit, 0, 'QEMU exits with 0';
        };
    }
}

done_testing;
