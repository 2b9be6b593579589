# SPDX-License-Identifier: GPL-2.0-or-later
#
# Helpers for tests of the device's end of the mediator's protocol, in which the test is the
# back end:
#
#   use MediatorTest;
#   $back_end                           a BackEnd
#   start_device(name => 'guest 1', timeout => 600)
#   connect_well()                      wait for the device, and answer HELLO, which is returned
#   is_there($there, $what)             wait until the device has processed what it was sent
#   new_lines()                         each line in QEMU's log since the last call
package MediatorTest;

use strict;
use warnings;
use Exporter 'import';
use Test::More;
use BackEnd;
use Contract;
use QueueTest;

our @EXPORT = qw($back_end start_device connect_well is_there new_lines);
our $back_end = BackEnd->new;
my $seen = 0;

sub start_device {
    my (%options) = @_;
    start('pc', qemu => ['-name', $options{name} // 'guest 1', $back_end->arguments,
        '-global', 'vgpu-stub.mediator-timeout=' . ($options{timeout} // 10000)]);
    $seen = 0;
    return;
}

sub stderr_lines {
    return split /\n/, Qmp::slurp("$device->{qtest}{dir}/stderr");
}

sub is_there {
    my ($there, $what) = @_;
    my $status = contract('STATUS_READY') | ($there ? 0 : contract('STATUS_NO_BACKEND'));
    $ring->wait_for(sub { $device->reg('STATUS') == $status });
    return is $device->reg('STATUS'), $status, $what;
}

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

1;
