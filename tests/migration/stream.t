#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Saved machines, whole and broken. A whole one comes back as it was, awake and
# in D3hot; of a broken one the device's section is refused, or what is loaded is
# still a vgpu-stub. QEMU never crashes, and a reset heals what was refused.
#
# Environment:
#   FLIPS   how many bits of each byte of the section are flipped, one after the
#           other, default 1
#
# Needs: setup-device setup-snapshots device
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Qtest;
use Snapshot;

use constant {
    COMMAND => 0x04, COMMAND_MEMORY => 0x2, BAR0 => 0x10, ADDRESS => 0xe0000000,
    PMCSR => contract('PM_CAP_OFFSET') + 4, POWER_STATE => 0x3,
    SLOT => Qtest::function(0, 4, 0), CONFIG => 4,
};

# Of configuration space, what a guest may have changed: offset => bits
my %writable = (0x04 => 0xf900ffff, 0x0c => 0xff, 0x10 => 0xfffff000, 0x3c => 0xff,
    PMCSR() => POWER_STATE);
my ($qtest, $disk, @fresh);

sub config { return $qtest->config(SLOT, @_) }
sub reg { return $qtest->read(ADDRESS + contract("REG_$_[0]"), 4) }
sub scratch { return $qtest->write(ADDRESS + contract('REG_SCRATCH'), 4, $_[0]) }
sub load { return $qtest->hmp('loadvm saved') }

sub start {
    my ($machine) = @_;
    $disk = Snapshot->new;
    $qtest = Qtest->new('-machine', $machine, '-m', 4, '-device', 'vgpu-stub,addr=4',
        $disk->arguments);
    @fresh = map { config($_ * 4, 4) } 0 .. 63;
}

sub map_bar {
    config(BAR0, 4, ADDRESS);
    config(COMMAND, 2, COMMAND_MEMORY);
    config(PMCSR, 2, 0);
}

sub test_saved {
    my ($state) = @_;
    map_bar();
    scratch(0x5a5a1234);
    $qtest->read(ADDRESS, 1);
    my $bad = reg('BAD_ACCESS');
    config(PMCSR, 2, $state);
    is $qtest->hmp('savevm saved'), '', "D$state: saved";
    config(PMCSR, 2, 0);
    scratch(0);
    $qtest->system_reset;
    is load(), '', "D$state: loaded";
    is config(PMCSR, 2) & POWER_STATE, $state, "D$state: in the same state";
    is config(BAR0, 4), ADDRESS, "D$state: BAR0 is where it was";
    isnt reg('MAGIC'), contract('MAGIC'), "D$state: does not answer" if $state;
    config(PMCSR, 2, 0);
    is reg('MAGIC'), contract('MAGIC'), "D$state: answers in D0";
    is reg('SCRATCH'), 0x5a5a1234, "D$state: SCRATCH";
    is reg('BAD_ACCESS'), $bad, "D$state: BAD_ACCESS";
}

