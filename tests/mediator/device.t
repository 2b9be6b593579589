#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The device and vgpu-mediator together, without a guest: the device finds the mediator,
# notices when its worker or the mediator itself is killed, and finds the next one, without
# a delay if only the worker was killed.
#
# Needs: setup-device device mediator
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use Contract;
use Mediator;
use QueueTest;

my $mediator = Mediator->built->serve;

sub worker { return ($mediator->workers)[0] }

sub is_there {
    my ($there, $what) = @_;
    my $status = contract('STATUS_READY') | ($there ? 0 : contract('STATUS_NO_BACKEND'));
    return ok $ring->wait_for(sub { $device->reg('STATUS') == $status }), $what;
}

# So soon that the time between the two may be too short to see STATUS_NO_BACKEND
sub test_killed_worker {
    my $what = 'a worker that is killed';
    sleep 0.2; # one that ends sooner is not replaced at once
    my ($killed, $start) = (worker(), time);
    kill 'KILL', $killed;
    ok $ring->wait_for(sub { (worker() // $killed) != $killed }), "$what: the device connects again";
    cmp_ok time - $start, '<', 0.8, "$what: before the second of reconnect=1 is over";
    is_there(1, "$what: it is ready");
    is $ring->run->{status}, 0, "$what: a command is executed";
    return;
}

sub test_ends {
    my %end = (
        'a mediator that is killed' => 'KILL',
        'a mediator that is stopped' => 'TERM',
    );
    for my $what (sort keys %end) {
        kill $end{$what}, $mediator->{pid};
        $mediator->ends;
        is_there(0, "$what: the device notices");
        $mediator->start("--socket-path=$mediator->{socket}");
        is_there(1, "$what: the device connects again");
        is $ring->run->{status}, 0, "$what: a command is executed";
    }
    return;
}

start('pc', qemu => ['-name', 'guest 1', '-chardev', "socket,id=med,path=$mediator->{socket},reconnect=1",
    '-global', 'vgpu-stub.mediator=med']);
is_there(1, 'the device connects');
$ring->enable;
is $ring->run->{status}, 0, 'a command is executed';
test_killed_worker();
test_ends();
is $device->qtest->quit, 0, 'QEMU exits with 0';
is Qmp::slurp("$device->{qtest}{dir}/stderr"), '', 'it has logged nothing';
is $mediator->stop, 0, 'the mediator, too';

done_testing;
