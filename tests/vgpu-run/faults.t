#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-run with a driver that does something wrong: it notices each fault, says in one
# line what it is, and ends with 1. With a driver that does nothing wrong it goes on.
#
# Needs: setup-demo setup-probe tools
use strict;
use warnings;
use JSON::PP;
use Test::More;
use Contract;
use Probe;

my $driver = scratch_dir() . '/fake-device.so';
my @run = (build_dir() . '/tools/vgpu-run', '-D', '/dev/fake');
my %size = (nop => 0, copy => 65_536, fill => 65_536, crc => 65_536);

sub run_with {
    my ($fault, @arguments) = @_;
    local @ENV{qw(LD_PRELOAD FAULT COMMAND)} = ($driver, $fault, 100);
    return run_command(@run, @arguments);
}

sub is_good {
    my ($name, $fault, $count, @arguments) = @_;
    my ($status, $out, $err) = run_with($fault, '--json', '--verify', @arguments);
    my $json = eval { decode_json($out) } // {};
    is_deeply [$status, $err, $json->{verified}, $json->{commands}], [0, '', $count, $count],
        "$name: all $count results are correct";
    return $json;
}

sub is_fault {
    my ($name, $fault, $message, @arguments) = @_;
    my ($status, $out, $err) = run_with($fault, @arguments);
    my $expected = $message =~ s/^(\d) // ? $1 : 1;
    is_deeply [$status, $out, $err], [$expected, '', "vgpu-run: $message\n"], $name;
    my ($json) = map { decode_json($_) } (run_with($fault, '--json', @arguments))[1];
    is_deeply [@$json{qw(error exit_status)}], [$message, $expected], "$name: in JSON";
    return;
}

system('gcc', '-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-Werror', map({ ('-I', top_dir() . "/$_") }
    'guest-driver/uapi', 'include'), '-o', $driver, top_dir() . '/tests/vgpu-run/fake-device.c') == 0 or die 'gcc';

for my $operation (sort keys %size) {
    my $json = is_good($operation, '', 1000, $operation);
    is_deeply [@$json{qw(operation size depth)}], [$operation, $size{$operation}, 16], '... as JSON says';
    is_good("$operation of a byte", '', 300, $operation, '-s', 1, '-n', 300, '-d', 256);
    is_good("$operation at odd addresses", '', 100, $operation, '-s', 4095, '-n', 100, '-d', 7);
    is_good("$operation, $_", $_, 1000, $operation) for qw(interrupt one reverse taken);
}
is_good('fewer commands than depth', '', 3, 'copy', '-n', 3);

for my $operation (sort keys %size) {
    is_fault("$operation: a failed command", 'status', "$operation, command 100: DMA failed (status 0xd)", $operation);
    is_fault("$operation: a reset", 'reset', "$operation, command 100: device was reset, suspended or removed (status 0x10000)", $operation);
    my ($status, undef, $err) = run_with('result', $operation, '-v', '-s', 4096);
    is $status, 1, "$operation: a wrong result ends with 1";
    like $err, qr/\Avgpu-run: $operation, command 100: the result is 0x[0-9a-f]+, expected 0x[0-9a-f]+\n\z/,
        '... and is shown';
    is +(run_with('result', $operation))[0], 0, '... but not without --verify';
}
for my $operation ('copy', 'fill') {
    for my $size (1, 4095, 65_536) {
        my ($status, undef, $err) = run_with('data', $operation, '-v', '-s', $size);
        my $last = $size - 1;
        my ($is, $expected) = $err =~
            /\Avgpu-run: $operation, command 100: byte $last is 0x(..), expected 0x(..)\n\z/;
        is $status, 1, "$operation of $size bytes: a wrong byte ends with 1";
        is hex($is // '0') ^ hex($expected // '0'), 1, '... and is shown' or diag $err;
    }
}
is_fault('removed', 'gone', 'cannot wait for the device: the device was removed, or its driver unbound', 'nop');
is_fault('silent', 'timeout', 'cannot wait for the device: no completion in 60 s; dmesg | grep vgpu may say why', 'nop');
is_fault('refused', 'refuse', 'cannot submit a command: Permission denied', 'nop');
is_fault('a driver with less depth', 'depth', '2 --depth 16: the driver accepts up to 4', 'nop');
is_fault('a long buffer', '', '2 --size 67108864 with --depth 5 needs buffers of 335544320 bytes;'
    . ' the device accepts up to 268435456', 'copy', '-s', '64M', '-d', 5);
{
    my $limit = qx(bash -c 'ulimit -l');
    chomp $limit;
    my $message = '2 cannot allocate 1024 KiB for the device: no memory'
        . ($limit eq 'unlimited' ? '' : ", or above the limit of locked memory, $limit KiB (ulimit -l)")
        . '; try a smaller --size or --depth';
    is_fault('no memory', 'memory', $message, 'copy');
}

my ($json_status, $json_out, $json_err) = run_with('json', 'copy', '--json');
is_deeply [$json_status, $json_out, $json_err], [2, "\n", "vgpu-run: cannot write the result as JSON\n"],
    'no memory for JSON';

# The report as text
my (undef, $text) = run_with('', 'copy', '-v', '-s', '12K');
like $text, qr/\Acopy: 1000 commands of 12 KiB, 16 in flight, \d+\.\d{3} s
rate: \d+ commands\/s, \d+\.\d MB\/s
latency: p50 [\d.]+ us, p90 [\d.]+ us, p99 [\d.]+ us, max [\d.]+ us
verified: all 1000 results are correct\n\z/, 'the report as text';
is +(run_with('', 'nop', '-q'))[1], '', '--quiet: nothing';
unlike +(run_with('', 'nop'))[1], qr/MB|verified/, 'nop has no data, and is not verified unless asked';

# The progress bar
sub on_terminal {
    my ($command, $terminal) = @_;
    local @ENV{qw(LD_PRELOAD TERM)} = ('', $terminal // 'xterm');
    return (run_command('script', '-qec', "env LD_PRELOAD=$driver FAULT=slow @run $command", '/dev/null'))[1];
}
like on_terminal('crc -n 200 -d 1 -s 64'), qr/\r\[#+ *\] +\d+ %, \d+ commands\/s, \d+ s left.*\r {79}\rcrc: /s,
    'a progress bar on a terminal';
unlike on_terminal('nop -d 1 -n 20'), qr/%/, 'none if the run is short';
unlike on_terminal('crc -n 200 -d 1 -s 64', 'dumb'), qr/%/, 'none if the terminal is dumb';
unlike on_terminal('crc -n 200 -d 1 -s 64 2>/dev/full'), qr/%/, 'none if standard error is no terminal';
is on_terminal('crc -n 200 -d 1 -s 64 -q'), '', 'none with --quiet';

done_testing;
