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
use File::Temp 'tempdir';
use Test::More;
use Time::HiRes qw(sleep time);
use Contract;
use QueueTest;

my $dir = tempdir(CLEANUP => 1);
my $socket = "$dir/socket";
my $mediator;

sub start_mediator {
    $mediator = fork // die "fork: $!";
    return if $mediator;
    open STDERR, '>>', "$dir/log" or die;
    exec build_dir() . '/mediator/vgpu-mediator', "--socket-path=$socket";
    die "exec: $!";
}

sub stop_mediator {
    my ($signal) = @_;
    kill $signal, $mediator or return;
    waitpid $mediator, 0;
    unlink $socket;
    undef $mediator;
    return;
}

sub worker {
    my ($pid) = split ' ', qx(cat /proc/$mediator/task/$mediator/children);
    return $pid;
}

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
        'a mediator that is killed' => sub { stop_mediator('KILL') },
        'a mediator that is stopped' => sub { stop_mediator('TERM') },
    );
    for my $what (sort keys %end) {
        $end{$what}->();
        is_there(0, "$what: the device notices");
        start_mediator() unless $mediator;
        is_there(1, "$what: the device connects again");
        is $ring->run->{status}, 0, "$what: a command is executed";
    }
    return;
}

start_mediator();
start('pc', qemu => ['-name', 'guest 1', '-chardev', "socket,id=med,path=$socket,reconnect=1",
    '-global', 'vgpu-stub.mediator=med']);
is_there(1, 'the device connects');
$ring->enable;
is $ring->run->{status}, 0, 'a command is executed';
test_killed_worker();
test_ends();
is $device->qtest->quit, 0, 'QEMU exits with 0';
is Qmp::slurp("$device->{qtest}{dir}/stderr"), '', 'it has logged nothing';
stop_mediator('TERM');

END { stop_mediator('KILL') if $mediator }

done_testing;
