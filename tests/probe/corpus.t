#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What vgpu-probe says of good and broken dumps, as text and as JSON, against
# golden outputs. GOLDEN=update writes them anew: read the difference before it
# is committed.
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

# The scratch folder has another name every time
sub without_paths { return $_[0] =~ s/\Q$dump\E/DUMP/gr }

sub text_of {
    my ($status, $out, $err) = run_probe('-d', ':', '-F', write_file($dump, $_[0]));
    return ($status, without_paths($out . $err =~ s/^/stderr: /mgr));
}

sub json_of {
    my ($status, $out, $err) = run_probe('--json', '-d', ':', '-F', write_file($dump, $_[0]));
    my $json = eval { decode_json($out) };
    return ($status, $json, $json ? without_paths(join "\n", flatten($json), '') : "no JSON: $out$err");
}

# The lines of one text that another has not, and the other way round. What
# libpci calls itself and what pci.ids calls the rest of the world may change.
sub difference {
    my ($old, $new) = map { write_file(scratch_dir() . "/$_->[0]", $_->[1]) } ['old', $_[0]], ['new', $_[1]];
    my (undef, $out) = run_command('diff', '-U0', $old, $new);
    return join '', map { "$_\n" } grep { /^[-+](?![-+]{2} )/ } split /\n/, $out;
}

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

# up to 3.7 libpci reads no domain of five digits
my ($libpci) = (run_probe('--version'))[1] =~ /libpci 3\.(\d+)/;

my %base;
my @corpus = read_corpus();
is_deeply [sort map { s{.*/}{}r } glob "$golden/*"],
    [sort map { ("$_->{name}.json", "$_->{name}.text") } @corpus], 'golden has two files for each row'
    unless $update;

for my $row (@corpus) {
    my $name = $row->{name};
    next if $name eq 'domain-high' && $libpci < 8;
    subtest $name => sub {
        my ($status, $text) = text_of($row->{dump});
        my ($json_status, $json, $lines) = json_of($row->{dump});
        is $status, $row->{status}, 'exit status';
        is $json_status, $row->{status}, 'exit status with --json';
        is $json->{exit_status}, $row->{status}, 'exit status in the JSON';
        is_deeply ids_of($json, 'fail'), $row->{fail}, 'failed checks';
        is_deeply ids_of($json, 'unknown'), $row->{unknown}, 'unknown checks';
        my $whole = !$base{ $row->{base} } || $row->{base} eq 'text';
        my $of = $base{ $row->{base} } //= [$text, $lines];
        is_golden("$name.text", $whole ? $text : difference($of->[0], $text));
        is_golden("$name.json", $whole ? $lines : difference($of->[1], $lines));
    };
}

done_testing;
