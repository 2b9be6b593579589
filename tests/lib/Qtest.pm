# SPDX-License-Identifier: GPL-2.0-or-later
#
# A QEMU without a guest, controlled through the qtest protocol:
#
#   my $qtest = Qtest->new(@qemu_arguments);
#   $qtest->read(ADDRESS, WIDTH)            memory accesses of 1, 2, 4 or 8 bytes
#   $qtest->write(ADDRESS, WIDTH, VALUE)
#   $qtest->commands(COMMAND...)            send qtest commands in batches; the answers
#   $qtest->read_bytes(ADDRESS, COUNT), ->write_bytes(ADDRESS, BYTES)
#   $qtest->config($function, OFFSET, WIDTH)          configuration space
#   $qtest->config($function, OFFSET, WIDTH, VALUE)
#   $qtest->qmp(COMMAND, ARGUMENTS)         and the other methods of Qmp.pm
#   $qtest->eject(SLOT)                     what pc's ACPI does after device_del
#   $qtest->system_reset
#   $qtest->log                             QEMU's log so far
#   $qtest->quit                            end QEMU; returns its exit status
#
# tests/lib/qemu-under-test selects the QEMU, QTEST_ACCEL in the environment the
# accelerator: tcg (default) or qtest, which Debian's QEMU does not have.
# $function is Qtest::function(BUS, DEVICE, FUNCTION).
package Qtest;

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use File::Temp 'tempdir';
use IO::Handle;
use parent 'Qmp';
use Contract;

my %letter = (1 => 'b', 2 => 'w', 4 => 'l', 8 => 'q');

sub new {
    my ($class, @arguments) = @_;
    my $dir = tempdir(CLEANUP => 1);
    my $self = bless { dir => $dir }, $class;
    my @servers = map { Qmp::listener("$dir/$_") } qw(qtest qmp);
    $self->{pid} = fork // die "fork: $!";
    if (!$self->{pid}) {
        open STDERR, '>', "$dir/stderr";
        $ENV{BUILD} = build_dir();
        exec top_dir() . '/tests/lib/qemu-under-test', '-accel', $ENV{QTEST_ACCEL} // 'tcg', '-S',
            '-nodefaults', '-no-user-config', '-display', 'none',
            '-qtest', "unix:$dir/qtest", '-qtest-log', '/dev/null',
            '-qmp', "unix:$dir/qmp", '-d', 'guest_errors', '-D', "$dir/log",
            @arguments;
        die "exec: $!";
    }
    $self->{qtest} = $self->connection($servers[0]);
    $self->connect_qmp($servers[1]);
    return $self;
}

# qtest may send IRQ lines before the answer
sub answer {
    my ($self, $command) = @_;
    while (1) {
        my $answer = readline $self->{qtest};
        die "QEMU exited at '$command': " . Qmp::slurp("$self->{dir}/stderr")
            unless defined $answer;
        next if $answer =~ /^IRQ/;
        $answer =~ /^OK ?(.*)$/ or die "qtest: $command: $answer";
        return $1;
    }
}

# Batches have to fit into the socket buffers, or both sides block
sub commands {
    my ($self, @commands) = @_;
    my @answers;
    while (my @batch = splice @commands, 0, 500) {
        print { $self->{qtest} } map { "$_\n" } @batch;
        push @answers, map { $self->answer($_) } @batch;
    }
    return @answers;
}

sub send_command {
    my ($self, $command) = @_;
    my ($answer) = $self->commands($command);
    return $answer;
}

sub read_command {
    my ($address, $width) = @_;
    return sprintf 'read%s 0x%x', $letter{$width}, $address;
}

sub write_command {
    my ($address, $width, $value) = @_;
    return sprintf 'write%s 0x%x 0x%x', $letter{$width}, $address, $value;
}

sub read {
    my ($self, $address, $width) = @_;
    return hex $self->send_command(read_command($address, $width));
}

sub write {
    my ($self, $address, $width, $value) = @_;
    $self->send_command(write_command($address, $width, $value));
    return;
}

sub read_bytes {
    my ($self, $address, $count) = @_;
    return pack 'H*', substr $self->send_command(sprintf 'read 0x%x 0x%x', $address, $count), 2;
}

sub write_bytes {
    my ($self, $address, $bytes) = @_;
    $self->send_command(sprintf 'write 0x%x 0x%x 0x%s', $address, length $bytes, unpack 'H*', $bytes);
    return;
}

sub function {
    my ($bus, $device, $function) = @_;
    return $bus << 16 | $device << 11 | $function << 8;
}

# Configuration mechanism 1 (PCI Local Bus 3.0, section 3.2.2.3.2)
sub config_commands {
    my ($function, $offset, $width, $value) = @_;
    my $port = 0xcfc + $offset % 4;
    return (sprintf('outl 0xcf8 0x%x', 0x80000000 | $function | ($offset & ~3)),
        defined $value ? sprintf('out%s 0x%x 0x%x', $letter{$width}, $port, $value)
                       : sprintf('in%s 0x%x', $letter{$width}, $port));
}

sub config {
    my ($self, @access) = @_;
    return hex +($self->commands(config_commands(@access)))[1];
}

# pc's ACPI tables choose a bus and eject the slots of a mask
sub eject {
    my ($self, $slot) = @_;
    $self->commands('outl 0xae10 0', sprintf('outl 0xae08 %#x', 1 << $slot));
    return;
}

sub system_reset {
    my ($self) = @_;
    $self->qmp('system_reset');
    $self->wait_event('RESET');
    return;
}

sub log {
    my ($self) = @_;
    return Qmp::slurp("$self->{dir}/log");
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
