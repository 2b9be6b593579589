#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Do to each valid dump what editors, mail programs, terminals and other programs do to
# a dump: it is read correctly, or refused with the line and the cause.
#
# Needs: setup-probe tools
use strict;
use warnings;
use JSON::PP;
use Test::More;
use Contract;
use Probe;
use Sysfs;

my $file = scratch_dir() . '/dump';
my ($text, $json);

sub bytes_of { return decode_json($_[0])->{devices} }

# Read, with the same devices as in the valid dump
sub is_read {
    my ($name, $damaged, @options) = @_;
    my ($status, $out, $err) = run_probe('--json', @options, '-F', write_file($file, $damaged));
    is $status, 0, "$name: read" or diag $err, substr $out, 0, 300;
    is_deeply [map { $_->{config} } @{ bytes_of($out) }], [map { $_->{config} } @{ bytes_of($json) }], "$name: all of it";
    return;
}

# Refused, with the cause in one line
sub is_refused {
    my ($name, $damaged, $cause) = @_;
    my ($status, $out, $err) = run_probe('-F', write_file($file, $damaged));
    is "$status $out", '2 ', "$name: refused";
    like $err, qr/\Avgpu-probe: \Q$file\E: [^\n]*$cause[^\n]*\n\z/, "$name: the reason";
    return;
}

