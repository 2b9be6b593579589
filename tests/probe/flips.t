#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-probe misses no bit: the check of the bit's own row catches every single-bit flip
# of the good dumps, with and without queues, except for the bits that the contract leaves
# to the guest, the platform or QEMU's version.
#
# Needs: setup-probe tools
use strict;
use warnings;
use Test::More;
use Contract;
use Probe;
use Sysfs;

my $flips = scratch_dir() . '/flips';
my $tools = build_dir() . '/tools';
my ($status, undef, $err) = run_command('gcc', '-std=gnu11', '-O2', '-D_GNU_SOURCE', '-I' . top_dir() . '/include',
    '-I' . top_dir() . '/guest-tools/vgpu-probe', '-o', $flips, probe_dir() . '/flips.c',
    glob("$tools/error.o $tools/options.o $tools/check/*.o $tools/read/*.o"), '-lpci', '-ljansson');
is $status, 0, 'flips.c builds' or die $err;

# Flips of two rows need a closer look: a flip of the power state leaves D0 for an invalid
# state, and a flip of the MSI-X table size may give a valid number of queues
sub is_free {
    my ($row, $bit, $bytes) = @_;
    return 0 if $row->{class} =~ /^(?:FIXED|ERROR)$/ || $row->{name} eq 'PMCSR_POWER_STATE';
    return 1 if $row->{name} ne 'MSIX_TABLE_SIZE';
    my ($offset, $number) = split ' ', $bit;
    my $queues = (unpack('v', substr $bytes, $row->{offset}, 2) ^ 1 << $number << 8 * ($offset - $row->{offset}))
        & $row->{mask};
    return $queues >= 1 && $queues <= contract('QUEUES_MAX');
}

# "OFFSET BIT" => the row that has the bit
sub bits_of {
    my %row;
    for my $row (@_) {
        for my $bit (grep { $row->{mask} >> $_ & 1 } 0 .. 8 * $row->{width} - 1) {
            $row{ $row->{offset} + int($bit / 8) . ' ' . $bit % 8 } = $row;
        }
    }
    return \%row;
}

# The check that must catch a flip
sub check_of {
    my ($row, $offset) = @_;
    return $offset < 256 ? 'unused' : 'ext-unused' unless $row;
    return lc $row->{name} =~ tr/_/-/r;
}

# counted by hand: update these when the contract changes
my %free = (CONVENTIONAL => 42, INTEGRATED => 44, ENDPOINT => 45,
    'CONVENTIONAL-QUEUES' => 42 + 2 + 3, 'INTEGRATED-QUEUES' => 44 + 2 + 3, 'ENDPOINT-QUEUES' => 45 + 2);
for my $name (map { ($_, "$_-QUEUES") } config_forms()) {
    my $form = $name =~ s/-QUEUES//r;
    my ($code, $out) = run_command($flips, probe_dir() . '/dumps/' . lc($name) . '.dump');
    is $code, 0, "$name: flipped";
    my $row = bits_of(config_rows($form, $name ne $form));
    my $bytes = config_bytes(lc $name);
    my (@missed, @alarms, @unnamed);
    my %caught = map { /^(\d+ \d)(.*)/ ? ($1 => $2) : () } split /\n/, $out;
    is scalar(keys %caught), 8 * ($form eq 'CONVENTIONAL' ? 256 : 4096), "$name: every bit";
    for my $bit (sort keys %caught) {
        my ($offset) = $bit =~ /^(\d+)/;
        my $by = "$caught{$bit} ";
        if ($row->{$bit} && is_free($row->{$bit}, $bit, $bytes)) {
            push @alarms, "$bit:$by" unless $by eq ' ';
        } elsif ($by eq ' ') {
            push @missed, $bit;
        } elsif ($by !~ / ${\ check_of($row->{$bit}, $offset)} /) {
            push @unnamed, "$bit:$by";
        }
    }
    is "@missed", '', "$name: no flip is missed";
    is "@alarms", '', "$name: no false alarm about a free bit";
    is "@unnamed", '', "$name: each is caught by the check of its row";
    is scalar(grep { $_ eq '' } values %caught), $free{$name}, "$name: the number of free bits";
}

# with the program itself: each flip of a conventional device in its own slot
my @lines = split /\n/, base_dump('conventional');
my @bytes = map { hex } map { /(?<= )[0-9a-f]{2}\b/g } @lines[1 .. 16];
my $dump = '';
for my $bit (0 .. 2047) {
    my @flipped = @bytes;
    $flipped[$bit / 8] ^= 1 << $bit % 8;
    my $slot = sprintf '%02x:%02x.%d', $bit >> 8, $bit >> 3 & 31, $bit & 7;
    $dump .= "$slot x\n" . join('', map { sprintf "%02x:%s\n", 16 * $_, join '', map { sprintf ' %02x', $_ }
        @flipped[16 * $_ .. 16 * $_ + 15] } 0 .. 15) . "\n";
}
my ($code, $out) = run_probe('--quiet', '-d', ':', '-F', write_file(scratch_dir() . '/flipped', $dump));
is $code, 1, 'all at once: exit status';
my %slot = map { /^(\S+) / ? ($1 => 1) : () } split /\n/, $out;
is scalar(keys %slot), 2048 - $free{CONVENTIONAL}, 'all at once: the number of caught flips';

# every row has a name and advice, and no other row has
my %texts = map { $_ => 1 } read_file(top_dir() . '/guest-tools/vgpu-probe/check/texts.c') =~ /^\t\{ "(\w+)"/mg;
my %names = map { $_->{name} => 1 } map { (config_rows($_), config_rows($_, 1)) } config_forms();
is_deeply [grep { !$names{$_} } sort keys %texts], [], 'no text is for a row that does not exist';
is_deeply [grep { !$texts{$_} } sort keys %names], ['LNKSTA_ACTIVE'], 'each row that a report names has a text';

done_testing;
