#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-probe's command line: which devices are selected, and the errors for bad usage and
# unreadable input.
#
# Needs: setup-probe tools
use strict;
use warnings;
use Test::More;
use JSON::PP;
use Contract;
use Probe;

my $two = write_file(scratch_dir() . '/two', base_dump('conventional') . "\n" . base_dump('endpoint'));
my $good = probe_dir() . '/dumps/conventional.dump';

# An error is one line that names the tool, and JSON says the same
sub is_error {
    my ($expected, $pattern, $name, @arguments) = @_;
    my ($status, $out, $err) = run_probe(@arguments);
    is $status, $expected, "$name: exit status";
    is $out, '', "$name: nothing on standard output";
    like $err, qr/\Avgpu-probe: [^\n]*$pattern[^\n]*\n/, "$name: the message";
    my ($json_status, $json_out) = run_probe('--json', @arguments);
    is $json_status, $expected, "$name: exit status with --json";
    my $json = eval { decode_json($json_out) } // {};
    like $json->{error} // 'no JSON', qr/$pattern/, "$name: the message in JSON";
    is $json->{exit_status}, $expected, "$name: exit status in JSON";
    is_deeply $json->{devices}, [], "$name: no devices in JSON";
    return;
}

is_error 2, 'unknown option --nonsense', 'unknown long option', '--nonsense';
is_error 2, 'unknown option -%', 'unknown option', '-%';
is_error 2, 'needs an argument', 'option without its argument', '-s';
is_error 2, q{unexpected argument 'x'}, 'argument', 'x';
is_error 2, '-s zz:zz: ', 'malformed slot', '-s', 'zz:zz', '-F', $good;
is_error 2, '-d zz: ', 'malformed ID', '-d', 'zz', '-F', $good;
is_error 2, '/no/such: .*No such file', 'no such file', '-F', '/no/such';
is_error 2, '/: ', 'a directory', '-F', '/';
is_error 3, 'no device matches -d 8086:1234', 'no such ID', '-d', '8086:1234', '-F', $good;
is_error 3, 'no device matches -s 1f.7', 'empty slot', '-s', '1f.7', '-F', $good;
is_error 3, 'no device matches -s 02.0 -d 8086:', 'no such ID in the slot',
    qw(-s 02.0 -d 8086:), '-F', $good;

is_error 2, '-A nonsense: no such access method', 'unknown method', '-A', 'nonsense';
is_error 2, '-O nonsense=1: no such parameter', 'unknown parameter', '-O', 'nonsense=1';
is_error 2, '-O nonsense: not of the form', 'parameter without a value', '-O', 'nonsense';
is_error 2, 'more than 16 times -O', 'many parameters', map { ('-O', "a=$_") } 1 .. 17;
is_error 2, '-i /no/such: No such file', 'no such file of names', '-i', '/no/such', '-F', $good;
is_error 2, '--mmio reads a device, this is a dump', '--mmio of a dump', '--mmio', '-F', $good;
is_error 2, 'Cannot open /no/such', 'an access method that does not work', '-A', 'linux-proc', '-O', 'proc.path=/no/such';
is_error 2, q{unexpected argument 'x'}, 'argument of a list', '--list-checks', 'x';
is_error 2, 'report takes no argument', 'an argument of report', 'report', 'x';
my ($report_status, $report) = run_probe('--json', 'report');
is $report_status, 2, 'report as JSON: exit status';
like $report, qr/report is text/, 'report as JSON: the message';
for my $pair (['--json', '--tap'], ['--quiet', '--json'], ['--tap', '--quiet']) {
    my ($status) = run_probe(@$pair, '-F', $good);
    is $status, 2, "@$pair: exit status";
}
like +(run_probe('--quiet', '-F', '/no/such'))[2], qr/No such file/, '--quiet does not suppress an error';

# larger than any machine
my $large = write_file(scratch_dir() . '/large', base_dump('conventional') . ' ' x (16 << 20));
is_error 2, 'larger than 16 MiB', 'a dump that is too large', '-F', $large;
my $many = write_file(scratch_dir() . '/many',
    join "\n", map { sprintf "%02x:%02x.%d x\n00: f4 1a 11 11\n", $_ >> 8, $_ >> 3 & 31, $_ & 7 } 0 .. 4096);
is_error 2, 'more than 4096 devices match', 'a dump of too many devices', '-F', $many;

# A copy, because the user nobody may have no access to the build directory. With
# check-pciutils, nobody may have no access to the libraries either.
if (!$ENV{PROBE}) {
    my @nobody = $> ? () : ('setpriv', '--reuid=nobody', '--clear-groups', '--inh-caps=-all');
    my $copy = scratch_dir() . '/vgpu-probe';
    run_command('cp', probe_path(), $copy);
    chmod 0755, scratch_dir(), $copy;
    my ($status, $out, $err) = run_command(@nobody, $copy, '-d', 'dead:beef');
    is $status, 3, 'as nobody, no device: exit status';
    like $err, qr/the kernel log (?:is for root|says)|\d+\. in this machine/, 'as nobody, no device: hints';
}

sub slots {
    my ($status, $out) = run_probe('--json', @_);
    return [map { $_->{slot} } @{ decode_json($out)->{devices} }];
}

is_deeply slots('-F', $two), ['0000:00:02.0', '0000:01:00.0'], 'devices are sorted';
is_deeply slots('-F', $two, '-s', '1:'), ['0000:01:00.0'], '-s with a bus';
is_deeply slots('-F', $two, '-s', '02.0'), ['0000:00:02.0'], '-s with a slot';
is_deeply slots('-F', $two, '-d', sprintf('%x:', contract('VENDOR_ID'))),
    ['0000:00:02.0', '0000:01:00.0'], '-d with a vendor';

for my $option ('--help', '--version') {
    my ($status, $out, $err) = run_probe($option);
    is $status, 0, "$option: exit status";
    like $out, qr/vgpu-probe/, "$option: standard output";
    is $err, '', "$option: standard error";
}
my $dkms = read_file(top_dir() . '/dkms.conf');
my ($version) = $dkms =~ /^PACKAGE_VERSION="(.*)"/m;
like +(run_probe('--version'))[1], qr/^vgpu-probe \Q$version\E /, "the project's version";

{
    my ($status, $out, $err) = run_command('sh', '-c', '"$0" -F "$1" >/dev/full', probe_path(), $good);
    is $status, 2, 'output that cannot be written: exit status';
    like $err, qr/standard output/, 'output that cannot be written: the message';
}

done_testing;