sub utf16 { my ($low, $t) = @_; return join '', map { $low ? "\0$_" : "$_\0" } split //, $t }

# A program's output for a file with these bytes
sub output_of {
    my ($bytes, @command) = @_;
    return (run_command(@command, write_file(scratch_dir() . '/bytes', $bytes)))[1];
}

for my $base (qw(conventional integrated endpoint)) {
    $text = base_dump($base);
    $json = (run_probe('--json', '-F', write_file($file, $text)))[1];
    my $bytes = config_bytes($base);
    my $each = sub { my ($edit) = @_; return join '', map { $edit->($_) . "\n" } split /\n/, $text };

    is_read "$base: $_->[0]", $_->[1] for (
        ['BOM', "\xef\xbb\xbf$text"], ['two BOMs', "\xef\xbb\xbf$text\n\xef\xbb\xbf\n"],
        ['UTF-16, little-endian', "\xff\xfe" . utf16(0, $text =~ s/\n/\r\n/gr)],
        ['UTF-16, big-endian', "\xfe\xff" . utf16(1, $text)],
        ['UTF-16 without a mark', utf16(0, $text)],
        ['no-break spaces', $text =~ s/ /\xc2\xa0/gr], ['narrow no-break spaces', $text =~ s/ /\xe2\x80\xaf/gr],
        ['no-break spaces in UTF-16', "\xff\xfe" . utf16(0, $text =~ s/ /\xa0/gr)],
        ['CR LF', $text =~ s/\n/\r\n/gr], ['CR CR LF', $text =~ s/\n/\r\r\n/gr], ['CR', $text =~ s/\n/\r/gr],
        ['blanks at the end', $each->(sub { "$_[0] \t " })], ['no newline at the end', $text =~ s/\n+\z//r],
        ['upper case', join "\n", map { /^[0-9a-f]+: / ? uc : $_ } split /\n/, $text],
        ['a mail around it', "From: a\@b\nCc: c\@d\nAdd: e\nDate: Wed, 25 Nov 2026 10:15:00 +0000\n\nHello,\n\n$text\n-- \nbye\n"],
        ['a shell around it', "\$ lspci -s 00:02.0 -xxxx\n$text\n\$ exit\n"],
        ['long decoded lines', $text =~ s/\n/"\n\tCapabilities: " . 'x' x 5000 . "\n"/er],
        ['a domain of six digits', $text =~ s/^/0a1b2c:/r], ['a domain of eight', $text =~ s/^/7fffffff:/r],
        ['wide offsets', $text =~ s/^([0-9a-f]+): /sprintf '%06x: ', hex $1/gemr],
    );
    is_read "$base: a list before it", ($text =~ /\A(.*\n)/)[0] . "\n$text";

    is_refused "$base: $_->[0]", $_->[1], $_->[2] for (
        ['quoted', $each->(sub { "> $_[0]" }), 'line 2 is quoted'],
        ['quoted twice', $each->(sub { "> > $_[0]" }), 'line 2 is quoted'],
        ['quoted without blanks', $each->(sub { ">>$_[0]" }), 'line 2 is quoted'],
        ['quoted by bars', $each->(sub { "| $_[0]" }), 'line 2 is quoted'],
        ['indented', $each->(sub { "    $_[0]" }), 'line 2 is indented'],
        ['indented by a tab', $each->(sub { "\t$_[0]" }), 'line 2 is indented'],
        ['bytes indented by a tab', $text =~ s/^(?=[0-9a-f]+: )/\t/gmr, 'line 2 is indented'],
        ['a diff', $each->(sub { "+$_[0]" }), 'line 2 is a line of a diff'],
        ['a journal', $each->(sub { "Nov 25 10:15:00 vm sh[7]: $_[0]" }), 'line 2 has text before its offset'],
        ['a log with brackets', $each->(sub { "[   12.345678] $_[0]" }), 'line 2 has text before its offset'],
        ['line numbers', do { my $n; $each->(sub { sprintf "%6d  %s", ++$n, $_[0] }) }, 'line 2 has text before'],
        ['grep -n', do { my $n; $each->(sub { ++$n . ":$_[0]" }) }, 'line 2 has text before'],
        ['colours', $each->(sub { "\e[1m$_[0]\e[0m" }), 'line 2 has text before'],
        ['empty lines', $text =~ s/\n/\n\n/gr, 'line 3: an empty line \(2\) separates these bytes from their title \(line 1\)'],
        ['an empty line after the title', $text =~ s/\n/\n\n/r, 'line 3: an empty line \(2\) separates'],
        ['an empty line in the middle', $text =~ s/^(?=40: )/\n/mr, 'line 7 continues the bytes of line 5 after an empty line \(6\)'],
        ['a page break in the middle', $text =~ s/^(?=40: )/\f\n/mr, 'line 7 continues .* after other text \(line 6\)'],
        ['no title', $text =~ s/\A.*\n//r, 'line 1 has bytes without a title'],
        ['a second block', $text . ($text =~ s/\A.*\n//r), 'line \d+ has a second block of bytes for the title in line 1'],
        ['a second block after an empty line', "$text\n" . ($text =~ s/\A.*\n//r), 'line \d+ has a second block of bytes'],
        ['a missing line', $text =~ s/^20: .*\n//mr, 'line 4 begins at 0x30, expected 0x20'],
        ['a line twice', $text =~ s/^(20: .*\n)/$1$1/mr, 'line 5 begins at 0x20, expected 0x30'],
        ['device 3f', $text =~ s/^[0-9a-f:]+\.0/00:3f.0/r, 'line 1 names a device above 1f'],
        ['function 8', $text =~ s/\.0/.8/r, 'line 1 names a function above 7'],
        ['bus 100', $text =~ s/^[0-9a-f]+:/100:/r, 'line 1 names a bus above ff'],
        ['tabs between bytes', $text =~ s/(?<=[0-9a-f]{2}) (?=[0-9a-f]{2})/\t/gr, 'line 2 has a tab'],
        ['quoted-printable', $text =~ s/\n/=\n/gr, 'line 2 is not made of two-digit bytes: \'=\''],
        ['no blanks', $text =~ s/(?<=[0-9a-f]{2}) (?=[0-9a-f]{2})//gr, 'line 2 is not made of two-digit bytes'],
        ['32-bit words', $text =~ s/ (..) (..) (..) (..)(?=[ \n])/ $4$3$2$1/gr, 'line 2 is not made of two-digit bytes'],
        ['xxd', output_of($bytes, 'od', '-Ax', '-tx2', '--endian=big', '-v') =~ s/^(\w+) /00$1: /gmr, 'line 1 is the output of xxd'],
        ['hexdump -C', output_of($bytes, 'hexdump', '-C'), 'line 1 is the output of hexdump'],
        ['hexdump', output_of($bytes, 'hexdump'), 'line 1 is the output of hexdump'],
        ['od', output_of($bytes, 'od', '-Ax', '-tx1'), 'line 1 is the output of hexdump or od|line 1 is the output of od'],
        ['a list alone', "00:00.0 Host bridge: x\n00:02.0 y\n", 'contains no configuration space'],
        map { ["raw, $_ bytes", substr($bytes . "\0" x 4096, 0, $_), "a raw configuration space of $_ bytes"] } 64, 256, 4096,
    );
}

# the command that is suggested for a raw file works when typed
my $raw = write_file(scratch_dir() . '/raw', config_bytes('endpoint'));
my (undef, undef, $err) = run_probe('-F', $raw);
my ($remedy) = $err =~ /convert it: (.*) >DUMP$/ or fail 'a command is suggested';
my (undef, $converted) = run_command('sh', '-c', $remedy =~ s/FILE/"\$0"/r, $raw);
is +(run_probe('-F', write_file($file, $converted)))[0], 0, 'a raw file, converted with the suggested command';

# vgpu-probe's own report
my @sysfs = sysfs(slot => '0000:00:02.0');
my ($status, $report) = run_probe(@sysfs, 'report');
is $status, 0, 'a report';
is +(run_probe(@$_, '-F', write_file($file, $report)))[0], 0, "@$_: a report is a dump"
    for [], ['-s', '00:02.0'], ['-s', '0000:00:02.0'], ['-s', '2.0'];

done_testing;
