#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The sandbox of vgpu-mediator's workers. The other tests run workers with sanitizers and
# so without seccomp; here they do all their work with it. Then the program tries itself
# what a worker must not do.
#
# Needs: setup-test mediator
use strict;
use warnings;
use Mediator;
use Test::More;

my $mediator = Mediator->new;

# The attempts that other layers than seccomp refuse, too
my @twice = ('opening a file', 'opening the root directory', "opening another worker's memory",
    "reading another worker's memory", 'tracing another worker', "taking another worker's descriptor",
    'signalling another worker', 'connecting to a Unix socket', 'connecting to a TCP port',
    'executing a program', 'creating a user namespace');
my @once = ('creating a process', 'mapping memory to execute', 'making memory executable');

sub test_refused {
    my ($status, $out) = $mediator->run('--self-test-sandbox');
    is $status, 0, '--self-test-sandbox: all was refused' or diag $out;
    for my $attempt (@twice, @once) {
        my ($line) = $out =~ /^(\Q$attempt\E: .*)/m;
        like $line, qr/: killed by seccomp; without seccomp: /, "$attempt: by seccomp";
        # as root, only the sandbox is in the way
        like $line, qr/without a sandbox: not refused$/, '... and by nothing else' if $> == 0;
    }
    for my $attempt (@twice) {
        like $out, qr/^\Q$attempt\E: .*; without seccomp: (?!not refused|failed)/m, "$attempt: by another layer, too";
    }
    # the root directory is empty
    like $out, qr/^opening a file: .*; without seccomp: No such file/m, 'there is no file to open'
        if $out =~ /namespaces:.* mount/;
    like $out, qr/^having a thousand descriptors: Too many open files; /m, 'descriptors are limited';
    return;
}

sub test_level {
    my $log = $mediator->log;
    like $log, qr/^vgpu-mediator: sandbox: limits, seccomp, Landlock: \d+, namespaces:( \w+)+$/m,
        'the supervisor logs the level';
    is scalar(() = $log =~ /sandbox:/g), 1, '... once';
    unlike $log, qr/signal 31/, 'no worker was killed by seccomp';
    return;
}

# The work of a worker needs no system call that is not allowed
sub test_work {
    for my $scenario (qw(work framed long faults kill)) {
        my ($status, $out) = $mediator->device($scenario);
        is $status, 0, "a device: $scenario" or diag $out;
    }
    return;
}

# A supervisor without rights, which is the usual one, reaches the same level. Other
# processes of its user cannot read a worker: what /proc has of it belongs to root.
sub test_unprivileged {
    local $mediator->{user} = $> == 0 ? 65534 : 0;
    chmod 0777, $mediator->{dir};
    $mediator->start("--socket-path=$mediator->{socket}");
    ok wait_for(sub { $mediator->listens }), 'a supervisor without rights' or diag $mediator->log;
    my $connection = $mediator->listens;
    ok wait_for(sub { ($mediator->workers)[0] }), '... starts a worker';
    my ($worker) = $mediator->workers;
    ok wait_for(sub { (stat "/proc/$worker/mem")[4] == 0 }), '... which others of its user cannot read';
    my ($status, $out) = $mediator->device('framed');
    is $status, 0, '... and does its work' or diag $out;
    kill 'TERM', $mediator->{pid};
    $mediator->ends;
    my @levels = $mediator->log =~ /(sandbox:.*)/g;
    is $levels[-1], $levels[0], '... in the same sandbox';
    return;
}

test_refused();
$mediator->start("--socket-path=$mediator->{socket}");
ok wait_for(sub { $mediator->listens }), 'it listens' or diag $mediator->log;
test_work();
kill 'TERM', $mediator->{pid};
is $mediator->ends, 0, 'SIGTERM ends it';
test_level();
test_unprivileged();

done_testing;
