# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds vgpu-mediator and the program tests/mediator/daemon in a directory, and runs them:
#
#   my $mediator = Mediator->new(SANITIZE => 0 or 1)
#   my $mediator = Mediator->built(DIRECTORY)       that of "make mediator" instead, without
#                                   daemon; DIRECTORY is a temporary one if omitted
#   $mediator->{dir}, {socket}, {program}, {log}   the directory and files in it
#   $mediator->start(OPTION...)     start it; {pid}; its standard error is appended to {log};
#                                   {user} is the ID of the user that runs it
#   $mediator->serve(OPTION...)     start it with the socket {socket}, and wait for it; later
#                                   without options: start it with the same ones again
#   $mediator->listens              a connection, or undef
#   $mediator->workers              the process IDs of its workers
#   $mediator->ends                 wait for its end: its exit status, or 'none'
#   $mediator->run(OPTION...)       its exit status and output
#   $mediator->device(ARGUMENT...)  run daemon: its wait status and output
#   $mediator->log                  the log
#   $mediator->spawn(SUB, OPTION...)  as start, but SUB is called in the new process first
#   $mediator->ready(PATH)          wait until it listens there
#   $mediator->hello(PATH, NAME)    connect and send HELLO: 'OK' and the connection, 'BUSY',
#                                   or another text that says what came
#   $mediator->wait_log(PATTERN)    wait for a line in the log
#   $mediator->stop                 SIGTERM: its exit status
#   wait_for(SUB)                   whether SUB became true within ten seconds
package Mediator;

use strict;
use warnings;
use Exporter 'import';
use File::Temp 'tempdir';
use IO::Socket::UNIX;
use POSIX 'WNOHANG';
use Time::HiRes 'usleep';
use Contract;

our @EXPORT = qw(wait_for);

my $top = top_dir();

sub new {
    my ($class, %options) = @_;
    my $dir = tempdir(CLEANUP => 1);
    my $self = bless { dir => $dir, socket => "$dir/socket", program => "$dir/vgpu-mediator", log => "$dir/log" }, $class;
    my $flags = $options{SANITIZE} ? '-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all' : '-O2 -g';
    my ($source, $tests) = ("$top/host-mediator", "$top/tests/mediator");
    system('make', '-s', '-C', $source, "O=$dir", "CFLAGS=$flags -Werror") == 0 or die 'make';
    system('gcc', '-std=gnu11', '-g', '-O1', '-Wall', '-Wextra', '-Werror', '-Wno-missing-field-initializers',
        '-D_GNU_SOURCE', "-I$top/include", "-I$source", '-o', "$dir/daemon", (glob "$tests/daemon*.c"),
        (map {"$tests/$_.c"} qw(peer ring processes send)),
        "$top/engine/crc32c.c", map {"$source/$_.c"} qw(message channel channel-send)) == 0 or die 'gcc';
    return $self;
}

sub built {
    my ($class, $dir) = @_;
    $dir //= tempdir(CLEANUP => 1);
    my $program = build_dir() . '/mediator/vgpu-mediator';
    return bless { dir => $dir, socket => "$dir/socket", program => $program, log => "$dir/log" }, $class;
}

sub wait_for {
    my ($condition) = @_;
    for (1 .. 100) {
        return 1 if $condition->();
        usleep(100_000);
    }
    return 0;
}

sub spawn {
    my ($self, $prepare, @options) = @_;
    $self->{pid} = fork // die $!;
    return $self->{pid} if $self->{pid};
    open STDERR, '>>', $self->{log} or die $!;
    open STDOUT, '>', '/dev/null' or die $!; # prove would wait for its end
    POSIX::setuid($self->{user}) if $self->{user};
    $prepare->();
    exec $self->{program}, @options or die $!;
}

sub start {
    my ($self, @options) = @_;
    return $self->spawn(sub { }, @options);
}

# Found out without a connection, which would get a worker
sub is_listening {
    my ($path) = @_;
    local @ARGV = '/proc/net/unix';
    return scalar grep { /^\S+ \S+ 00000000 00010000 .* \Q$path\E$/ } <>;
}

sub serve {
    my ($self, @options) = @_;
    $self->{options} = \@options if @options;
    $self->start("--socket-path=$self->{socket}", @{ $self->{options} // [] });
    wait_for(sub { is_listening($self->{socket}) }) or die 'the mediator does not start: ', $self->log;
    return $self;
}

sub listens {
    my ($self) = @_;
    return IO::Socket::UNIX->new(Peer => $self->{socket});
}

sub workers {
    my ($self) = @_;
    local (@ARGV, $/) = ("/proc/$self->{pid}/task/$self->{pid}/children");
    return split ' ', <>;
}

sub ends {
    my ($self) = @_;
    return 'none' if !wait_for(sub { waitpid($self->{pid}, WNOHANG) == $self->{pid} });
    delete $self->{pid};
    return $? >> 8;
}

sub stop {
    my ($self) = @_;
    kill 'TERM', $self->{pid};
    return $self->ends;
}

sub ready {
    my ($self, $path) = @_;
    return wait_for(sub { IO::Socket::UNIX->new(Peer => $path) });
}

sub receive {
    my ($socket, $length) = @_;
    my $bytes = '';
    while (length $bytes < $length) {
        sysread($socket, $bytes, $length - length $bytes, length $bytes) or return;
    }
    return $bytes;
}

sub hello {
    my ($self, $path, $name) = @_;
    my %busy = values_of('vgpu_mediator.h', code => 'VGPU_MEDIATOR_BUSY');
    my $socket = IO::Socket::UNIX->new(Peer => $path) // return "cannot connect: $!";
    local $SIG{PIPE} = 'IGNORE'; # it may be closed at once
    syswrite $socket, pack('V v v V V v v V v v V a64', 96, 1, 0, 1, 0, 1, 1, 3, 1, 0, 0, $name);
    my $header = receive($socket, 16) // return 'closed';
    my ($length, $type) = unpack 'V v', $header;
    my $body = receive($socket, $length - 16) // return 'closed';
    return ('OK', $socket) if $type == 0x8001;
    my $code = unpack 'v', $body;
    return $code == $busy{code} ? 'BUSY' : "fault $code";
}

sub wait_log {
    my ($self, $pattern) = @_;
    return wait_for(sub { ($self->log // '') =~ $pattern });
}

sub run {
    my ($self, @options) = @_;
    my $out = qx(timeout 60 $self->{program} @options 2>&1);
    return ($? >> 8, $out);
}

sub device {
    my ($self, @arguments) = @_;
    my $out = qx(timeout 120 $self->{dir}/daemon $self->{socket} $self->{pid} @arguments);
    return ($?, $out);
}

sub log {
    my ($self) = @_;
    return '' if !-e $self->{log};
    local (@ARGV, $/) = ($self->{log});
    return scalar <>;
}

sub DESTROY {
    my ($self) = @_;
    local $?;
    kill 'KILL', $self->{pid} if $self->{pid};
    return;
}

1;
