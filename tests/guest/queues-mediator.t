#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What queues.t tests, with a mediator that executes the commands: once with memory that its
# workers map, once with data that is sent to them.
#
# Needs: setup-demo guest mediator
# Slow: boots ten guests
use strict;
use warnings;
use File::Temp 'tempdir';
use IO::Socket::UNIX;
use JSON::PP;
use Test::More;
use Contract;
use Time::HiRes 'sleep';

my $program = build_dir() . '/mediator/vgpu-mediator';
my $socket = tempdir(CLEANUP => 1) . '/socket';

sub start_mediator {
    my $pid = fork // die $!;
    exec $program, "--socket-path=$socket" or die "$program: $!" if !$pid;
    for (1 .. 100) {
        return $pid if IO::Socket::UNIX->new(Peer => $socket);
        sleep 0.1;
    }
    die 'the mediator does not listen';
}

# Commands that its workers have executed
sub commands {
    my $status = decode_json(scalar qx('$program' status --json --socket-path='$socket'));
    my $count = 0;
    $count += $_->{commands} for @{ $status->{vms} };
    return $count;
}

my $pid = start_mediator();
my $done = 0;
for my $path (qw(shared framed)) {
    local @ENV{qw(VM_MEDIATOR VM_PATH)} = ($socket, $path);
    # its functions are defined twice
    local $SIG{__WARN__} = sub { warn @_ if $_[0] !~ /redefined/ };
    subtest $path => sub { do(top_dir() . '/tests/guest/queues.t') or die $@ || $! };
    my $now = commands();
    cmp_ok $now - $done, '>', 1000, "$path: the mediator has executed the commands";
    $done = $now;
}
kill 'TERM', $pid;
waitpid $pid, 0;

done_testing;
