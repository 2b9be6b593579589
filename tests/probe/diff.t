#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-probe diff: every kind of difference, and its exit status.
#
# Needs: setup-probe tools
use strict;
use warnings;
use Test::More;
use JSON::PP;
use Contract;
use Probe;
use Sysfs;

my $good = probe_dir() . '/dumps/conventional.dump';
my $count = 0;

sub dump_file {
    my ($base, @edits) = @_;
    return write_file(scratch_dir() . '/' . $count++, edit_dump(base_dump($base), @edits));
}

sub diff_is {
    my ($name, $status, $lines, @arguments) = @_;
    my ($got, $out, $err) = run_probe('diff', @arguments);
    is $got, $status, "$name: exit status" or diag $err;
    is $out, join('', map { "$_\n" } @$lines), "$name: what differs";
    my (undef, $json) = run_probe('--json', 'diff', @arguments);
    my $decoded = decode_json($json);
    is $decoded->{exit_status}, $status, "$name: exit status in JSON";
    is scalar(@{ $decoded->{differences} // [] }), scalar(grep { !/^\(/ } @$lines), "$name: differences in JSON";
    return;
}

my $shorter = '(256 bytes of one and 64 of the other could be read; make dumps as root, with -xxxx)';

diff_is 'the same', 0, [], $good, $good;
diff_is 'a flag', 1, ['0x04  Command                   0103 -> 0107  BusMaster+'],
    $good, dump_file('conventional', '4=07');
diff_is 'flags both ways', 1, ['0x04  Command                   0103 -> 0001  Mem- SERR-'],
    $good, dump_file('conventional', '4=01,00');
diff_is 'a BAR', 1, ['0x10  BAR0                      febff000 -> fe600000'],
    $good, dump_file('conventional', '10=00,00,60,fe');
diff_is 'the slot', 1, ['-     Slot                      0000:00:02.0 -> 0001:07:1f.1'],
    $good, dump_file('conventional', 'slot=0001:07:1f.1');
diff_is 'a moved capability', 1, [
    '0x34  Capabilities pointer      40 -> 60',
    '0x40  (other bytes)             00030001 -> 00000000',
    '0x60  (other bytes)             00000000 -> 00030001',
], $good, dump_file('conventional', '34=60', '40=00,00,00,00,00', '60=01,00,03,00,08');
diff_is 'a removed capability', 1, [
    '0x34  Capabilities pointer      40 -> 00',
    '0x42  PM capabilities           0003 -> none',
    '0x44  PM control and status     0008 -> none',
    '0x46  PM bridge extensions      00 -> none',
    '0x47  PM data                   00 -> none',
], $good, dump_file('conventional', '34=00');
diff_is 'a byte without a name', 1, ['0xf0  (other bytes)             00000000 -> 00010000'],
    $good, dump_file('conventional', 'f2=01');
diff_is 'a byte of the extended space', 1, ['0xffc (other bytes)             00000000 -> 01000000'],
    probe_dir() . '/dumps/endpoint.dump', dump_file('endpoint', 'fff=01');
diff_is 'a shorter dump', 4, [$shorter], $good, dump_file('conventional', 'cut=64');
diff_is 'a shorter dump that differs', 1,
    ['0x08  Revision                  01 -> 02', $shorter], $good, dump_file('conventional', 'cut=64', '8=02');
diff_is 'the device', 1, ['0x44  PM control and status     0008 -> 000b'],
    sysfs(config => config_bytes('conventional', '44=0b')), $good, 'live';
diff_is 'the device, unchanged', 0, [], sysfs(), 'live', $good;

sub error_is {
    my ($name, $status, $pattern, @arguments) = @_;
    my ($got, $out, $err) = run_probe(@arguments);
    is $got, $status, "$name: exit status";
    is $out, '', "$name: nothing on standard output";
    like $err, qr/\Avgpu-probe: $pattern/, "$name: the message";
    return;
}

my ($tap_status, $tap) = run_probe('--tap', 'diff', $good, $good);
is $tap_status, 2, '--tap: exit status';
like $tap, qr/^Bail out! diff does not support --tap and --quiet/m, '--tap: the message';

my $several = write_file(scratch_dir() . '/several', base_dump('conventional') . "\n" . base_dump('endpoint'));
error_is 'one dump', 2, 'diff takes two', 'diff', $good;
error_is 'three dumps', 2, 'diff takes two', 'diff', $good, $good, $good;
error_is '-F', 2, 'diff takes its dumps without -F', '-F', $good, 'diff', $good, $good;
error_is "$_ twice", 2, qr/diff cannot read '$_' twice; usage: vgpu-probe /, 'diff', $_, $_ for '-', 'live';
error_is 'no file', 2, '/no/such: No such file', 'diff', $good, '/no/such';
error_is 'no device', 3, "\Q$several\E: no device matches", '-s', '09.0', 'diff', $several, $good;
error_is 'two devices', 2, "\Q$several\E: more than one device", 'diff', $several, $good;
diff_is 'one of two devices', 0, [], '-s', '02.0', $several, $good;
diff_is 'the second of two devices', 0, [], '-s', '01:00.0', $several, probe_dir() . '/dumps/endpoint.dump';

done_testing;
