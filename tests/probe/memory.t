#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-probe with little memory: whatever the limit is, it prints the whole report, or
# exits with status 2 and one line. Thousands of devices do not need much more.
#
# Needs: setup-probe tools
use strict;
use warnings;
use File::Path 'make_path';
use JSON::PP;
use Test::More;
use Contract;
use Probe;

my $dump = write_file(scratch_dir() . '/dump', join "\n", map { base_dump($_) } qw(conventional integrated endpoint));

# A host with two machines
$ENV{VGPU_PROBE_ROOT} = scratch_dir() . '/host';
for my $pid (7, 8) {
    make_path("$ENV{VGPU_PROBE_ROOT}/proc/$pid");
    write_file("$ENV{VGPU_PROBE_ROOT}/proc/$pid/cmdline", join "\0", 'qemu', '-device', '{"driver": "vgpu-stub"}', '');
    symlink '/usr/bin/qemu-system-x86_64', "$ENV{VGPU_PROBE_ROOT}/proc/$pid/exe";
}

# A run with at most that many KiB of address space
sub run_limited {
    my ($limit, @arguments) = @_;
    return run_command('sh', '-c', 'ulimit -v "$0" && exec "$@"', $limit, probe_path(), @arguments);
}

# Below this limit, the program does not start
my ($least) = grep { (run_limited($_, '--version'))[0] == 0 } map { 100 * $_ } 20 .. 1000;
ok $least, 'the program starts under a limit';
my @limits = ((map { $least + 100 * $_ } 0 .. 40), (map { $least + 1000 * $_ } 5 .. 20), 100_000, 210_000);

my %runs = (
    'JSON' => ['--json', '-F', $dump],
    'text' => ['-v', '-F', $dump],
    'TAP' => ['--tap', '-F', $dump],
    'diff' => ['--json', 'diff', $dump, $dump, '-s', '02.0'],
    'report' => ['report', '-F', $dump],
    'a list' => ['--json', '--list-checks'],
    'parameters' => ['-O', 'help'],
    'host' => ['--json', 'host', '/no/such'],
);
my %seen;
for my $name (sort keys %runs) {
    my @arguments = @{ $runs{$name} };
    my ($status, $whole) = run_probe(@arguments);
    my @wrong;
    for my $limit (@limits) {
        my ($code, $out, $err) = run_limited($limit, @arguments);
        $seen{ $code == $status ? 'whole' : $code }++;
        my $fine = $code == $status ? $out eq $whole && $err eq ''
            : $code == 2 && $err =~ /\Avgpu-probe: [^\n]*out of memory[^\n]*\n\z/i;
        push @wrong, "$limit: $code $err" unless $fine;
    }
    is join("\n", @wrong), '', "$name: complete, or a one-line error";
}
is_deeply [sort keys %seen], [2, 'whole'], 'the limits caused both';

# one device at a time: JSON of 2,048 takes little more than their dump
my $many = write_file(scratch_dir() . '/many', join "\n", map {
    edit_dump(base_dump('conventional'), sprintf 'slot=%02x:%02x.%d', $_ >> 8, $_ >> 3 & 31, $_ & 7) } 0 .. 2047);
my ($code, $out) = run_limited($least + 20_000, '--json', '-F', $many);
is $code, 0, 'thousands of devices in 20 MB: exit status';
is scalar(@{ decode_json($out)->{devices} }), 2048, 'all of them';

done_testing;
