# SPDX-License-Identifier: GPL-2.0-or-later
#
# Helpers for tests of the device's end of the framed path, in which the test is the worker:
#
#   use FramedTest;
#   $back_end                           a BackEnd
#   start_device(timeout => 300, queues => 3, size => 16, qemu => [...])    $ring is enabled, with 16 entries
#   connect_well(%fields)               wait for the device, and answer HELLO
#   close_connection(%fields)           ... after a connection
#   submit(%entry)                      submit a command, and ring the doorbell
#   is_completed($what, 'DMA', $result)     the next completion
#   is_command($what, $command, %fields)    what BackEnd->command has returned
#   bytes($count)                       data that differs at every place
#   is_written($what, $bytes)           memory at TO, with the byte 0xee behind it
#   receive_cancel($what)               CANCEL of the last command, before which there may be DATA_OUT; it is granted
#   receive_cancel($what, $tag)         again
#   answer_cancel($cancel)
#   received_fault()                    the code of ERROR, after which the connection ends
#   commands($count)                    the next commands, as ->command returns them
#   has_no_command($what)               the device sends nothing now
package FramedTest;

use strict;
use warnings;
use Exporter 'import';
use Test::More;
use Time::HiRes 'sleep';
use BackEnd;
use Contract;
use QueueTest;

use constant { FROM => 0x1000000, TO => 0x2000000, LIST => 0x400000 };

our @EXPORT = qw($back_end FROM TO LIST start_device connect_well close_connection submit is_completed is_command
    bytes is_written receive_cancel answer_cancel received_fault commands has_no_command);
our $back_end = BackEnd->new;
my %code = reverse values_of('vgpu_mediator.h', map { $_ => "VGPU_MEDIATOR_$_" }
        map { "BAD_$_" } qw(SERIAL STATE VALUE TIMEOUT));

sub start_device {
    my (%options) = @_;
    start('pc', queues => $options{queues} // 3, size => $options{size} // 16, qemu => ['-name', 'guest', $back_end->arguments, @{ $options{qemu} // [] },
        '-global', 'vgpu-stub.mediator-timeout=' . ($options{timeout} // 10000)]);
    $ring->enable;
    return;
}

# The device connects again at once, unless the connection was younger than 100 ms
sub connect_well {
    my (%fields) = @_;
    $back_end->accept or return fail 'the device connects';
    $back_end->greet(%fields);
    my $is_there = $ring->wait_for(sub { $device->reg('STATUS') == contract('STATUS_READY') });
    sleep 0.11;
    return ok $is_there, 'the mediator is there';
}

sub close_connection {
    $back_end->close;
    return connect_well(@_);
}

# The back end's next command, which is on its way
sub submit {
    my (%entry) = @_;
    $ring->submit(%entry);
    $ring->doorbell;
    return;
}

sub is_completed {
    my ($what, $status, $result) = @_;
    my ($completion) = $ring->wait(1);
    is $completion->{status}, contract($status eq 'OK' ? 'OK' : "ERR_$status"), "$what: $status";
    is $completion->{result}, $result // 0, "$what: result";
    return;
}

# A pattern that is different at every place
sub bytes { my ($count) = @_; return substr pack('V*', map { $_ * 2654435761 & 0xffffffff } 0 .. $count / 4), 0, $count }

sub is_written {
    my ($what, $expected) = @_;
    ok $ring->get(TO, length($expected) + 1) eq "$expected\xee", "$what: the data, and nothing behind it";
    return;
}

sub commands {
    my ($count) = @_;
    my @commands;
    while (@commands < $count && (my $command = $back_end->command)) {
        push @commands, $command;
    }
    return @commands;
}

sub has_no_command {
    my ($what) = @_;
    sleep 0.05;
    return ok !IO::Select->new($back_end->{socket})->can_read(0), $what;
}

sub is_command {
    my ($what, $command, %expected) = @_;
    is_deeply { %$command{keys %expected} }, \%expected, "$what: the fields of COMMAND";
    return;
}

# The code of ERROR, after which the connection ends
sub received_fault {
    while (my $message = $back_end->receive_framed) {
        next if $message->{type} == 0xb;
        return "type $message->{type}" if $message->{type} != 0x7f;
        return $back_end->receive ? 'the connection is open' : $code{ unpack 'v', $message->{body} };
    }
    return 'the connection was closed';
}

sub receive_cancel {
    my ($what, $tag) = @_;
    my $message = $back_end->receive_framed;
    while ($message && $message->{type} == 0xb) {
        $back_end->grant(length($message->{body}) - 8);
        $message = $back_end->receive_framed;
    }
    return if !ok $message, "$what: a message";
    is $message->{type}, 0xd, "$what: CANCEL";
    is unpack('V', $message->{body}), $tag // $back_end->{tag}, "$what: its TAG";
    return $message;
}

sub answer_cancel {
    my ($cancel) = @_;
    return $back_end->send(BackEnd::message(0x800d, $cancel->{serial}, 0, pack 'V V', 0, 0));
}

1;
