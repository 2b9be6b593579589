#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A device with two queues, one of which always has long commands: the other one gets its
# share of the worker, also while another VM wants the only processor, and if a limit allows one command at a time.
#
# Needs: setup-test setup-mediator
use strict;
use warnings;
use Contract;
use Files;
use Mediator;
use Test::More;

my $mediator = Mediator->new;
my ($dir, $source) = ($mediator->{dir}, top_dir() . '/host-mediator');

system('gcc', '-std=gnu11', '-O1', '-D_GNU_SOURCE', "-I$source", "-I$source/../include", '-c', '-o', "$dir/slow.o",
    top_dir() . '/tests/mediator/slow-slices.c') == 0 or die 'gcc';
unlink $mediator->{program};
system('make', '-s', '-C', $source, "O=$dir", "LDFLAGS=-Wl,--wrap=engine_execute $dir/slow.o", 'CFLAGS=-O2 -g -Werror') == 0
    or die 'make';

# One processor: one worker at a time
sub start_mediator {
    my (@options) = @_;
    my ($first) = qx(taskset -pc $$) =~ /: (\d+)/ or die 'taskset';
    $mediator->spawn(sub { system('taskset', '-pc', $first, $$) == 0 or die 'taskset' },
        "--socket-path=$mediator->{socket}", @options);
    ok wait_for(sub { $mediator->listens }), "@options: it listens" or diag $mediator->log;
    return;
}

# Another VM, which works as much as it can
sub start_load {
    my $pid = fork // die $!;
    return $pid if $pid;
    open STDOUT, '>', '/dev/null' or die $!;
    exec "$mediator->{dir}/daemon", $mediator->{socket}, $mediator->{pid}, 'load', 0, 10**12 or die $!;
}

sub try_queues {
    my ($name, @arguments) = @_;
    my ($status, $out) = $mediator->device('queues', @arguments);
    is $status, 0, $name or diag $out;
    return;
}

start_mediator();
my $load = start_load();
ok $mediator->wait_log(qr{VM test: connected}), 'another VM works';
try_queues('both queues are served while another VM waits for its turn', 30, 1000);
kill 'KILL', $load;
waitpid $load, 0;
is $mediator->stop, 0, 'the mediator ends';

for my $limit ('commands = 1', 'bytes = 1M') {
    write_file("$dir/config", "[defaults]\n$limit\n");
    start_mediator("--config=$dir/config");
    try_queues("$limit: a command of the other queue is the next one", 1, 60000);
    is $mediator->stop, 0, '... and the mediator ends';
}

done_testing;
