# SPDX-License-Identifier: GPL-2.0-or-later
#
# The test guest with the program tests/guest/chardev in it:
#
#   local $ENV{GUEST} = chardev_guest();
#   chardev_passes($guest, 'chardev work', 'what it is');   one test for each of its checks
package Chardev;

use strict;
use warnings;
use Exporter 'import';
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;
use Contract;

our @EXPORT = qw(chardev_guest chardev_passes);

# A directory of the test's own: tests run in parallel
sub chardev_guest {
    my $dir = tempdir(DIR => build_dir(), CLEANUP => 1);
    my $top = top_dir();
    make_path("$dir/bin");
    system("gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -pthread -I $top/include"
        . " -I $top/guest-driver/uapi -o $dir/bin/chardev $top/tests/guest/chardev/*.c") == 0
        or die 'cannot build tests/guest/chardev';
    local $ENV{BUILD} = build_dir();
    system("$top/tests/guest/add-programs", "$dir/guest", "$dir/bin/chardev") == 0
        or die "cannot pack $dir/guest";
    return "$dir/guest";
}

sub chardev_passes {
    my ($guest, $command, $what) = @_;
    my ($status, @lines) = $guest->command($command);
    is $status, 0, "$what: $command";
    for (@lines) {
        ok !$1, "$what: $2" if /^(not )?ok - (.*)/;
    }
    is $lines[-1], 'end', "$what: $command ran to its end" or diag explain \@lines;
    return;
}

1;
