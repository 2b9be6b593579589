#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The log of vgpu-mediator: systemd's journal gets a priority before each line, another
# standard error the name of the program, and every line about a VM names it. No connection
# ends without a line.
#
# Needs: setup-test mediator
use strict;
use warnings;
use BackEnd;
use Contract;
use Mediator;
use Socket;
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
    ($answer, $connection) = $mediator->hello($socket, 'web');
    close $connection;
    ok $mediator->wait_log(qr/disconnected/), '... and it leaves';
    is $mediator->stop, 0, 'it ends';
    my @lines = split /\n/, $mediator->log;
    unlink $mediator->{log};
    return @lines;
}

sub test_journal {
    $mediator->spawn(sub { journal() }, "--socket-path=$socket");
    my @lines = work();
    is_deeply [grep { !/^<[3-6]>\w/ } @lines], [], 'the journal gets a priority in each line';
    is_deeply [map { /^<(\d)>VM web: (connected|connection closed|worker \d+ was|disconnected)/ ? $1 : () } @lines],
        [6, 4, 6, 3, 6, 6], '... which is that of the event, and the name of the VM';
    return;
}

sub test_other {
    $mediator->spawn(sub { journal(1) }, "--socket-path=$socket");
    is_deeply [grep { !/^vgpu-mediator: \w/ } work()], [],
        'a standard error that is not the journal gets the name of the program';
    return;
}

# More descriptors are on their way between processes of this user than a worker may send
sub occupy_descriptors {
    socketpair my $from, my $to, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die $!;
    my $count = BackEnd::send({ socket => $from }, 'x', (fileno STDIN) x 200);
    is $count, 1, '200 descriptors are on their way' or diag $!;
    return ($from, $to);
}

sub test_lifeline {
    $mediator->start("--socket-path=$socket");
    ok $mediator->ready($socket), 'it listens';
    my @kept = occupy_descriptors();
    is +($mediator->hello($socket, 'web'))[0], 'closed', 'a lifeline that cannot be sent ends the connection';
    ok $mediator->wait_log(qr/VM web: connection closed: the answer to HELLO: cannot send: Too many references/),
        '... which is logged' or diag $mediator->log;
    undef @kept;
    is +($mediator->hello($socket, 'web'))[0], 'OK', '... and the next one succeeds';
    $mediator->stop;
    unlink $mediator->{log};
    return;
}

sub test_sandbox {
    my $library = "$mediator->{dir}/no-seccomp.so";
    is system('gcc', '-shared', '-fPIC', '-D_GNU_SOURCE', '-Wall', '-Werror', '-o', $library,
        top_dir() . '/tests/mediator/no-seccomp.c'), 0, 'seccomp can be made to fail';
    $mediator->spawn(sub { $ENV{LD_PRELOAD} = $library }, "--socket-path=$socket");
    ok $mediator->ready($socket), 'it listens';
    is +($mediator->hello($socket, 'web'))[0], 'BUSY', 'a worker without its sandbox serves nobody';
    ok $mediator->wait_log(qr/VM unknown: connection closed: a message: BUSY: the worker cannot enter its sandbox/),
        '... which is logged' or diag $mediator->log;
    $mediator->stop;
    unlink $mediator->{log};
    return;
}

sub test_few_descriptors {
    for my $limit (['-Sn' => 124, qr/sandbox:/], ['-n' => 1, qr/the limit of open files is 300, and \d+ are needed/]) {
        my ($option, $status, $expected) = @$limit;
        my $out = qx(ulimit $option 300; timeout 1 $mediator->{program} --socket-path=$socket 2>&1);
        is $? >> 8, $status, "ulimit $option 300: exit status";
        like $out, $expected, "ulimit $option 300: its line";
    }
    return;
}

test_journal();
test_other();
test_lifeline();
test_sandbox();
test_few_descriptors();

done_testing;
