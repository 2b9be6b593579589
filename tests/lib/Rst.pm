# SPDX-License-Identifier: GPL-2.0-or-later
#
# The simple tables of a reStructuredText file:
#
#   use Rst;
#   my @rows = read_tables($path);      column title => cell, for each row
#
# A line whose first cell is empty continues the previous row. The key "chapter" is
# the dash-underlined heading above the table, "section" the one underlined with tildes.
package Rst;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(read_tables);

sub cells {
    my ($line, @widths) = @_;
    return map { s/^\s+|\s+$//gr } unpack join('', map {"A$_"} @widths), $line;
}

sub read_tables {
    my ($path) = @_;
    my ($borders, $before, $chapter, $section, @widths, @titles, @rows) = (0, '', '', '');
    open my $file, '<', $path or die "$path: $!";
    while (my $line = <$file>) {
        chomp $line;
        ($chapter, $section) = ($before, '') if $line =~ /^---+$/;
        $section = $before if $line =~ /^~~~+$/;
        $before = $line;
        if ($line =~ /^=+( +=+)+$/) {
            @widths = map { length } $line =~ /(=+ *)/g;
            @titles = () if ++$borders % 3 == 1;
            next;
        }
        next unless $borders % 3;
        my @cells = cells($line, @widths);
        if (!@titles) {
            @titles = @cells;
        } elsif ($cells[0] ne '') {
            push @rows, { chapter => $chapter, section => $section, map { $titles[$_] => $cells[$_] } 0 .. $#titles };
        } elsif (@rows) {
            $rows[-1]{ $titles[$_] } .= " $cells[$_]" for grep { $cells[$_] ne '' } 1 .. $#titles;
        }
    }
    return @rows;
}

1;
