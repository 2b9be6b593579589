# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whole files, as bytes:
#
#   read_file($path)            dies if it cannot be read
#   write_file($path, $text)    the path; dies if it cannot be written
package Files;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(read_file write_file);

sub read_file {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!";
    local $/;
    return scalar(<$file>) // '';
}

sub write_file {
    my ($path, $text) = @_;
    open my $file, '>:raw', $path or die "$path: $!";
    print {$file} $text;
    close $file or die "$path: $!";
    return $path;
}

1;
