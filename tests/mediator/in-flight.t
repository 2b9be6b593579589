#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The limits of what a VM has in flight, and of its memory: two devices of QEMU, of which one
# has a limit. A command of another queue waits for a long one, on the device with the limit
# alone. Memory beyond the limit is not mapped, and the framed path executes the commands.
#
# Needs: setup-device device mediator
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use JSON::PP;
use Test::More;
use Contract;
use Device;
use Files;
use Mediator;
use QueueTest;
use Ring;

use constant PASSES => 8; # a fifth of a second

my $mediator = Mediator->built;
my $config = "$mediator->{dir}/config";

# A device with two queues
sub start_vm {
    my ($name) = @_;
    my $vm = { name => $name, device => start('pc', queues => 2, qemu => ['-name', $name,
            '-object', 'memory-backend-memfd,id=m,share=on,size=256M', '-machine', 'memory-backend=m',
            '-chardev', "socket,id=med,path=$mediator->{socket},reconnect=1", '-global', 'vgpu-stub.mediator=med']) };
    $ring->wait_for(sub { $vm->{device}->reg('STATUS') == contract('STATUS_READY') });
    $vm->{long} = $ring;
    $vm->{short} = Ring->new($vm->{device}, number => 1, base => 0x180000);
    $_->enable for $vm->{long}, $vm->{short};
    is $vm->{short}->run->{status}, 0, "$name: commands are executed";
    return $vm;
}

sub status {
    my ($name) = @_;
    my $json = qx($mediator->{program} status --json --socket-path=$mediator->{socket});
    my ($vm) = grep { $_->{name} eq $name } @{ decode_json($json)->{vms} };
    return $vm;
}

# Whether a short command completes before the long one, and both complete
sub overtakes {
    my ($vm) = @_;
    $ring = $vm->{long};
    $ring->put(LONG_LIST, segments(([LONG, LONG_SIZE]) x PASSES));
    $ring->submit(op => 'FILL', arg => 0x55, in => list(LONG_LIST, PASSES * LONG_SIZE, PASSES));
    $ring->doorbell;
    my $in_flight;
    $ring->wait_for(sub { ($in_flight = status($vm->{name})->{in_flight})->{commands} });
    is $in_flight->{commands}, 1, "$vm->{name}: the status shows the long command";
    is $in_flight->{bytes}, PASSES * LONG_SIZE, '... with its bytes';
    $vm->{short}->submit(op => 'FILL', in => direct(DATA, 64));
    $vm->{short}->doorbell;
    $vm->{short}->wait_for(sub { $vm->{short}->available });
    my $overtakes = !$vm->{long}->available;
    is $_->{status}, 0, "$vm->{name}: no error" for $vm->{short}->wait(1), $vm->{long}->wait(1);
    return $overtakes;
}

sub run_with {
    my ($limit, $test) = @_;
    write_file($config, "[vm limited]\n$limit\n");
    $mediator->serve("--config=$config");
    my @vms = map { start_vm($_) } qw(limited free);
    $test->(@vms);
    is $_->{device}->qtest->quit, 0, "$_->{name}: QEMU exits with 0" for @vms;
    is $mediator->stop, 0, 'the mediator ends';
    return;
}

sub test_in_flight {
    my ($limited, $free) = @_;
    ok !overtakes($limited), 'a command waits for the one that is in flight';
    ok overtakes($free), '... but not that of another VM';
    is status($_)->{path}, 'shared', "$_: on the shared path" for qw(limited free);
    is status($_)->{in_flight}{commands}, 0, '... and nothing is in flight' for qw(limited free);
    return;
}

sub test_memory {
    is status('limited')->{path}, 'framed', 'memory beyond the limit: the status shows the other path';
    cmp_ok status('limited')->{memory}, '<=', 16 << 20, '... and that little memory is mapped';
    is status('free')->{path}, 'shared', '... of this VM alone';
    cmp_ok status('free')->{memory}, '>=', 255 << 20, '... and all memory of the other one is mapped';
    return;
}

for my $limit ('commands = 1', 'bytes = 1M') {
    subtest $limit => sub { run_with($limit, \&test_in_flight) };
}
subtest 'memory = 16M' => sub { run_with('memory = 16M', \&test_memory) };

done_testing;
