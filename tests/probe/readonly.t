#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-probe never writes to a device: strace shows that it opens no file for writing and
# writes only to its standard output and error. tests/guest/probe.t traces it on a device.
#
# Needs: setup-probe tools
use strict;
use warnings;
use Test::More;
use Contract;
use Probe;
use Sysfs;

my $trace = scratch_dir() . '/trace';

# Writes to descriptors that are not 0 to 2
sub writes_of {
    my @lines = split /\n/, read_file($trace);
    my @bad;
    for (@lines) {
        push @bad, $_ if /\bopen(?:at)?\(.*O_(?:WRONLY|RDWR|CREAT|TRUNC)/;
        push @bad, $_ if /\b(?:p?writev?\d*(?:64)?|ftruncate|ioctl)\((\d+)/ && $1 > 2;
        push @bad, $_ if /\b(?:outb|iopl|ioperm|unlink|rename|truncate|mknod|chmod)\w*\(/;
        push @bad, $_ if /\bmmap\(.*PROT_WRITE.*MAP_SHARED/;
    }
    return @bad;
}

sub is_readonly {
    my ($name, @arguments) = @_;
    my ($status) = run_command('strace', '-f', '-o', $trace, probe_path(), @arguments);
    is $status, (run_command(probe_path(), @arguments))[0], "$name: the same exit status as without strace";
    like read_file($trace), qr/(?:config|dump)", O_RDONLY/, "$name: the trace shows what is read";
    is join("\n", writes_of()), '', "$name: nothing is written";
    return;
}

is_readonly 'this machine', '-d', ':';
is_readonly 'everything of this machine', '-vvv', '-k', '-xxxx', '--mmio', '-d', ':';
is_readonly 'registers', '--mmio', sysfs(resource0 => registers());
is_readonly 'registers of queues', '--mmio',
    sysfs(config => config_bytes('endpoint-queues'), resource0 => queue_registers(16));
is_readonly 'report', sysfs(), 'report';
is_readonly 'diff', sysfs(), 'diff', 'live', probe_dir() . '/dumps/conventional.dump';
is_readonly 'a dump', '-F', probe_dir() . '/dumps/endpoint.dump';

# the check finds a write
run_command('strace', '-f', '-o', $trace, 'sh', '-c', 'echo x >"$0"', scratch_dir() . '/x');
is scalar(writes_of()), 1, 'a write is found';

done_testing;
