# SPDX-License-Identifier: GPL-2.0-or-later
#
# A QEMU without a guest, driven through qtest's text protocol:
#
#   my $qtest = Qtest->new(@qemu_arguments);
#   $qtest->read(ADDRESS, WIDTH)            memory, widths 1, 2, 4, 8
#   $qtest->write(ADDRESS, WIDTH, VALUE)
#   $qtest->config($function, OFFSET, WIDTH)          configuration space
#   $qtest->config($function, OFFSET, WIDTH, VALUE)
#   $qtest->hmp(COMMAND)                    the human monitor's answer
#   $qtest->qmp(COMMAND, ARGUMENTS)         the machine's monitor, one answer
#   $qtest->system_reset
#   $qtest->wait_event(NAME)                until QEMU has sent this event
#   $qtest->log                             what QEMU logged so far
#   $qtest->quit                            QEMU's exit status
#
# The QEMU is the one of tests/lib/qemu-under-test.
# A $function is Qtest::function(BUS, DEVICE, FUNCTION).
package Qtest;

use strict;
use warnings;
use File::Temp 'tempdir';
use IO::Handle;
use IO::Socket::UNIX;
use JSON::PP;
use Contract;

my %letter = (1 => 'b', 2 => 'w', 4 => 'l', 8 => 'q');

sub new {
    my ($class, @arguments) = @_;
    my $dir = tempdir(CLEANUP => 1);
    my $self = bless { dir => $dir, events => [] }, $class;
    my @servers = map { listener("$dir/$_") } qw(qtest qmp);
    $self->{pid} = fork // die "fork: $!";
    if (!$self->{pid}) {
        open STDERR, '>', "$dir/stderr";
        $ENV{BUILD} = build_dir();
        exec top_dir() . '/tests/lib/qemu-under-test', '-accel', 'tcg', '-S',
            '-nodefaults', '-no-user-config', '-display', 'none',
            '-qtest', "unix:$dir/qtest", '-qtest-log', '/dev/null',
            '-qmp', "unix:$dir/qmp", '-d', 'guest_errors', '-D', "$dir/log",
            @arguments;
        die "exec: $!";
    }
    $self->{qtest} = $self->connection($servers[0]);
    $self->{qmp} = $self->connection($servers[1]);
    readline $self->{qmp};
    $self->qmp('qmp_capabilities');
    return $self;
}

sub listener {
    my ($path) = @_;
    return IO::Socket::UNIX->new(Local => $path, Listen => 1) // die "$path: $!";
}

# QEMU connects when it starts; if it ends instead, say what it said
sub connection {
    my ($self, $server) = @_;
    $server->timeout(60);
    my $socket = $server->accept
        or die "QEMU does not start: " . slurp("$self->{dir}/stderr");
    return $socket;
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/;
    return scalar(<$file>) // '';
}

sub send_command {
    my ($self, $command) = @_;
    print { $self->{qtest} } "$command\n";
    while (1) {
        my $answer = readline $self->{qtest};
        die "QEMU is gone at '$command': " . slurp("$self->{dir}/stderr")
            unless defined $answer;
        next if $answer =~ /^IRQ/;
        $answer =~ /^OK ?(.*)$/ or die "qtest: $command: $answer";
        return $1;
    }
}

sub read {
    my ($self, $address, $width) = @_;
    return hex $self->send_command(sprintf 'read%s 0x%x', $letter{$width}, $address);
}

sub write {
    my ($self, $address, $width, $value) = @_;
    $self->send_command(sprintf 'write%s 0x%x 0x%x', $letter{$width}, $address,
        $value);
    return;
}

sub function {
    my ($bus, $device, $function) = @_;
    return $bus << 16 | $device << 11 | $function << 8;
}

# Configuration mechanism 1 (PCI Local Bus 3.0, section 3.2.2.3.2)
sub config {
    my ($self, $function, $offset, $width, $value) = @_;
    my $port = 0xcfc + $offset % 4;
    $self->send_command(sprintf 'outl 0xcf8 0x%x',
        0x80000000 | $function | ($offset & ~3));
    if (!defined $value) {
        return hex $self->send_command(sprintf 'in%s 0x%x', $letter{$width}, $port);
    }
    $self->send_command(sprintf 'out%s 0x%x 0x%x', $letter{$width}, $port, $value);
    return;
}

# The next line of QMP; events are put aside for wait_event()
sub qmp_line {
    my ($self) = @_;
    my $line = readline $self->{qmp};
    die "QEMU is gone: " . slurp("$self->{dir}/stderr") unless defined $line;
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

# Events may come before or after the answer to the command that caused them
sub wait_event {
    my ($self, $name) = @_;
    until (grep { $_ eq $name } @{ $self->{events} }) {
        $self->qmp_line;
    }
    $self->{events} = [];
    return;
}

sub system_reset {
    my ($self) = @_;
    $self->qmp('system_reset');
    $self->wait_event('RESET');
    return;
}

sub hmp {
    my ($self, $command) = @_;
    my $answer = $self->qmp('human-monitor-command', { 'command-line' => $command });
    return $answer->{return} // die "$command: $answer->{error}{desc}";
}

sub log {
    my ($self) = @_;
    return slurp("$self->{dir}/log");
}

sub quit {
    my ($self) = @_;
    $self->qmp('quit');
    waitpid delete $self->{pid}, 0;
    return $?;
}

sub DESTROY {
    my ($self) = @_;
    return unless $self->{pid};
    local $?;
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
}

1;
