#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The program vgpu-mediator, built with sanitizers, and a device that tests it: commands on
# the shared path, long commands, 100 workers that are killed, peers that do not keep to
# the protocol, and the bad messages of vectors/. The command line and the socket.
#
# Needs: setup-test mediator
use strict;
use warnings;
use Contract;
use File::Basename;
use Mediator;
use Socket;
use Test::More;
use Time::HiRes qw(time usleep);
use Vectors;

my $mediator = Mediator->new(SANITIZE => 1);
my ($dir, $socket) = @{$mediator}{qw(dir socket)};

sub command_line {
    my ($status, $out) = $mediator->run('--print-capabilities');
    is $status, 0, '--print-capabilities';
    like $out, qr/^\{\s+"type": "vgpu-stub",/, '... prints JSON';
    ($status, $out) = $mediator->run('--version');
    like $out, qr/^vgpu-mediator [0-9.]+$/, '--version';
    is(($mediator->run('--help'))[0], 0, '--help');
    for my $bad ('', '--fd=0 --socket-path=x', '--fd=-1', '--fd=1x', '--nothing', 'x --fd=0',
        '--fd=0 --owner=root', '--socket-path=x --owner=no-such-user') {
        is(($mediator->run($bad))[0], 2, "bad usage: '$bad'");
    }
    is(($mediator->run("--socket-path=$dir/none/socket"))[0], 1, 'a directory that does not exist');
    is(($mediator->run("--socket-path=$dir/" . 'x' x 108))[0], 2, 'a path that is too long');
    is(($mediator->run("--socket-path=$dir/daemon"))[0], 1, 'a file is not replaced');
    is(($mediator->run('--fd=9'))[0], 1, 'a descriptor that is not open');
}

# In another process, which prints TAP
sub device {
    my ($name, $scenario) = @_;
    my ($status, $out) = $mediator->device($scenario);
    is $status, 0, $name or diag $out;
    unlike $out, qr/^not ok/m, '... all its tests passed';
}

sub bad_messages {
    my $count = 0;
    for my $path (Vectors::paths(top_dir())) {
        my %vector = Vectors::read_vector($path);
        my ($fault) = "@{ $vector{expect} }" =~ /(BAD_\w+)$/ or next;
        next if $vector{from} ne 'device' || $vector{asked};
        my ($fds, $at) = $vector{descriptors} =~ /^(\d+)(?: at (\d+))?$/;
        open my $bytes, '>:raw', "$dir/bytes" or die $!;
        print $bytes $vector{bytes};
        close $bytes or die $!;
        my (undef, $reported) = $mediator->device('vector', $vector{state}, $fds, $at // 0, "<$dir/bytes");
        chomp $reported;
        is $reported, $fault, basename($path);
        $count++;
    }
    cmp_ok $count, '>=', 50, 'there are vectors';
}

command_line();
$mediator->start("--socket-path=$socket");
ok wait_for(sub { $mediator->listens }), 'it listens' or diag qx(cat $dir/log);
is sprintf('%o', (stat $socket)[2] & oct 7777), '600', 'the socket is the owner\'s';
is(($mediator->run("--socket-path=$socket"))[0], 1, 'the socket of another supervisor is not taken');
device('commands', 'work');
device('faults', 'faults');
device('the framed path', 'framed');
device('long commands', 'long');
device('workers are killed', 'kill');
device('peers', 'peers');
bad_messages();

# Workers end with their supervisor, and the next one replaces its socket
my $open = $mediator->listens;
usleep(200_000);
my $start = time;
kill 'KILL', $mediator->{pid};
$mediator->ends;
ok !sysread($open, my $byte, 1), 'a supervisor is killed: its connections end';
# this one would wait for HELLO for a second
cmp_ok time - $start, '<', 0.6, '... because its workers end';
ok wait_for(sub { !$mediator->listens }) && -S $socket, '... and the socket is left';
$mediator->start("--socket-path=$socket", '--group=0');
ok wait_for(sub { $mediator->listens }), 'the next one uses it';
is sprintf('%o', (stat $socket)[2] & oct 7777), '660', '... for a group';
device('commands', 'work');
kill 'TERM', $mediator->{pid};
is $mediator->ends, 0, 'SIGTERM ends it';
ok !-e $socket, '... and removes the socket';

# A connection that is inherited
$^F = 10;
socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, 0 or die $!;
$mediator->start('--fd=' . fileno $theirs);
close $theirs;
close $ours;
is $mediator->ends, 0, '--fd with a connection: it ends with that';

my $log = $mediator->log;
unlike $log, qr/Sanitizer|runtime error/, 'sanitizers found nothing' or diag $log;
like $log, qr/^vgpu-mediator: VM test: connection closed: PING: BAD_TIMEOUT/m, 'a fault names VM and message';
like $log, qr/^vgpu-mediator: VM test: worker \d+ was killed by signal 9/m, 'the death of a worker is logged';

done_testing;
