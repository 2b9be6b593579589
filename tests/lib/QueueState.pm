# SPDX-License-Identifier: GPL-2.0-or-later
#
# A state of queues that differs from that after a reset, for tests that save and load
# it: queue 0 is in use, the last of several queues has an error, a buffer is registered,
# vectors are set.
#
#   change_queues($device)              a Device with queues
#   is_changed_queues($device)          test that it is in this state, and continues
#   queue_faults($device)               impossible values in its registers
#   queues_length($device)              their length in a stream, in this state
#   queue_streams($device)              invalid streams: what => [offset in these bytes,
#                                       bytes, reason]
package QueueState;

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Exporter 'import';
use Test::More;
use Contract;
use Device;
use Ring;

use constant {
    COMMAND_MASTER => 0x4, DATA => 0x140000, HANDLE => 7, VECTOR => 1,
    # the subsection's mark, the length of its name, the name, the version
    HEAD => 1 + 1 + length('vgpu-stub/queues') + 4, COUNTS => 12, QUEUE => 56,
};

our @EXPORT = qw(change_queues is_changed_queues queue_faults queues_length queue_streams);

sub vector_address { return contract('MSIX_TABLE') + 16 * VECTOR }
sub last_queue { my ($device) = @_; return Ring->new($device, number => $device->queues - 1) }

sub change_queues {
    my ($device) = @_;
    $device->config(Device::COMMAND, 2, Device::COMMAND_MEMORY | COMMAND_MASTER);
    $device->reg_write(vector_address(), 0x141000);
    $device->reg_write(contract('REG_EVENT_VECTOR'), VECTOR);
    my $ring = Ring->new($device, vector => VECTOR, size => 8);
    $ring->put(DATA, '123456789');
    $ring->enable;
    $ring->run for 1 .. 12;
    $ring->run(op => 'REGISTER', arg => contract('BUFFER_READ') | HANDLE, out => inline_data(16),
        data => segments([DATA, 9]));
    $device->{ring} = {%$ring};
    last_queue($device)->set(CONTROL => 1) if $device->queues > 1;
    return;
}

sub is_changed_queues {
    my ($device, $saved) = @_;
    my $ring = bless { %{ $saved // $device->{ring} }, device => $device, qtest => $device->qtest }, 'Ring';
    is $ring->state, contract('QUEUE_RUNNING'), 'queue 0 is running';
    my $completion = $ring->run(op => 'CRC32C', out => buffer(HANDLE, 0, 9), id => 3);
    is_deeply $completion, { id => 3, status => 0, reserved => 0, result => 0xe3069283 },
        'it executes the next command, which finds the buffer';
    is $device->reg('EVENT_VECTOR'), VECTOR, 'EVENT_VECTOR';
    is $device->reg_read(vector_address()), 0x141000, 'the MSI-X table';
    return if $device->queues == 1;
    is last_queue($device)->error, contract('QERR_SIZE'), 'the last queue keeps its error';
    is $device->reg('EVENTS'), 1, 'EVENTS keeps the bit of that error';
    return;
}

# BAR0 must be mapped
sub queue_faults {
    my ($device) = @_;
    my @faults;
    for my $number (0 .. $device->queues - 1) {
        my $status = Ring->new($device, number => $number)->status;
        my $state = $status & contract('QUEUE_STATE_MASK');
        my $error = $status >> contract('QUEUE_ERROR_SHIFT');
        push @faults, sprintf 'queue %d has STATUS %#x', $number, $status
            if $state == contract('QUEUE_STOPPING') || $state > contract('QUEUE_ERROR')
            || $error > contract('QERR_CQ_HEAD') || ($state == contract('QUEUE_ERROR')) != ($error != 0);
    }
    push @faults, 'EVENTS' if $device->reg('EVENTS') > 1;
    push @faults, 'EVENT_VECTOR' if $device->reg('EVENT_VECTOR') > 0xffff;
    return @faults;
}

# A buffer and its segment, two registers, the MSI-X table and its pending bits
sub queues_length {
    my ($device) = @_;
    my $vectors = $device->queues + 1;
    return HEAD + COUNTS + QUEUE * $device->queues + 12 + 12 + 8 + 16 * $vectors + int(($vectors + 7) / 8);
}

sub queue_streams {
    my ($device) = @_;
    my $queue = HEAD + COUNTS;
    my $buffer = $queue + QUEUE * $device->queues;
    my $number = sub { return pack 'N', @_ };
    return (
        'another number of queues' => [HEAD, $number->($device->queues + 1),
            qr/^vgpu-stub: the stream has \d+ queues, this device has \d+/m],
        'less than no buffer' => [HEAD + 4, $number->(-1), qr/has -1 buffers with 1 segments/],
        'too many buffers' => [HEAD + 4, $number->(1025), qr/has 1025 buffers with 1 segments/],
        'too many segments' => [HEAD + 8, $number->(262145), qr/has 1 buffers with 262145 segments/],
        'a queue in STOPPING' => [$queue, $number->(contract('QUEUE_STOPPING')), qr/queue 0 in state 2/],
        'a running queue with an error' => [$queue + 4, $number->(1), qr/in state 1 with error 1/],
        'a queue in ERROR without one' => [$queue, $number->(contract('QUEUE_ERROR')), qr/in state 3 with error 0/],
        'a running queue of size 3' => [$queue + 8, $number->(3), qr/queue 0 running, but its settings/],
        'a ring that wraps' => [$queue + 8, pack('N N', 1024, VECTOR) . "\xff" x 6 . "\xf0\0",
            qr/queue 0 running, but its settings/],
        'a buffer with a handle too high' => [$buffer, $number->(1024), qr/has buffer 1024 with access/],
        'a buffer without access' => [$buffer + 4, $number->(0), qr/with access 0 and/],
        'a buffer with other segments' => [$buffer + 8, $number->(2), qr/and 2 segments, which/],
        'a buffer without segments' => [$buffer + 8, $number->(0), qr/and 0 segments, which/],
        'an empty segment' => [$buffer + 20, $number->(0), qr/has 0 bytes at 0x140000 as a segment/],
        'a segment that wraps' => [$buffer + 12, "\xff" x 8, qr/bytes at 0xf+ as a segment/],
    );
}

1;
