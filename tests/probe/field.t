#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Users' dumps and authors' mistakes, in field/: each is read and checked as its index
# says, or refused with the line and the cause.
#
# Needs: setup-probe tools
use strict;
use warnings;
use JSON::PP;
use Test::More;
use Contract;
use Probe;

my $field = probe_dir() . '/field';

sub read_index {
    my ($name) = @_;
    my @rows = map { [map { s/^\s+|\s+$//gr } split / \| /, $_, 4] }
        grep { !/^#/ } split /\n/, read_file("$field/$name.index");
    is_deeply [sort map { $_->[0] } @rows], [sort map { s{.*/}{}r } glob "$field/$name/*"],
        "$name: the index has each file";
    return @rows;
}

for my $row (read_index('dumps')) {
    my ($name, $expected, $pattern, $what) = @$row;
    my ($status, $out, $err) = run_probe('-F', "$field/dumps/$name");
    is $status, $expected, "$name, $what: exit status";
    like $out . $err, qr/$pattern/ms, "$name, $what: the message";
    next if $expected != 2;
    is $out, '', "$name: nothing else is printed";
    like $err, qr/\Avgpu-probe: \S+: (?:line \d+\b[^\n]*|a raw [^\n]*)\n\z/, "$name: one line, with its number";
}

for my $row (read_index('mistakes')) {
    my ($name, $expected, $check, $what) = @$row;
    my ($status, $out) = run_probe('--json', '-d', ':', '-F', "$field/mistakes/$name");
    is $status, $expected, "$name, $what: exit status";
    my @found = map { $_->{id} } grep { $_->{result} ne 'pass' } @{ decode_json($out)->{devices}[0]{checks} };
    is scalar(grep { $_ eq $check } @found), 1, "$name, $what: $check" or diag "@found";
    cmp_ok scalar(grep { !/^(?:ext-)?cap-/ } @found), '<=', 6, "$name: one mistake does not fail many checks";
}

# a list before a dump does not prevent selecting a slot
is +(run_probe('-s', '00:02.0', '-F', "$field/dumps/21-list-then-dump"))[0], 0, 'a list, then a dump: -s';

done_testing;
