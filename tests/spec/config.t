#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The table of configuration space is consistent: within a form, no two rows share a
# name or a bit, and every class is known.
#
# Needs: setup-test
use strict;
use warnings;
use Test::More;
use Contract;

# The mask or value of a row, as bits of the aligned double word
sub dword {
    my ($row, $bits) = @_;
    return $bits << 8 * ($row->{offset} % 4);
}

# For the rows of one form: the value of each double word, and the faults
sub examine {
    my (%names, %named, %value, @faults);
    for my $row (@_) {
        my $at = $row->{offset} & ~3;
        my $mask = dword($row, $row->{mask});
        push @faults, "$row->{name} twice" if $names{ $row->{name} }++;
        push @faults, "$row->{name} overlaps" if ($named{$at} // 0) & $mask;
        push @faults, "$row->{name} is wider than its width"
            if $row->{mask} >= 1 << 8 * $row->{width};
        push @faults, "$row->{name}: class"
            unless $row->{class} =~ /^(?:FIXED|GUEST|PLATFORM|VERSION|ERROR)$/;
        $named{$at} |= $mask;
        $value{$at} |= dword($row, $row->{value});
    }
    return (\%value, @faults);
}

for my $form (map { ([$_, 0], [$_, 1]) } config_forms()) {
    my @rows = config_rows(@$form);
    $form = $form->[0] . ($form->[1] ? ' with queues' : '');
    my ($value, @faults) = examine(@rows);
    is "@faults", '', "$form: the rows are consistent";
    my $pm = contract('PM_CAP_OFFSET');
    is $value->{0}, contract('DEVICE_ID') << 16 | contract('VENDOR_ID'), "$form: IDs";
    is $value->{$pm} >> 16, contract('PMC'), "$form: PMC";
    is $value->{ $pm + 4 }, contract('PMCSR'), "$form: PMCSR";
    my ($doubled) = grep { $_->{name} eq 'BAR0_ADDRESS' } @rows;
    isnt join(' ', (examine(@rows, $doubled))[1 .. 2]), '', "$form: a duplicate row is found";
}

my %read = map { ($_->{name} . $_->{forms} => 1) } map { config_rows($_), config_rows($_, 1) } config_forms();
my $header = do { local (@ARGV, $/) = (top_dir() . '/include/vgpu_stub_config.h'); <> };
my $written = () = $header =~ /^ {4}ROW\(/mg;
is keys %read, $written, 'every row is read';

done_testing;
