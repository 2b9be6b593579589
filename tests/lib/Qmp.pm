# SPDX-License-Identifier: GPL-2.0-or-later
#
# QEMU Machine Protocol (QMP); base class of Qtest and Vm.
#
#   $machine->qmp(COMMAND, ARGUMENTS)       returns the answer, a hash reference
#   $machine->hmp(COMMAND)                  returns a human monitor command's output
#   $machine->wait_event(NAME)              wait for this event
#   $machine->wait_status(STATUS)           wait until query-status returns STATUS
#   $machine->migrate(URI)                  wait; returns 'completed' or 'failed'
package Qmp;

use strict;
use warnings;
use IO::Socket::UNIX;
use JSON::PP;
use Time::HiRes 'sleep';

sub listener {
    my ($path) = @_;
    return IO::Socket::UNIX->new(Local => $path, Listen => 1) // die "$path: $!";
}

# QEMU connects when it starts; if it exits instead, die with its output
sub connection {
    my ($self, $server) = @_;
    $server->timeout(60);
    my $socket = $server->accept
        or die "QEMU did not start: " . slurp("$self->{dir}/stderr");
    return $socket;
}

sub connect_qmp {
    my ($self, $server) = @_;
    $self->{events} = [];
    $self->{qmp} = $self->connection($server);
    readline $self->{qmp};
    $self->qmp('qmp_capabilities');
    return;
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/;
    return scalar(<$file>) // '';
}

# Read the next QMP message; keep events for wait_event()
sub qmp_line {
    my ($self) = @_;
    my $line = readline $self->{qmp};
    die "QEMU exited: " . slurp("$self->{dir}/stderr") unless defined $line;
    my $message = decode_json($line);
    push @{ $self->{events} }, $message->{event} if exists $message->{event};
    return $message;
}

sub qmp {
    my ($self, $command, $arguments) = @_;
    my %request = (execute => $command, arguments => $arguments // {});
    print { $self->{qmp} } encode_json(\%request), "\n";
    while (1) {
        my $answer = $self->qmp_line;
        return $answer unless exists $answer->{event};
    }
}

sub hmp {
    my ($self, $command) = @_;
    my $answer = $self->qmp('human-monitor-command', { 'command-line' => $command });
    return $answer->{return} // die "$command: $answer->{error}{desc}";
}

# Events may come before or after the answer to the command that caused them
sub wait_event {
    my ($self, $name) = @_;
    local $SIG{ALRM} = sub { die "QEMU did not send the event $name within two minutes\n" };
    alarm 120;
    until (grep { $_ eq $name } @{ $self->{events} }) {
        $self->qmp_line;
    }
    alarm 0;
    $self->{events} = [];
    return;
}

# Send $query every 0.1 s until $done accepts the answer; return that answer
sub poll {
    my ($self, $query, $done) = @_;
    for (1 .. 1200) {
        my $answer = $self->qmp($query)->{return};
        return $answer if $done->($answer);
        sleep 0.1;
    }
    die "$query did not return the expected state within two minutes";
}

sub wait_status {
    my ($self, $status) = @_;
    return $self->poll('query-status', sub { $_[0]{status} eq $status });
}

sub migrate {
    my ($self, $uri) = @_;
    my $answer = $self->qmp('migrate', { uri => $uri });
    die "migrate: $answer->{error}{desc}" if $answer->{error};
    return $self->poll('query-migrate',
        sub { ($_[0]{status} // '') =~ /^(?:completed|failed)$/ })->{status};
}

1;
