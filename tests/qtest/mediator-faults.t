#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A back end that makes mistakes, is silent or ends: the device closes the connection, logs
# one line, and connects again. In the test vectors, the device is the receiver.
#
# Needs: setup-device device
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use BackEnd;
use Contract;
use MediatorTest;
use QueueTest;
use Vectors;

my %code = reverse values_of('vgpu_mediator.h', map { $_ => "VGPU_MEDIATOR_$_" }
        map { "BAD_$_" } qw(LENGTH TYPE DESCRIPTORS RESERVED SERIAL STATE VALUE VERSION TIMEOUT));

sub receive_error {
    my ($what) = @_;
    my $error = $back_end->receive;
    is $error && $error->{type}, 0x7f, "$what: ERROR";
    my $code = $error ? unpack 'v', $error->{body} : 0;
    is $back_end->receive, undef, "$what: the device closes the connection";
    return $code{$code} // $code;
}

sub is_logged {
    my ($fault, $what) = @_;
    is_there(0, "$what: the mediator is away");
    my @lines = new_lines();
    is @lines, 1, "$what: one line is logged" or diag @lines;
    like $lines[0] // '', qr/VM guest 1: .*$fault/, "$what: it names the VM and the fault";
    return;
}

sub descriptors {
    return scalar(() = glob "/proc/$device->{qtest}{pid}/fd/*");
}

# Those that the device can receive: it asks HELLO on a new connection, then nothing
sub vectors {
    my %vectors = map { s{.*/}{}r => { Vectors::read_vector($_) } } Vectors::paths(top_dir());
    for my $name (keys %vectors) {
        my $vector = $vectors{$name};
        my $can = $vector->{from} eq 'back-end' && "@{ $vector->{expect} }" =~ /BAD_/
            && ($vector->{state} eq 'ready' ? !hex $vector->{asked} : hex($vector->{asked}) == 1);
        delete $vectors{$name} unless $can;
    }
    return %vectors;
}

sub send_vector {
    my ($vector) = @_;
    my ($count, $at) = $vector->{descriptors} =~ /^(\d+)(?: at (\d+))?$/ or die 'descriptors';
    open my $null, '<', '/dev/null' or die;
    if ($at) {
        $back_end->send(substr $vector->{bytes}, 0, $at);
        sleep 0.05;
    }
    $back_end->send(substr($vector->{bytes}, $at // 0), (fileno $null) x $count);
    return;
}

# The device is not connected before and after
sub test_vectors {
    my %vectors = vectors();
    my $before = descriptors();
    cmp_ok keys %vectors, '>', 10, 'there are vectors for the device';
    for my $name (sort keys %vectors) {
        my $vector = $vectors{$name};
        my ($expected) = "@{ $vector->{expect} }" =~ /(BAD_\w+)/;
        ok $back_end->accept, "$name: the device connects";
        if ($vector->{state} eq 'ready') {
            $back_end->greet;
            is_there(1, "$name: the mediator is there");
        } else {
            $back_end->receive;
        }
        send_vector($vector);
        is receive_error($name), $expected, "$name: the fault";
        is_logged($expected, $name);
    }
    $back_end->close;
    $ring->wait_for(sub { descriptors() == $before });
    is descriptors(), $before, 'no descriptor is leaked';
    return;
}

sub test_hello_answers {
    open my $null, '<', '/dev/null' or die;
    my %bad = (
        'a version that was not offered' => [BAD_VALUE => version => 2],
        'a path that was not offered' => [BAD_VALUE => features => 3],
        'too much credit' => [BAD_VALUE => credit => (16 << 20) + 1],
        'a descriptor that comes late' => [BAD_DESCRIPTORS => late => 1],
        'a descriptor that comes with the fields' => [BAD_DESCRIPTORS => late => 16],
        'a lifeline that is no pipe' => [BAD_DESCRIPTORS => fd => $null],
    );
    for my $what (sort keys %bad) {
        my ($fault, %fields) = @{ $bad{$what} };
        $back_end->accept;
        $back_end->greet(%fields);
        is receive_error($what), $fault, "$what: the fault";
        is_logged($fault, $what);
    }
    return;
}

# A back end that says nothing, stops in a message, closes or reports an error
sub test_ends {
    $back_end->accept;
    my $hello = $back_end->receive;
    my $begin = time;
    is receive_error('silence'), 'BAD_TIMEOUT', 'no answer to HELLO';
    my $took = time - $begin;
    ok $took > 0.8 && $took < 5, "... after a second ($took s)";
    is_logged('BAD_TIMEOUT', 'no answer to HELLO');

    connect_well();
    $back_end->send("\x10");
    is receive_error('silence'), 'BAD_TIMEOUT', 'an incomplete message';
    is_logged('BAD_TIMEOUT', 'an incomplete message');

    connect_well();
    $back_end->send("\x10");
    sleep 0.2;
    $back_end->close;
    is_logged('ends early', 'a connection that ends in a message');

    connect_well();
    $back_end->send(BackEnd::message(0x7f, 0, 0, pack 'v v V a72', 10, 0, 0, "too many\e[2J"));
    is_logged('too many\?\[2J', 'ERROR');

    connect_well();
    $back_end->close;
    is_there(0, 'a connection that just ends');
    is_deeply [new_lines()], [], '... is not logged';

    connect_well();
    close delete $back_end->{lifeline};
    is $back_end->receive, undef, 'when the lifeline hangs up, the device closes the connection';
    is_there(0, '... and the mediator is away');
    new_lines();
    return;
}

# Two messages in one packet, and one in pieces
sub test_pieces {
    connect_well();
    my $error = BackEnd::message(0x7f, 0, 0, pack 'v v V a72', 11, 0, 0, 'in pieces');
    for my $byte (split //, $error) {
        $back_end->send($byte);
        sleep 0.001;
    }
    is_logged('in pieces', 'a message in pieces');
    return;
}

# A new connection has to wait for the reconnect timer, so this ends where it began
sub test_descriptors {
    connect_well();
    my $before = descriptors();
    $back_end->close;
    connect_well() for 1, 2;
    is descriptors(), $before, 'no descriptor is leaked';
    return;
}

sub test_no_path {
    $back_end->close;
    $back_end->accept;
    $back_end->greet(features => 0, credit => 0);
    is $back_end->receive, undef, 'without a common path, the device closes the connection';
    is_logged('no way to serve queues', 'no common path');
    $back_end->accept;
    is $back_end->receive, undef, '... and does not negotiate again';
    is_deeply [new_lines()], [], '... without logging it again';
    return;
}

subtest 'faults' => sub {
    start_device();
    test_hello_answers();
    test_ends();
    test_pieces();
    test_descriptors();
    test_no_path();
    is $device->qtest->quit, 0, 'QEMU exits with 0';
};

subtest 'vectors' => sub {
    $back_end->listen;
    start_device();
    connect_well();
    $back_end->close;
    is_there(0, 'the mediator is away');
    test_vectors();
    is $device->qtest->quit, 0, 'QEMU exits with 0';
};

done_testing;
