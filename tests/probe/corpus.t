#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-probe on good and broken dumps: exit status and checks of all of them, and the
# complete output of a few, as text and as JSON, in golden/. GOLDEN=update rewrites
# golden/: read the difference before you commit it.
#
# Needs: setup-probe tools
use strict;
use warnings;
use Test::More;
use JSON::PP;
use Contract;
use Probe;

my $golden = probe_dir() . '/golden';
my $update = ($ENV{GOLDEN} // '') eq 'update';
my $dump = scratch_dir() . '/dump';

# The scratch directory has a different name every time
sub without_paths { return $_[0] =~ s/\Q$dump\E/DUMP/gr }

sub text_of {
    my ($status, $out, $err) = run_probe('-d', ':', '-F', write_file($dump, $_[0]));
    return ($status, without_paths($out . join '', map { "stderr: $_\n" } split /\n/, $err));
}

sub json_of {
    my ($status, $out, $err) = run_probe('--json', '-d', ':', '-F', write_file($dump, $_[0]));
    my $json = eval { decode_json($out) };
    return ($status, $json, $json ? without_paths(join "\n", flatten($json), '') : "no JSON: $out$err");
}

# One of each kind: good, broken, incomplete, dead, several, and no dump
my %is_golden = map { $_ => 1 } qw(conventional integrated endpoint conventional-queues integrated-queues
    endpoint-queues class-misplaced pm-at-50 all-ones
    chain-misaligned ext-two cut-64 same-slot domains bad-hex hole);

sub is_golden {
    my ($name, $got) = @_;
    my $file = "$golden/$name";
    write_file($file, $got) if $update;
    is $got, -e $file ? read_file($file) : '', "golden/$name";
}

sub ids_of {
    my ($json, $result) = @_;
    return [sort map { $_->{id} } grep { $_->{result} eq $result } map { @{ $_->{checks} } } @{ $json->{devices} }];
}

my @corpus = read_corpus();
is_deeply [sort map { s{.*/}{}r } glob "$golden/*"], [sort map { ("$_.json", "$_.text") } keys %is_golden],
    'golden/ has two files for each of them'
    unless $update;

for my $row (@corpus) {
    my $name = $row->{name};
    subtest $name => sub {
        my ($status, $text) = text_of($row->{dump});
        my ($json_status, $json, $lines) = json_of($row->{dump});
        is $status, $row->{status}, 'exit status';
        is $json_status, $row->{status}, 'exit status with --json';
        is $json->{exit_status}, $row->{status}, 'exit status in the JSON';
        is_deeply ids_of($json, 'fail'), $row->{fail}, 'failed checks';
        is_deeply ids_of($json, 'unknown'), $row->{unknown}, 'unknown checks';
        is_golden("$name.text", $text) if $is_golden{$name};
        is_golden("$name.json", $lines) if $is_golden{$name};
    };
}

# two devices, one broken and one cut off
my @two = (edit_dump(base_dump('conventional'), '2e=00'), edit_dump(base_dump('endpoint'), 'cut=64'));
for my $dump (join("\n", @two), join("\n", edit_dump($two[0], 'slot=02:00.0'), $two[1])) {
    is +(text_of($dump))[0], 1, 'a failed check takes precedence over an unreadable device, in either order';
}

# lengths: an edit, and whether its capability has enough room
my %fits = (
    '34=f0 f0=05,40,00,00' => 1,    # MSI, 32 bits: 10 bytes
    '34=f4 f4=05,40,80,00' => 0,    # MSI, 64 bits: 14
    '34=ec ec=05,40,00,01' => 1,    # MSI, 32 bits, masks: 20
    '34=ec ec=05,40,80,01' => 0,    # MSI, 64 bits, masks: 24
    '34=ec ec=10,40,01,00' => 1,    # Express 1, endpoint: 20
    '34=ec ec=10,40,41,00' => 0,    # Express 1, root port: 36
    '34=c4 c4=10,40,02,00' => 1,    # Express 2: 60
    '34=c8 c8=10,40,02,00' => 0,
    '34=f8 f8=09,40,08' => 1,       # vendor-specific: contains its length
    '34=f8 f8=09,40,09' => 0,
    '34=f8 f8=09,40,02' => 0,       # less than its own header
    '34=f8 f8=11,40' => 0,          # MSI-X: 12
    '34=fc fc=0a,40' => 1,          # debug port: 4
);
for my $edits (sort keys %fits) {
    my (undef, $json) = json_of(edit_dump(base_dump('conventional'), split ' ', $edits));
    my ($fails) = grep { $_ eq 'cap-overlap' } @{ ids_of($json, 'fail') };
    is !$fails, !!$fits{$edits}, "$edits: " . ($fits{$edits} ? 'fits' : 'does not fit');
}

done_testing;
