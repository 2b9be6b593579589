# SPDX-License-Identifier: GPL-2.0-or-later
#
# A running guest, controlled through its console and QEMU's monitor (Qmp.pm):
#
#   my $vm = Vm->new(@qemu_arguments);      boot, and wait until the guest is ready
#   my $vm = Vm->incoming($uri, @same);     wait for an incoming migration
#   my ($status, @lines) = $vm->run('shell command');    in the guest
#   $vm->send_command('shell command');     the same in two steps
#   my ($status, @lines) = $vm->result('shell command');
#   $vm->leave;                             quit QEMU after its guest has migrated away
#   my $guest = $vm->end;                   shut down; returns a Guest, for ->good
#
# The guest runs the scenario "commanded". The transcript of a migrated guest has only
# the part printed after the migration.
package Vm;

use strict;
use warnings;
use Contract;
use File::Temp 'tempdir';
use Guest;
use IO::Handle;
use IPC::Open3;
use parent 'Qmp';

sub new {
    my ($class, @arguments) = @_;
    my $self = $class->start(@arguments);
    1 until $self->line eq q([ready]);
    return $self;
}

sub incoming {
    my ($class, $uri, @arguments) = @_;
    return $class->start(@arguments, '-incoming', $uri);
}

# The command that boots the guest; QEMU arguments are appended
sub launcher { return (top_dir() . '/tests/guest/vm', 'commanded') }

sub start {
    my ($class, @arguments) = @_;
    my $dir = tempdir(CLEANUP => 1);
    my $self = bless { dir => $dir, lines => [] }, $class;
    my $server = Qmp::listener("$dir/qmp");
    local $ENV{BUILD} = build_dir();
    open my $errors, '>', "$dir/stderr" or die "$dir/stderr: $!";
    $self->{pid} = open3($self->{keyboard}, $self->{console}, '>&' . fileno $errors,
        $class->launcher, @arguments, '-qmp', "unix:$dir/qmp");
    local $SIG{PIPE} = q(IGNORE);
    $self->connect_qmp($server);
    return $self;
}

# The next line of the console
sub line {
    my ($self) = @_;
    my $line = readline $self->{console};
    if (!defined $line) {
        $self->finish;
        die "the guest ended with exit status $self->{status}: "
            . Qmp::slurp("$self->{dir}/stderr") . "\n";
    }
    $line =~ s/\r?\n$//;
    push @{ $self->{lines} }, $line;
    return $line;
}

sub run {
    my ($self, $command) = @_;
    $self->send_command($command);
    return $self->result($command);
}

sub send_command {
    my ($self, $command) = @_;
    print { $self->{keyboard} } "$command\n";
    return;
}

sub result {
    my ($self, $command) = @_;
    my @lines;
    1 until $self->line eq "guest# $command";
    while (1) {
        my $line = $self->line;
        return ($1, @lines) if $line =~ /^\[exit (\d+)\]$/;
        push @lines, $line;
    }
}

sub finish {
    my ($self) = @_;
    push @{ $self->{lines} }, map { s/\r?\n$//r } readline $self->{console};
    waitpid delete $self->{pid}, 0;
    $self->{status} = $? >> 8;
    return;
}

sub leave {
    my ($self) = @_;
    $self->qmp('quit');
    $self->finish;
    return;
}

sub end {
    my ($self) = @_;
    print { $self->{keyboard} } "end\n";
    $self->finish;
    print STDERR Qmp::slurp("$self->{dir}/stderr");
    return Guest::transcript('commanded', $self->{status}, @{ $self->{lines} });
}

sub DESTROY {
    my ($self) = @_;
    return unless $self->{pid};
    local $?;
    eval { $self->leave } or kill 'TERM', $self->{pid};
    return;
}

1;