# What differs from a fresh device where a guest can change nothing
sub faults {
    my @faults = map { sprintf 'config %#x', $_ * 4 } grep {
        (config($_ * 4, 4) ^ $fresh[$_]) & ~($writable{ $_ * 4 } // 0)
    } 0 .. 63;
    push @faults, 'power state' if (config(PMCSR, 2) & POWER_STATE) =~ /[12]/;
    map_bar();
    push @faults, 'MAGIC' if reg('MAGIC') != contract('MAGIC');
    return @faults;
}

# Load with other bytes in the section: the error or what became of the device.
# Left alone is the version that QEMU's own part of it begins with: QEMU takes a
# lower one, remembers it and refuses every whole section from then on.
sub load_broken {
    my ($offset, $bytes) = @_;
    my $version = $disk->bytes($disk->data, 4);
    my $whole = $disk->patch($offset, $bytes);
    $disk->patch($disk->data, $version);
    my $error = load();
    my @faults = $error ? () : faults();
    $disk->patch($offset, $whole);
    $qtest->system_reset;
    return ($error, @faults);
}

sub test_flips {
    my (@accepted, @wrong);
    for my $offset (0 .. $disk->find_section - 1) {
        for my $flip (0 .. ($ENV{FLIPS} // 1) - 1) {
            my $bit = 1 << ($offset + $flip) % 8;
            my $byte = ord $disk->bytes($offset, 1);
            my ($error, @faults) = load_broken($offset, chr($byte ^ $bit));
            push @accepted, $offset - $disk->data unless $error || $flip;
            push @wrong, sprintf '%#x, bit %#x: %s', $offset - $disk->data, $bit, "@faults"
                if @faults;
        }
    }
    is "@wrong", '', 'a flipped bit is refused or harmless' or diag map { "$_\n" } @wrong;
    # QEMU's own version, bits that a guest may write, SCRATCH and BAD_ACCESS
    is "@accepted", join(' ', 0 .. 3, 11, 16, 22, 23, 64, 276 .. 283), 'all others are refused';
    is load(), '', 'the section itself is loaded';
}

# Any bytes, anywhere in the section; the seed is fixed, a finding comes again
sub test_random {
    srand 1;
    my @wrong;
    for (1 .. 50 * ($ENV{FLIPS} // 1)) {
        my $offset = int rand $disk->length;
        my $count = 1 + int rand 16;
        $count = $disk->length - $offset if $count > $disk->length - $offset;
        my ($error, @faults) = load_broken($offset, join '', map { chr int rand 256 } 1 .. $count);
        push @wrong, "$count bytes at $offset: @faults" if @faults;
    }
    is "@wrong", '', 'random bytes are refused or harmless';
    is load(), '', 'the section itself is loaded again';
}

sub test_refused {
    my $pmcsr = $disk->data + CONFIG + PMCSR;
    my $irq = $disk->length - 5 - 8 - 16;
    my %broken = (
        'D1' => [$pmcsr, "\x09"], 'D2' => [$pmcsr, "\x0a"],
        'another device ID' => [$disk->data + CONFIG + 2, "\x10\x11"],
        'a newer version' => [$disk->data - 4, "\0\0\0\2"],
        'version 0' => [$disk->data - 4, "\0\0\0\0"],
        'a BAR1' => [$disk->data + CONFIG + 0x14, "\0\0\0\xe1"],
        'an interrupt' => [$irq, "\0\0\0\1"],
        'D1 and an interrupt' =>
            [$pmcsr, "\x09" . $disk->bytes($pmcsr + 1, $irq - $pmcsr - 1) . "\0\0\0\1"],
        'an interrupt and no footer' => [$irq, "\0\0\0\1" . "\0" x 25],
        'another name' => [$disk->data - 17, 'vgpu-stuf'],
    );
    for my $what (sort keys %broken) {
        my ($error) = load_broken(@{ $broken{$what} });
        like $error, qr/^Error: Error -\d+ while loading VM state/m, "refused: $what";
    }
}

# The exit status and the last line of a QEMU that a stream is fed to
sub feed {
    my ($command, @arguments) = @_;
    local $ENV{BUILD} = build_dir();
    my $output = join ' ', map { "'$_'" } 'timeout', 60,
        top_dir() . '/tests/lib/qemu-under-test', '-machine', 'pc-i440fx-7.2', '-accel', 'tcg',
        '-nodefaults', '-display', 'none', '-m', 4, @arguments, '-incoming', "exec:$command";
    my @lines = qx($output 2>&1 </dev/null);
    return ($? & 127 ? "signal $?" : $? >> 8, $lines[-1] // '');
}

sub test_incoming {
    my $dir = tempdir(CLEANUP => 1);
    my @device = ('-device', 'vgpu-stub,addr=4');
    my $saved = Qtest->new('-machine', 'pc-i440fx-7.2', '-m', 4, @device);
    is $saved->migrate("exec:cat >$dir/stream"), 'completed', 'a stream is saved';
    my $stream = Qmp::slurp("$dir/stream");
    my $section = index $stream, '/vgpu-stub';
    my @cuts = (3, 40, $section - 8, map { $section + $_ } 4, 12, 20, 80, 270, 290, 304);
    for my $cut (@cuts) {
        my ($status, $line) = feed("head -c $cut $dir/stream", @device);
        is $status, 1, "cut at $cut: refused" or diag $line;
        like $line, qr/^qemu-system-x86_64: .*(?:load of migration failed|Not a migration stream)/,
            "cut at $cut: and said";
    }
    my ($status, $line) = feed("cat $dir/stream");
    is $status, 1, 'a machine without the device refuses';
    ($status, $line) = feed("cat $dir/stream", '-device', 'edu,addr=4');
    is $status, 1, 'a machine with another device refuses';
    ($status, $line) = feed("cat $dir/stream", '-device', 'vgpu-stub,addr=5');
    is $status, 1, 'a machine with the device in another slot refuses';
}

for my $machine ('pc-i440fx-7.2', 'pc-q35-7.2') {
    subtest $machine => sub {
        start($machine);
        test_saved(3);
        test_saved(0);
        test_flips() if $machine =~ /i440fx/;
        test_random() if $machine =~ /i440fx/;
        test_refused() if $machine =~ /i440fx/;
        is $qtest->quit, 0, 'QEMU ends well';
    };
}
subtest 'incoming' => \&test_incoming;

done_testing;
