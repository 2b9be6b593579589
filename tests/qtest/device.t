#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The device as a guest's processor sees it, without a guest: on a conventional
# bus, on the root bus of an Express machine and behind a root port.
#
# Needs: setup-device device
use strict;
use warnings;
use Test::More;
use Contract;
use Qtest;

# Offsets and bits of the PCI specifications, which are not the device's own
use constant {
    COMMAND => 0x04, STATUS => 0x06, REVISION => 0x08, PROG_IF => 0x09,
    CLASS => 0x0a, HEADER_TYPE => 0x0e, BAR0 => 0x10, SUBSYSTEM_VENDOR => 0x2c,
    SUBSYSTEM => 0x2e, CAP_POINTER => 0x34, INTERRUPT_PIN => 0x3d,
    COMMAND_MEMORY => 0x2, STATUS_CAP_LIST => 0x10,
    CAP_PM => 0x01, CAP_EXPRESS => 0x10,
    PMC => 2, PMCSR => 4, POWER_STATE => 0x3,
    EXPRESS_FLAGS => 2, DEVCAP => 4, DEVCTL => 8,
    DEVCAP_FLR => 1 << 28, DEVCTL_FLR => 1 << 15,
    TYPE_ENDPOINT => 0x0, TYPE_INTEGRATED => 0x9,
    ADDRESS => 0xe0000000,
};

# A root port answers for bus 1 once it has been given its numbers and a window
sub open_root_port {
    my ($qtest, $port) = @_;
    $qtest->config($port, 0x18, 4, 0x00010100);
    $qtest->config($port, 0x20, 4, (ADDRESS & 0xfff00000) | ADDRESS >> 16);
    $qtest->config($port, COMMAND, 2, COMMAND_MEMORY);
}

