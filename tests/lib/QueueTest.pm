# SPDX-License-Identifier: GPL-2.0-or-later
#
# Helpers for the queue tests: a device with queues, BAR0 mapped and bus mastering on,
# and one of its queues.
#
#   use QueueTest;
#   start($place, queues => 2, qemu => [...], size => 16);   a Device; options of Ring->new
#   $device, $ring
#   set_command(MEMORY | MASTER)        the command register
#   is_status(\%entry, 'ARG', $what)   run a command; its status is ERR_ARG
#   is_status(\%entry, 'OK', $what, $result)
#   long_fill()                         an entry that takes a fifth of a second
#   is_filling()                        whether that command is writing to memory
#   set_vector($n, $address, $data)     an entry of the MSI-X table
#   %pause                              what stops DMA for a time: name => [begin, end]
package QueueTest;

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Exporter 'import';
use Test::More;
use Time::HiRes 'sleep';
use Contract;
use Device;
use Ring;

use constant {
    COMMAND => Device::COMMAND, MEMORY => 0x2, MASTER => 0x4,
    DATA => 0x200000, OTHER => 0x300000, NOWHERE => 0x4000000000,
    MSIX_CONTROL => contract('MSIX_CAP_OFFSET') + 2, MSIX_ENABLE => 0x8000,
    LONG => 0x1000000, LONG_SIZE => 128 << 20, LONG_LIST => 0x310000,
};

our @EXPORT = qw($device $ring %pause start set_command is_status prepare_data long_fill is_filling
    set_vector MEMORY MASTER DATA OTHER NOWHERE MSIX_CONTROL MSIX_ENABLE LONG LONG_SIZE LONG_LIST);
our ($device, $ring);
our %pause = (
    'bus mastering off' => [sub { set_command(MEMORY) }, sub { set_command(MEMORY | MASTER) }],
    'D3hot' => [sub { $device->config(Device::PMCSR, 2, Device::D3HOT) },
        sub { $device->config(Device::PMCSR, 2, 0) }],
);

sub start {
    my ($place, %options) = @_;
    my $queues = delete $options{queues} // 2;
    my $qemu = delete $options{qemu} // [];
    $device = Device->with_queues($place, $queues, '-m', 256, @$qemu);
    $device->map_bar0;
    set_command(MEMORY | MASTER);
    $ring = Ring->new($device, %options);
    return $device;
}

sub set_command {
    my ($bits) = @_;
    $device->config(COMMAND, 2, $bits);
    # a bridge forwards DMA from below only with bus mastering on
    $device->qtest->config($device->{port}, COMMAND, 2, MEMORY | MASTER) if $device->{port};
    return;
}

sub is_status {
    my ($entry, $status, $what, $result) = @_;
    my $completion = $ring->run(%$entry, id => 77);
    my $name = $status eq 'OK' ? 'OK' : "ERR_$status";
    is $completion->{status}, contract($name), "$what: $name";
    is $completion->{id}, 77, "$what: its id";
    is $completion->{reserved}, 0, "$what: reserved";
    is $completion->{result}, $result // 0, "$what: result" unless $status eq 'OK' && !defined $result;
    return;
}

sub prepare_data {
    $ring->put(DATA, "123456789");
    $ring->put(OTHER, segments([DATA, 4], [DATA + 4, 5]));
    return;
}

# Fill a gigabyte: the same 128 MiB eight times
sub long_fill {
    $ring->put(LONG_LIST, segments(([LONG, LONG_SIZE]) x 8));
    return (op => 'FILL', arg => 0x55, in => list(LONG_LIST, 8 * LONG_SIZE, 8));
}

# Whether the command still overwrites memory; 0.3 s is more than one of its eight passes
sub is_filling {
    $device->qtest->write(LONG + LONG_SIZE - 8, 8, 0x1234);
    sleep 0.3;
    return $device->qtest->read(LONG + LONG_SIZE - 8, 8) != 0x1234;
}

# An MSI-X message is a memory write: tests point it to RAM and read it there
sub set_vector {
    my ($vector, $address, $data) = @_;
    my $entry = contract('MSIX_TABLE') + 16 * $vector;
    $device->reg_write($entry + 4 * $_, (($address, 0, $data, 0))[$_]) for 0 .. 3;
    return;
}

1;
