#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The limits of a VM: a command that does not end is given up together with its worker,
# and memory beyond the limit is refused. The framed path keeps no more than the credit.
#
# Needs: setup-test setup-mediator
use strict;
use warnings;
use Contract;
use Files;
use JSON::PP;
use Mediator;
use Test::More;

my $mediator = Mediator->new;
my ($dir, $source) = ($mediator->{dir}, top_dir() . '/host-mediator');
my $tests = top_dir() . '/tests/mediator';

system('gcc', '-std=gnu11', '-O1', '-D_GNU_SOURCE', "-I$source", "-I$source/../include", '-c', '-o', "$dir/hang.o",
    "$tests/hang.c") == 0 or die 'gcc';
unlink $mediator->{program};
system('make', '-s', '-C', $source, "O=$dir", "LDFLAGS=-Wl,--wrap=engine_execute $dir/hang.o", 'CFLAGS=-O2 -g -Werror') == 0
    or die 'make';

sub kills {
    my $json = qx($mediator->{program} status --json --socket-path=$mediator->{socket});
    my ($vm) = grep { $_->{name} eq 'test' } @{ decode_json($json)->{vms} };
    return $vm->{kills};
}

# Ticks of the clock in which the supervisor has worked
sub ticks {
    local (@ARGV, $/) = ("/proc/$mediator->{pid}/stat");
    my (undef, @fields) = split / /, <> =~ s/^.*\)//r;
    return $fields[11] + $fields[12];
}

sub try_limit {
    my ($limit, $test, $prepare) = @_;
    write_file("$dir/config", "[defaults]\n$limit\n");
    $mediator->spawn($prepare // sub { }, "--socket-path=$mediator->{socket}", "--config=$dir/config");
    ok wait_for(sub { $mediator->listens }), "$limit: it listens" or diag $mediator->log;
    $test->();
    kill 'TERM', $mediator->{pid};
    is $mediator->ends, 0, '... and it ends';
    return;
}

sub try_device {
    my ($scenario) = @_;
    my ($status, $out) = $mediator->device($scenario);
    is $status, 0, "... and a device: $scenario" or diag $out;
    return;
}

try_limit('command-time-ms = 400', sub {
    try_device('limits');
    ok wait_for(sub { kills() == 4 }), '... and the status counts each worker that was given up' or diag kills();
});
try_limit('command-time-ms = 1', sub {
    my ($answer, $connection) = $mediator->hello($mediator->{socket}, 'idle');
    is $answer, 'OK', '... and a worker waits';
    my $before = ticks();
    sleep 1;
    cmp_ok ticks() - $before, '<', 30, '... and so does the supervisor';
});
try_limit('memory = 1M', sub { try_device('memory-limit') });
try_limit('weight = 1', sub { try_device('framed-memory') });
# one processor: one worker at a time
my ($first) = qx(taskset -pc $$) =~ /: (\d+)/ or die 'taskset';
try_limit(
    'commands = 1',
    sub { try_device('blocked-turn') },
    sub { system('taskset', '-pc', $first, $$) == 0 or die 'taskset' });
my $log = $mediator->log;
is scalar(() = $log =~ /is killed: it executes something that does not end/g), 3, 'each kill is logged';
like $log, qr/worker \d+ ends: a command of queue 0 is not complete after 400 ms/, '... and each end';

done_testing;
