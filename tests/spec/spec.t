#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The specification and the header agree: every row of the specification's tables, and
# every number of the header that a guest can see.
#
# Needs: setup-test
use strict;
use warnings;
use Test::More;
use Contract;
use Rst;

my $spec = top_dir() . '/qemu-device/docs/specs/vgpu-stub.rst';

my @rows = grep { defined $_->{Name} && $_->{chapter} ne 'Queues' } read_tables($spec);
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

# queues.t has the registers of queues
for my $name (grep { /^REG_/ && $_ ne 'REG_SIZE' && contract($_) < 0x20 } contract_names()) {
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
my %defined = map { (line($_) => 1) } map { config_rows($_), config_rows($_, 1) } config_forms();
is join("\n", grep { !$specified{$_} } sort keys %defined), '', 'every field is specified';
is join("\n", grep { !$defined{$_} } sort keys %specified), '', 'no other field is specified';
cmp_ok keys %specified, '>', 100, 'the tables are read';

# numbers that are only in the text
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
