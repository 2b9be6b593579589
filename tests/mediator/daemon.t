#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The program vgpu-mediator, built with sanitizers, and a device that tests it: commands on
# the shared path, long commands, 100 workers that are killed, peers that do not keep to
# the protocol, and the bad messages of vectors/. The command line and the socket.
#
# Needs: setup-test
use strict;
use warnings;
use Contract;
use File::Basename;
use File::Temp 'tempdir';
use IO::Socket::UNIX;
use POSIX 'WNOHANG';
use Test::More;
use Time::HiRes qw(time usleep);
use Vectors;

my $top = top_dir();
my $source = "$top/host-mediator";
my $dir = tempdir(CLEANUP => 1);
my $socket = "$dir/socket";
my $mediator = "$dir/vgpu-mediator";
my @sanitize = ('-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all');

system('make', '-s', '-C', $source, "O=$dir", "CFLAGS=@sanitize -Werror") == 0 or die 'make';
system('gcc', '-std=gnu11', '-g', '-O1', '-Wall', '-Wextra', '-Werror', '-Wno-missing-field-initializers',
    '-D_GNU_SOURCE', "-I$top/include", "-I$source", '-o', "$dir/daemon",
    (glob "$top/tests/mediator/daemon*.c"), (map {"$top/tests/mediator/$_.c"} qw(peer ring processes send)),
    map {"$source/$_.c"} qw(message channel crc32c)) == 0 or die 'gcc';

sub wait_for {
    my ($condition) = @_;
    for (1 .. 100) {
        return 1 if $condition->();
        usleep(100_000);
    }
    return 0;
}

sub start_mediator {
    my (@options) = @_;
    my $pid = fork // die $!;
    return $pid if $pid;
    open STDERR, '>>', "$dir/log" or die $!;
    exec $mediator, @options or die $!;
}

sub listens {
    return IO::Socket::UNIX->new(Peer => $socket);
}

sub end_of {
    my ($pid) = @_;
    return wait_for(sub { waitpid($pid, WNOHANG) == $pid }) ? $? >> 8 : 'none';
}

# Exit status and output
sub run_mediator {
    my (@options) = @_;
    my $out = qx(timeout 20 $mediator @options 2>&1);
    return ($? >> 8, $out);
}

sub command_line {
    my ($status, $out) = run_mediator('--print-capabilities');
    is $status, 0, '--print-capabilities';
    like $out, qr/^\{\s+"type": "vgpu-stub",/, '... prints JSON';
    ($status, $out) = run_mediator('--version');
    like $out, qr/^vgpu-mediator [0-9.]+$/, '--version';
    is((run_mediator('--help'))[0], 0, '--help');
    for my $bad ('', '--fd=0 --socket-path=x', '--fd=-1', '--fd=1x', '--nothing', 'x --fd=0',
        '--fd=0 --owner=root', '--socket-path=x --owner=no-such-user') {
        is((run_mediator($bad))[0], 2, "bad usage: '$bad'");
    }
    is((run_mediator("--socket-path=$dir/none/socket"))[0], 1, 'a directory that does not exist');
    is((run_mediator("--socket-path=$dir/" . 'x' x 108))[0], 1, 'a path that is too long');
    is((run_mediator("--socket-path=$dir/daemon"))[0], 1, 'a file is not replaced');
    is((run_mediator('--fd=9'))[0], 1, 'a descriptor that is not open');
}

# In another process, which prints TAP
sub device {
    my ($name, $pid, $scenario) = @_;
    my $out = qx(timeout 120 $dir/daemon $socket $pid $scenario);
    is $?, 0, $name or diag $out;
    unlike $out, qr/^not ok/m, '... all its tests passed';
}

sub bad_messages {
    my ($pid) = @_;
    my $count = 0;
    for my $path (Vectors::paths($top)) {
        my %vector = Vectors::read_vector($path);
        my ($fault) = "@{ $vector{expect} }" =~ /(BAD_\w+)$/ or next;
        next if $vector{from} ne 'device' || $vector{asked};
        my ($fds, $at) = $vector{descriptors} =~ /^(\d+)(?: at (\d+))?$/;
        open my $bytes, '>:raw', "$dir/bytes" or die $!;
        print $bytes $vector{bytes};
        close $bytes or die $!;
        chomp(my $reported = qx(timeout 20 $dir/daemon $socket $pid vector $vector{state} $fds @{[$at // 0]} <$dir/bytes));
        is $reported, $fault, basename($path);
        $count++;
    }
    cmp_ok $count, '>=', 50, 'there are vectors';
}

command_line();
my $pid = start_mediator("--socket-path=$socket");
ok wait_for(\&listens), 'it listens' or diag qx(cat $dir/log);
is sprintf('%o', (stat $socket)[2] & oct 7777), '600', 'the socket is the owner\'s';
is((run_mediator("--socket-path=$socket"))[0], 1, 'the socket of another supervisor is not taken');
device('commands', $pid, 'work');
device('faults', $pid, 'faults');
device('the framed path', $pid, 'framed');
device('long commands', $pid, 'long');
device('workers are killed', $pid, 'kill');
device('peers', $pid, 'peers');
bad_messages($pid);

# Workers end with their supervisor, and the next one replaces its socket
my $open = listens();
usleep(200_000);
my $start = time;
kill 'KILL', $pid;
end_of($pid);
ok !sysread($open, my $byte, 1), 'a supervisor is killed: its connections end';
# this one would wait for HELLO for a second
cmp_ok time - $start, '<', 0.6, '... because its workers end';
ok wait_for(sub { !listens() }) && -S $socket, '... and the socket is left';
$pid = start_mediator("--socket-path=$socket", '--group=0');
ok wait_for(\&listens), 'the next one uses it';
is sprintf('%o', (stat $socket)[2] & oct 7777), '660', '... for a group';
device('commands', $pid, 'work');
kill 'TERM', $pid;
is end_of($pid), 0, 'SIGTERM ends it';
ok !-e $socket, '... and removes the socket';

# A connection that is inherited
$^F = 10;
socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, 0 or die $!;
$pid = start_mediator('--fd=' . fileno $theirs);
close $theirs;
close $ours;
is end_of($pid), 0, '--fd with a connection: it ends with that';

my $log = do { local (@ARGV, $/) = ("$dir/log"); <> };
unlike $log, qr/Sanitizer|runtime error/, 'sanitizers found nothing' or diag $log;
like $log, qr/^vgpu-mediator: VM test: connection closed: PING: BAD_TIMEOUT/m, 'a fault names VM and message';
like $log, qr/^vgpu-mediator: worker \d+ was killed by signal 9/m, 'the death of a worker is logged';

done_testing;
