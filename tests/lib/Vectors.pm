# SPDX-License-Identifier: GPL-2.0-or-later
#
# The test vectors in tests/mediator/vectors; the file README there describes them.
package Vectors;

use strict;
use warnings;

sub paths {
    my ($top) = @_;
    return grep { !/README/ } glob "$top/tests/mediator/vectors/*";
}

sub read_vector {
    my ($path) = @_;
    my %vector = (asked => 0, descriptors => '0', expect => [], bytes => '');
    open my $file, '<', $path or die "$path: $!";
    while (<$file>) {
        s/\s*#.*//;
        if (/^expect (.+)/) {
            push @{ $vector{expect} }, $1;
        } elsif (/^(from|state|asked|descriptors) (.+)/) {
            $vector{$1} = $2;
        } elsif (/^([0-9a-f]{2}) \* (\d+)$/) {
            $vector{bytes} .= chr(hex $1) x $2;
        } elsif (/^[0-9a-f]{2}(?: [0-9a-f]{2})*$/) {
            $vector{bytes} .= pack 'H*', tr/ \n//dr;
        } elsif (/\S/) {
            die "$path, line $.: $_";
        }
    }
    return %vector;
}

1;
