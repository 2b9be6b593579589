#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The device's end of the mediator's protocol, without a guest: handshake, time-outs and
# faults, and what a driver sees of a mediator that is there, away, or comes back. In the
# test vectors, the device is the receiver.
#
# Needs: setup-device device
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use BackEnd;
use Contract;
use Device;
use QueueTest;
use Ring;
use Vectors;

my $back_end = BackEnd->new;
my %code = reverse values_of('vgpu_mediator.h', map { $_ => "VGPU_MEDIATOR_$_" }
        map { "BAD_$_" } qw(LENGTH TYPE DESCRIPTORS RESERVED SERIAL STATE VALUE VERSION TIMEOUT));

sub start_device {
    my (%options) = @_;
    start('pc', qemu => ['-name', $options{name} // 'guest 1', $back_end->arguments,
        '-global', 'vgpu-stub.mediator-timeout=' . ($options{timeout} // 10000)]);
    return;
}

sub stderr_lines {
    return split /\n/, Qmp::slurp("$device->{qtest}{dir}/stderr");
}

# Wait for the device to have processed what it was sent
sub is_there {
    my ($there, $what) = @_;
    my $status = contract('STATUS_READY') | ($there ? 0 : contract('STATUS_NO_BACKEND'));
    $ring->wait_for(sub { $device->reg('STATUS') == $status });
    return is $device->reg('STATUS'), $status, $what;
}

# Each line in the log since the last call
my $seen = 0;

sub new_lines {
    my @lines = stderr_lines();
    my @new = @lines[$seen .. $#lines];
    $seen = @lines;
    return @new;
}

sub connect_well {
    $back_end->accept or return fail 'the device connects';
    my $hello = $back_end->greet;
    is_there(1, 'the mediator is there');
    return $hello;
}

# A command that the back end executes
sub run_there {
    my (%entry) = @_;
    $ring->submit(%entry);
    $ring->doorbell;
    $back_end->execute or return { status => 'the back end did not get it' };
    return ($ring->wait(1))[0];
}

sub test_handshake {
    is $device->reg('STATUS'), contract('STATUS_READY') | contract('STATUS_NO_BACKEND'),
        'before the handshake, STATUS says that the mediator is away';
    is $device->reg('VERSION'), contract('VERSION_MEDIATOR'), 'VERSION';
    is $device->reg('FEATURES'), contract('FEATURE_QUEUES') | contract('FEATURE_MEDIATOR'), 'FEATURES';
    my $hello = connect_well();
    is $hello->{type}, 1, 'HELLO is the first message';
    is $hello->{length}, 96, 'its length';
    is $hello->{descriptors}, 0, 'no descriptors';
    my ($min, $max, $features, $queues, $reserved0, $reserved1, $name) =
        unpack 'v v V v v V a64', $hello->{body};
    is_deeply [$min, $max, $features, $queues, $reserved0, $reserved1], [1, 1, 2, 2, 0, 0],
        'its fields';
    is $name, pack('a64', 'guest 1'), 'the name of the VM';
    is_deeply [new_lines()], [], 'nothing is logged';
    return;
}

sub test_commands {
    is run_there(op => 'NOP')->{status}, 0, 'a command is executed';
    $back_end->stop;
    is_there(0, 'the mediator is away');
    $ring->submit(op => 'FILL', arg => 0x55, in => direct(DATA, 16), id => 3);
    $ring->doorbell;
    sleep 0.3;
    is $ring->available, 0, 'a command waits';
    my $other = Ring->new($device, number => 1, base => 0x180000);
    $other->enable;
    $other->put(0x400000, segments([0x500000, 4096]));
    is $other->run(op => 'REGISTER', arg => 7 | contract('BUFFER_READ'), out => direct(0x400000, 16))->{status},
        0, 'command set 1 is executed';
    is $other->run(op => 'COPY', out => inline_data(4), in => direct(NOWHERE, 8))->{status},
        contract('ERR_LENGTH'), 'a malformed command is refused';
    $back_end->listen;
    connect_well();
    ok $back_end->execute, 'the mediator gets the command when it is back';
    my ($completion) = $ring->wait(1);
    is_deeply $completion, { id => 3, status => 0, reserved => 0, result => 16 },
        'the command completes';
    is $ring->get(DATA, 16), "\x55\0\0\0\0\0\0\0" x 2, 'it was executed';
    $other->disable;
    return;
}

# What the driver does with a command that waits
sub test_waiting_command_ends {
    my %end = (
        'disabling the queue' => sub { ok $ring->disable, 'the queue is disabled' },
        'a reset' => sub { $device->reg_write(contract('REG_CONTROL'), contract('CONTROL_RESET')) },
        'bus mastering off and on' => sub { set_command(MEMORY); set_command(MEMORY | MASTER) },
    );
    for my $what (sort keys %end) {
        $back_end->stop;
        is_there(0, "$what: the mediator is away");
        $ring->submit(op => 'FILL', arg => 1, in => direct(DATA, 16), id => 4);
        $ring->doorbell;
        sleep 0.05;
        $end{$what}->();
        $back_end->listen;
        connect_well();
        my $goes_on = $what =~ /^bus/;
        ok $back_end->execute, "$what: the mediator gets the command" if $goes_on;
        is scalar($goes_on ? $ring->wait(1) : ()), $goes_on ? 1 : undef,
            "$what: it completes if the queue goes on";
        $ring->enable unless $goes_on;
        is run_there()->{status}, 0, "$what: the queue works";
    }
    return;
}

sub test_timeout {
    $back_end->stop;
    my $begin = time;
    is_there(0, 'the mediator is away');
    my $completion = $ring->run(op => 'FILL', arg => 1, in => direct(DATA, 16), id => 9);
    my $took = time - $begin;
    is $completion->{status}, contract('ERR_NO_BACKEND'), 'after mediator-timeout, the command ends';
    is $completion->{result}, 0, '... without a result';
    cmp_ok $took, '>', 0.4, '... not earlier';
    cmp_ok $took, '<', 5, '... nor much later';
    $begin = time;
    is $ring->run(op => 'NOP')->{status}, contract('ERR_NO_BACKEND'), 'the next one';
    cmp_ok time - $begin, '<', 0.4, '... does not wait';
    $back_end->listen;
    connect_well();
    is run_there(op => 'NOP')->{status}, 0, 'when the mediator is back, commands are executed';
    return;
}

# A worker that is busy answers PING; one that does not loses the connection, and the next
# one gets the command
sub test_ping {
    $ring->submit(op => 'NOP', id => 6);
    $ring->doorbell;
    my $command = $back_end->command;
    for my $time (1, 2) {
        my $ping = $back_end->receive;
        is $ping->{type}, 9, "PING $time, when a command makes no progress";
        $back_end->send(BackEnd::message(0x8009, $ping->{serial}, 0, pack 'V V', 0, 0));
    }
    my $ping = $back_end->receive;
    my $begin = time;
    my $error = $back_end->receive;
    $error = $back_end->receive if $error->{type} == 9;
    is_deeply [@$error{qw(type)}, unpack 'v v', $error->{body}], [0x7f, 9, 9], 'no answer: BAD_TIMEOUT';
    cmp_ok time - $begin, '<', 5, '... after a second';
    connect_well();
    ok $back_end->execute, 'the next worker gets the command';
    is(($ring->wait(1))[0]{id}, 6, '... and completes it');
    my @lines = new_lines();
    is @lines, 1, 'one line is logged';
    like $lines[0], qr/PING: BAD_TIMEOUT/, '... which names PING';
    return;
}

# The messages that end a connection; after each, the device connects again

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


subtest 'a mediator' => sub {
    start_device();
    test_handshake();
    is $ring->enable, contract('QUEUE_RUNNING'), 'a queue is enabled';
    test_commands();
    test_waiting_command_ends();
    new_lines();
    test_ping();
    $back_end->close;
    test_hello_answers();
    test_ends();
    test_pieces();
    test_descriptors();
    test_no_path();
    is $device->qtest->quit, 0, 'QEMU exits with 0';
};

subtest 'vectors' => sub {
    $seen = 0;
    start_device();
    connect_well();
    $back_end->close;
    is_there(0, 'the mediator is away');
    test_vectors();
    is $device->qtest->quit, 0, 'QEMU exits with 0';
};

subtest 'mediator-timeout=' => sub {
    $back_end->stop;
    $back_end->listen;
    start_device(timeout => 600);
    $ring->enable;
    connect_well();
    test_timeout();
    $device->qtest->quit;
    $back_end->stop;
    start_device(timeout => 0);
    $ring->enable;
    is $ring->run(op => 'NOP')->{status}, contract('ERR_NO_BACKEND'), '0: commands do not wait';
    is $device->qtest->quit, 0, 'QEMU exits with 0';
};

subtest 'unplug' => sub {
    $back_end->listen;
    start_device();
    connect_well();
    $device->qtest->qmp('device_del', { id => 'vgpu' });
    $device->qtest->eject(4);
    $device->qtest->wait_event('DEVICE_DELETED');
    is $back_end->receive, undef, 'the connection is closed';
    is $device->qtest->quit, 0, 'QEMU exits with 0';
};

done_testing;
