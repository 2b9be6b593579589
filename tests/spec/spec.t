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

my @rows = grep { defined $_->{Name} } read_tables($spec);
my %seen;

sub check_row {
    my ($row) = @_;
    my $name = $row->{Name};
    $seen{$name} = 1;
    if (exists $row->{Size}) {
        is hex $row->{Offset}, contract($name), "$name: offset";
        is hex $row->{Size}, contract("${name}_SIZE"), "$name: size";
    } else {
        is hex $row->{Reset}, contract($name), "$name: reset value";
        is hex $row->{Offset}, contract("REG_$name"), "$name: offset";
        is $row->{Width}, contract('REG_SIZE'), "$name: width";
    }
    return;
}

check_row($_) for grep { !exists $_->{Mask} } @rows;

for my $name (grep { /^REG_/ && $_ ne 'REG_SIZE' } contract_names()) {
    ok $seen{ $name =~ s/^REG_//r }, "register $name is specified";
}
for my $name (grep { /^WIN_/ && !/_SIZE$/ } contract_names()) {
    ok $seen{$name}, "window $name is specified";
}

# Configuration space: the same rows in both, whatever their order. A mask has two
# digits for each byte of the field's width.
sub line {
    my ($row) = @_;
    my $digits = 2 * $row->{width};
    return sprintf '%s %s at 0x%02x, %0*x, %s, %0*x', $row->{forms}, $row->{name},
        $row->{offset}, $digits, $row->{mask}, $row->{class}, $digits, $row->{value};
}

sub specified_line {
    my ($row) = @_;
    return line({ name => $row->{Name}, forms => uc $row->{Form}, class => uc $row->{Class},
        offset => hex $row->{Offset}, mask => hex $row->{Mask}, value => hex $row->{Reset},
        width => (length($row->{Mask}) - 2) / 2 });
}

my %specified = map { (specified_line($_) => 1) } grep { exists $_->{Mask} } @rows;
my %defined = map { (line($_) => 1) } map { config_rows($_) } config_forms();
is join("\n", grep { !$specified{$_} } sort keys %defined), '', 'every field is specified';
is join("\n", grep { !$defined{$_} } sort keys %specified), '', 'no other field is';
cmp_ok keys %specified, '>', 100, 'the tables are read';

# numbers that stand in the prose
my %prose = (
    BAR0_SIZE => 'BAR0 is 0x%x bytes',
    BAD_ACCESS_MAX => 'saturates at\s+0x%x',
);
my $text = do { local (@ARGV, $/) = ($spec); <> };
for my $name (sort keys %prose) {
    my $pattern = sprintf $prose{$name}, contract($name);
    like $text, qr/$pattern/, "$name is specified";
}
like $text, qr/bit 0 \(``STATUS_READY``\)/, 'STATUS_READY is specified';
is contract('STATUS_READY'), 1 << 0, 'STATUS_READY is bit 0';

done_testing;
