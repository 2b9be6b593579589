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
use JSON::PP;
use Test::More;
use Contract;
use Mediator;

my $mediator = Mediator->built->serve;

# Commands that its workers have executed
sub commands {
    my ($status, $output) = $mediator->run('status', '--json', "--socket-path=$mediator->{socket}");
    my $count = 0;
    $count += $_->{commands} for @{ decode_json($output)->{vms} };
    return $count;
}

my $done = 0;
for my $path (qw(shared framed)) {
    local @ENV{qw(VM_MEDIATOR VM_PATH)} = ($mediator->{socket}, $path);
    # its functions are defined twice
    local $SIG{__WARN__} = sub { warn @_ if $_[0] !~ /redefined/ };
    subtest $path => sub { do(top_dir() . '/tests/guest/queues.t') or die $@ || $! };
    my $now = commands();
    cmp_ok $now - $done, '>', 1000, "$path: the mediator has executed the commands";
    $done = $now;
}
is $mediator->stop, 0, 'the mediator ends';

done_testing;
