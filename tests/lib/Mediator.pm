# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds vgpu-mediator and the program tests/mediator/daemon in a directory, and runs them:
#
#   my $mediator = Mediator->new(SANITIZE => 0 or 1)
#   $mediator->{dir}, {socket}, {program}, {log}   the directory and files in it
#   $mediator->start(OPTION...)     start it; {pid}; its standard error is appended to {log};
#                                   {user} is the ID of the user that runs it
#   $mediator->listens              a connection, or undef
#   $mediator->workers              the process IDs of its workers
#   $mediator->ends                 wait for its end: its exit status, or 'none'
#   $mediator->run(OPTION...)       its exit status and output
#   $mediator->device(ARGUMENT...)  run daemon: its wait status and output
#   $mediator->log                  the log
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
        map {"$source/$_.c"} qw(message channel crc32c)) == 0 or die 'gcc';
    return $self;
}

sub wait_for {
    my ($condition) = @_;
    for (1 .. 100) {
        return 1 if $condition->();
        usleep(100_000);
    }
    return 0;
}

sub start {
    my ($self, @options) = @_;
    $self->{pid} = fork // die $!;
    return $self->{pid} if $self->{pid};
    open STDERR, '>>', $self->{log} or die $!;
    POSIX::setuid($self->{user}) if $self->{user};
    exec $self->{program}, @options or die $!;
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
    return wait_for(sub { waitpid($self->{pid}, WNOHANG) == $self->{pid} }) ? $? >> 8 : 'none';
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
    local (@ARGV, $/) = ($self->{log});
    return scalar <>;
}

1;
