#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The written specification says what the header says: every row of its tables,
# and every number of the header that a guest can see.
#
# Needs: setup-test
use strict;
use warnings;
use Test::More;
use Contract;

my $spec = top_dir() . '/qemu-device/docs/specs/vgpu-stub.rst';

# The tables of an rst file, as a list of rows: column title => cell. A line
# whose first cell is empty goes on with the row before it.
sub read_tables {
    my ($path) = @_;
    my ($in, @widths, @titles, @rows);
    open my $file, '<', $path or die "$path: $!";
    while (my $line = <$file>) {
        chomp $line;
        if ($line =~ /^=+( +=+)+$/) {
            @widths = map { length } $line =~ /(=+ *)/g;
            $in = $in ? $in + 1 : 1;
            ($in, @titles) = () if $in == 3;
            next;
        }
        next unless $in;
        my @cells = map { s/^\s+|\s+$//gr } unpack join('', map {"A$_"} @widths), $line;
        if (!@titles) {
            @titles = @cells;
        } elsif ($cells[0] ne '') {
            push @rows, { map { $titles[$_] => $cells[$_] } 0 .. $#titles };
        }
    }
    return @rows;
}

# Where the header gives no offset of its own, the row's name is a field of the
# standard header, whose offsets are libpci's.
my %standard_offset = (
    VENDOR_ID => 0x00, DEVICE_ID => 0x02, REVISION => 0x08, PROG_IF => 0x09,
    CLASS => 0x0a, HEADER_TYPE => 0x0e, BAR0_FLAGS => 0x10,
    SUBSYSTEM_VENDOR_ID => 0x2c, SUBSYSTEM_ID => 0x2e,
    PMC => contract('PM_CAP_OFFSET') + 2, PMCSR => contract('PM_CAP_OFFSET') + 4,
);

my @rows = read_tables($spec);
my %seen;

for my $row (@rows) {
    my $name = $row->{Name};
    $seen{$name} = 1;
    if (exists $row->{Size}) {
        is hex $row->{Offset}, contract($name), "$name: offset";
        is hex $row->{Size}, contract("${name}_SIZE"), "$name: size";
        next;
    }
    is hex $row->{Reset}, contract($name), "$name: reset value";
    if (exists $row->{Access}) {
        is hex $row->{Offset}, contract("REG_$name"), "$name: offset";
        is $row->{Width}, contract('REG_SIZE'), "$name: width";
    } else {
        is hex $row->{Offset}, $standard_offset{$name}, "$name: offset";
    }
}

for my $name (grep { /^REG_/ && $_ ne 'REG_SIZE' } contract_names()) {
    ok $seen{ $name =~ s/^REG_//r }, "register $name is specified";
}
for my $name (grep { /^WIN_/ && !/_SIZE$/ } contract_names()) {
    ok $seen{$name}, "window $name is specified";
}
ok $seen{$_}, "field $_ is specified" for sort keys %standard_offset;

# numbers that stand in the prose
my %prose = (
    PM_CAP_OFFSET => 'Power Management\n  at 0x%02x\.',
    EXP_CAP_OFFSET => 'PCI Express\n  at 0x%02x,',
    BAR0_SIZE => 'BAR0 is 0x%x bytes',
    BAD_ACCESS_MAX => 'stops at 0x%x',
);
my $text = do { local (@ARGV, $/) = ($spec); <> };
for my $name (sort keys %prose) {
    my $pattern = sprintf $prose{$name}, contract($name);
    like $text, qr/$pattern/, "$name is specified";
}
like $text, qr/bit 0 \(``STATUS_READY``\)/, 'STATUS_READY is specified';
is contract('STATUS_READY'), 1 << 0, 'STATUS_READY is bit 0';

done_testing;
