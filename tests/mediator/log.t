#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The log of vgpu-mediator: systemd's journal gets a priority before each line, another
# standard error the name of the program, and every line about a VM names it.
#
# Needs: setup-test mediator
use strict;
use warnings;
use Mediator;
use Test::More;

alarm 300;
my $mediator = Mediator->new;
my $socket = $mediator->{socket};

# What systemd does: the device and the inode of standard error
sub journal {
    my ($inode) = @_;
    my ($device, $real) = stat STDERR;
    $ENV{JOURNAL_STREAM} = "$device:" . ($inode // $real);
    return;
}

sub work {
    ok $mediator->ready($socket), 'it listens' or diag $mediator->log;
    my ($answer, $connection) = $mediator->hello($socket, 'web');
    is $answer, 'OK', 'a device connects';
    syswrite $connection, pack('V v v V V', 16, 0x7777, 0, 2, 0);
    ok $mediator->wait_log(qr/BAD_TYPE/), '... and sends nonsense';
    ($answer, $connection) = $mediator->hello($socket, 'web');
    kill 'KILL', $mediator->workers;
    ok $mediator->wait_log(qr/signal 9/), '... and its worker dies';
    is $mediator->stop, 0, 'it ends';
    my @lines = split /\n/, $mediator->log;
    unlink $mediator->{log};
    return @lines;
}

sub test_journal {
    $mediator->spawn(sub { journal() }, "--socket-path=$socket");
    my @lines = work();
    is_deeply [grep { !/^<[3-6]>\w/ } @lines], [], 'the journal gets a priority in each line';
    is_deeply [map { /^<(\d)>VM web: (connected|connection closed|worker \d+ was)/ ? $1 : () } @lines],
        [6, 4, 6, 3], '... which is that of the event, and the name of the VM';
    return;
}

sub test_other {
    $mediator->spawn(sub { journal(1) }, "--socket-path=$socket");
    is_deeply [grep { !/^vgpu-mediator: \w/ } work()], [],
        'a standard error that is not the journal gets the name of the program';
    return;
}

test_journal();
test_other();

done_testing;
