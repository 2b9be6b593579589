# SPDX-License-Identifier: GPL-2.0-or-later
#
# Read and write whole files, as bytes:
#
#   read_file($path)            dies on error
#   write_file($path, $text)    returns the path; dies on error
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
