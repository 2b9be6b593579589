# SPDX-License-Identifier: GPL-2.0-or-later
#
# Helpers for tests of the device's end of the shared path, in which the test is the worker:
#
#   use SharedTest;
#   $worker                             a SharedWorker
#   memory('m', size => '256M', seal => 'on')   QEMU's options for memory in a file
#   start_device(place => 'pc', memory => [...], timeout => 300, qemu => [...])
#   connect_well()                      wait for the device, and answer HELLO
#   enable()                            enable $ring; the messages up to QUEUE_START
#   names(@messages)
#   stderr()                            what QEMU has written
package SharedTest;

use strict;
use warnings;
use Exporter 'import';
use Test::More;
use Contract;
use QueueTest;
use SharedWorker;

our @EXPORT = qw($worker memory start_device connect_well enable names stderr);
our $worker = SharedWorker->new;

# The machine's memory in a file
sub memory {
    my ($id, %options) = @_;
    my $size = $options{size} // '256M';
    my $seal = $options{seal} // 'on';
    return ('-object', "memory-backend-memfd,id=$id,share=on,size=$size,seal=$seal",
        '-machine', "memory-backend=$id");
}

sub start_device {
    my (%options) = @_;
    start($options{place} // 'pc', qemu => ['-name', 'guest', $worker->arguments, @{ $options{memory} // [memory('m')] },
            '-global', 'vgpu-stub.mediator-timeout=' . ($options{timeout} // 10000),
            @{ $options{qemu} // [] }]);
    return;
}

sub connect_well {
    $worker->accept or return fail 'the device connects';
    my $hello = $worker->greet;
    $ring->wait_for(sub { $device->reg('STATUS') == contract('STATUS_READY') });
    is $device->reg('STATUS'), contract('STATUS_READY'), 'the mediator is there';
    return $hello;
}

sub names { return join ' ', map { $_->{name} } @_ }

sub stderr { return Qmp::slurp("$device->{qtest}{dir}/stderr") }

sub enable {
    is $ring->enable, contract('QUEUE_RUNNING'), 'the queue is enabled';
    return $worker->until('QUEUE_START');
}

1;