my @beds = (
    { name => 'pc', arguments => [split ' ', '-machine pc -device vgpu-stub,addr=4'],
      function => Qtest::function(0, 4, 0) },
    { name => 'q35', arguments => [split ' ', '-machine q35 -device vgpu-stub,addr=4'],
      function => Qtest::function(0, 4, 0), express => TYPE_INTEGRATED },
    { name => 'root port',
      arguments => [split ' ', '-machine q35
          -device pcie-root-port,id=p,addr=4 -device vgpu-stub,bus=p'],
      function => Qtest::function(1, 0, 0), express => TYPE_ENDPOINT,
      port => Qtest::function(0, 4, 0) },
);

my ($bed, $qtest, $function);

sub config { return $qtest->config($function, @_) }
sub reg_read { return $qtest->read(ADDRESS + $_[0], $_[1] // contract('REG_SIZE')) }
sub reg_write { return $qtest->write(ADDRESS + $_[0], $_[2] // contract('REG_SIZE'), $_[1]) }
sub reg { return reg_read(contract("REG_$_[0]")) }

# id => offset, of the whole chain
sub capabilities {
    my %caps;
    for (my $at = config(CAP_POINTER, 1); $at; $at = config($at + 1, 1)) {
        die "the chain loops" if keys %caps > 48;
        $caps{ config($at, 1) } = $at;
    }
    return \%caps;
}

sub test_identity {
    my %fields = (
        VENDOR_ID => [0x00, 2], DEVICE_ID => [0x02, 2],
        REVISION => [REVISION, 1], PROG_IF => [PROG_IF, 1], CLASS => [CLASS, 2],
        HEADER_TYPE => [HEADER_TYPE, 1],
        SUBSYSTEM_VENDOR_ID => [SUBSYSTEM_VENDOR, 2],
        SUBSYSTEM_ID => [SUBSYSTEM, 2],
    );
    is config(@{ $fields{$_} }), contract($_), $_ for sort keys %fields;
    is config(COMMAND, 2), 0, 'command at reset';
    is config(STATUS, 2), STATUS_CAP_LIST, 'status at reset';
    is config(0x0c, 1), 0, 'cache line size is not overwritten by the class';
    is config(INTERRUPT_PIN, 1), 0, 'no interrupt pin';
}

sub test_bars {
    config(BAR0, 4, 0xffffffff);
    is config(BAR0, 4), 0xffffffff & -contract('BAR0_SIZE') | contract('BAR0_FLAGS'),
        'BAR0 size and kind';
    for my $n (1 .. 5) {
        config(BAR0 + 4 * $n, 4, 0xffffffff);
        is config(BAR0 + 4 * $n, 4), 0, "BAR$n is not there";
    }
    config(BAR0, 4, ADDRESS);
    config(COMMAND, 2, COMMAND_MEMORY);
    is reg('MAGIC'), contract('MAGIC'), 'BAR0 answers where it was put';
}

sub test_capabilities {
    my $caps = capabilities();
    my $pm = $caps->{ +CAP_PM };
    my @expected = (CAP_PM, defined $bed->{express} ? CAP_EXPRESS : ());
    is_deeply [sort { $a <=> $b } keys %$caps], \@expected, 'list of capabilities';
    is $pm, contract('PM_CAP_OFFSET'), 'place of Power Management';
    is config($pm + PMC, 2), contract('PMC'), 'PMC';
    is config($pm + PMCSR, 2), contract('PMCSR'), 'PMCSR at reset';
    return unless defined $bed->{express};
    my $express = $caps->{ +CAP_EXPRESS };
    is $express, contract('EXP_CAP_OFFSET'), 'place of Express';
    is config($express + EXPRESS_FLAGS, 2) >> 4 & 0xf, $bed->{express}, 'Express type';
    ok config($express + DEVCAP, 4) & DEVCAP_FLR, 'Express offers FLR';
}

sub test_registers {
    for my $name (qw(MAGIC VERSION FEATURES STATUS SCRATCH BAD_ACCESS)) {
        is reg($name), contract($name), "$name at reset";
    }
    for my $value (0xdeadbeef, 0xffffffff, 0) {
        reg_write(contract('REG_SCRATCH'), $value);
        is reg('SCRATCH'), $value, sprintf 'SCRATCH keeps 0x%x', $value;
    }
    is reg('BAD_ACCESS'), 0, 'none of this is a bad access';
}

# Each is one bad access: it reads zero, changes nothing and is logged
sub test_bad_reads {
    my $scratch = contract('REG_SCRATCH');
    my %bad = (
        'a byte' => [$scratch, 1], 'a word' => [$scratch, 2],
        'a quadword' => [contract('REG_STATUS'), 8],
        'misaligned by one' => [$scratch + 1, 4],
        'misaligned by two' => [$scratch + 2, 4],
        'a word at an odd offset' => [$scratch + 1, 2],
        'reserved in the window' => [contract('REG_FEATURES') + 4, 4],
        'behind the registers' => [contract('REG_BAD_ACCESS') + 4, 4],
        'a queue register' => [contract('WIN_QUEUE'), 4],
        'a doorbell' => [contract('WIN_DOORBELL'), 4],
        'the last dword' => [contract('BAR0_SIZE') - 4, 4],
        'the last byte' => [contract('BAR0_SIZE') - 1, 1],
    );
    reg_write($scratch, 0xffffffff);
    for my $what (sort keys %bad) {
        my $count = reg('BAD_ACCESS');
        is reg_read(@{ $bad{$what} }), 0, "bad read, $what: zero";
        is reg('BAD_ACCESS'), $count + 1, "bad read, $what: counted once";
    }
}

sub test_bad_writes {
    my $scratch = contract('REG_SCRATCH');
    my %bad = (
        'a byte' => [$scratch, 1], 'a word' => [$scratch + 2, 2],
        'a quadword' => [contract('REG_STATUS'), 8], 'misaligned' => [$scratch - 2, 4],
        'reserved' => [contract('REG_FEATURES') + 4, 4],
        'a doorbell' => [contract('WIN_DOORBELL'), 4],
        map { ("read-only $_", [contract("REG_$_"), 4]) }
            qw(MAGIC VERSION FEATURES STATUS BAD_ACCESS),
    );
    reg_write($scratch, 0x12345678);
    for my $what (sort keys %bad) {
        my ($offset, $width) = @{ $bad{$what} };
        my $count = reg('BAD_ACCESS');
        reg_write($offset, 0x55, $width);
        is reg('BAD_ACCESS'), $count + 1, "bad write, $what: counted once";
    }
    is reg('SCRATCH'), 0x12345678, 'bad writes change nothing';
    is reg($_), contract($_), "$_ is as it was" for qw(MAGIC VERSION FEATURES STATUS);
    my $logged = () = $qtest->log =~ /^vgpu-stub: bad (?:read|write) at/mg;
    is $logged, reg('BAD_ACCESS'), 'every bad access is logged';
}

# What no capability covers reads as zero, whatever is written there
sub test_reserved {
    my @reserved = grep { $_ != contract('PM_CAP_OFFSET') && $_ != contract('PM_CAP_OFFSET') + 4
        && ($_ < contract('EXP_CAP_OFFSET') || $_ >= contract('EXP_CAP_OFFSET') + 0x3c
            || !defined $bed->{express}) } map { $_ * 4 } 0x10 .. 0x3f;
    config($_, 4, 0xffffffff) for @reserved;
    is join(' ', map { sprintf '%#x', $_ } grep { config($_, 4) } @reserved), '',
        'reserved configuration space is read-only and zero';
}

sub test_power {
    my $pmcsr = contract('PM_CAP_OFFSET') + PMCSR;
    my $bad = reg('BAD_ACCESS');
    reg_write(contract('REG_SCRATCH'), 0xcafe);
    config($pmcsr, 2, 3);
    is config($pmcsr, 2) & POWER_STATE, 3, 'D3hot is entered';
    isnt reg('MAGIC'), contract('MAGIC'), 'in D3hot BAR0 does not answer';
    reg_write(contract('REG_SCRATCH'), 0xdead);
    is config(0x00, 2), contract('VENDOR_ID'), 'in D3hot configuration space answers';
    for my $state (1, 2) {
        config($pmcsr, 2, $state);
        is config($pmcsr, 2) & POWER_STATE, 3, "D$state is not entered from D3hot";
    }
    config($pmcsr, 2, 0);
    is config($pmcsr, 2), contract('PMCSR'), 'back in D0';
    is reg('SCRATCH'), 0xcafe, 'registers are kept (NoSoftRst), the write in D3hot lost';
    is reg('BAD_ACCESS'), $bad, 'accesses in D3hot are not counted';
    for my $state (1, 2) {
        config($pmcsr, 2, $state);
        is config($pmcsr, 2) & POWER_STATE, 0, "D$state is not entered from D0";
        is reg('MAGIC'), contract('MAGIC'), "BAR0 answers after the try of D$state";
    }
    config($pmcsr, 2, 0xffff);
    is config($pmcsr, 2) & ~POWER_STATE, contract('PMCSR'), 'the rest is read-only';
    config($pmcsr, 2, 0);
}

sub is_reset {
    my ($how) = @_;
    open_root_port($qtest, $bed->{port}) if $bed->{port};
    is config(COMMAND, 2) & COMMAND_MEMORY, 0, "$how: memory decoding is off";
    is config(contract('PM_CAP_OFFSET') + PMCSR, 2), contract('PMCSR'), "$how: D0";
    config(BAR0, 4, ADDRESS);
    config(COMMAND, 2, COMMAND_MEMORY);
    is reg($_), contract($_), "$how: $_" for qw(MAGIC SCRATCH BAD_ACCESS STATUS);
}

sub disturb {
    reg_write(contract('REG_SCRATCH'), 0x77);
    reg_write(contract('REG_MAGIC'), 0);
    config(contract('PM_CAP_OFFSET') + PMCSR, 2, 3);
}

sub test_reset {
    disturb();
    $qtest->system_reset;
    is_reset('system reset');
    return unless defined $bed->{express};
    disturb();
    config(contract('EXP_CAP_OFFSET') + DEVCTL, 2, DEVCTL_FLR);
    is_reset('function level reset');
}

sub test_introspection {
    my $id = sprintf 'PCI device %04x:%04x', contract('VENDOR_ID'), contract('DEVICE_ID');
    like $qtest->hmp('info pci'), qr/\Q$id\E/, 'info pci shows the device';
    like $qtest->hmp('info qtree'), qr/dev: vgpu-stub/, 'info qtree shows it';
    my ($path) = grep { $qtest->hmp("qom-list $_") =~ /^scratch /m }
        map { "/machine/peripheral-anon/device[$_]" } 0, 1;
    disturb();
    is 0 + $qtest->hmp("qom-get $path scratch"), 0x77, 'qom-get scratch';
    is 0 + $qtest->hmp("qom-get $path bad-access"), 1, 'qom-get bad-access';
    like $qtest->hmp("qom-set $path scratch 7"), qr/^Error: .*scratch/, 'which cannot be set';
}

for (@beds) {
    $bed = $_;
    subtest $bed->{name} => sub {
        $qtest = Qtest->new(@{ $bed->{arguments} });
        $function = $bed->{function};
        open_root_port($qtest, $bed->{port}) if $bed->{port};
        test_identity();
        test_capabilities();
        test_bars();
        test_registers();
        test_bad_reads();
        test_bad_writes();
        test_reserved();
        test_power();
        test_reset();
        test_introspection();
        is $qtest->quit, 0, 'QEMU ends well';
    };
}

done_testing;
