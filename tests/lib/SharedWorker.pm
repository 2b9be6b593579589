# SPDX-License-Identifier: GPL-2.0-or-later
#
# A worker on the shared path in a test. It answers what the device sends, and otherwise
# does only what the test tells it:
#
#   my $worker = SharedWorker->new;     a BackEnd, and
#   my @messages = $worker->until('QUEUE_START');
#                                       answer requests, up to and with one of this type; a
#                                       message has a name, and fields of some types: queue,
#                                       size, sq, cq, index, handle, access, count, bytes,
#                                       address, offset, flags, status, command_status, result
#   my $message = $worker->next         the next message, not answered
#   $worker->answer($message, %fields)  status; of a queue, sq_head and cq_tail
#   $worker->ask_device($queue, $number, $entry)
#   $worker->queue_error($queue, $error, $sq_head, $cq_tail)
#   $worker->{queues}{0}                the last QUEUE_START of queue 0, with the file handles
#                                       kick, call and record
#   kicks($file)                        what an eventfd counted, at most 2 seconds later
#   call($file)
#   read_at($file, OFFSET, COUNT), write_at($file, OFFSET, BYTES)      of a record
#   slot($file, I), set_slot($file, I, %fields)
#                                       index, state, cq_index, status, attempts, result, entry
package SharedWorker;

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Exporter 'import';
use IO::Select;
use Contract;
use parent -norequire, 'BackEnd';
use BackEnd;

our @EXPORT = qw(kicks call read_at write_at slot set_slot);

my @names = qw(HELLO MEMORY_ADD MEMORY_CLEAR BUFFER_ADD BUFFER_REMOVE QUEUE_START QUEUE_STOP
    RESET PING EXECUTE QUEUE_ERROR ERROR);
my %type = values_of('vgpu_mediator.h', map { $_ => "VGPU_MEDIATOR_$_" } @names);
my %name = reverse %type;
my %fields = (
    MEMORY_ADD => ['Q< Q< Q< V V', qw(address size offset flags reserved)],
    BUFFER_ADD => ['v v V Q<', qw(handle access count bytes)],
    BUFFER_REMOVE => ['v', 'handle'],
    QUEUE_START => ['v v V Q< Q< Q<', qw(queue reserved size sq cq index)],
    QUEUE_STOP => ['v', 'queue'],
    EXECUTE => ['V v v Q<', qw(status command_status reserved result)],
);
my $slot = 'V V V v v Q< x40 a64';
my @slot = qw(index state cq_index status attempts result entry);

# HELLO, answered with this path alone
sub greet {
    my ($self, %fields) = @_;
    return $self->SUPER::greet(features => 1, credit => 0, %fields);
}

sub next {
    my ($self) = @_;
    my $message = $self->receive // return;
    $message->{name} = $name{ $message->{type} & 0x7fff } // "type $message->{type}";
    if (my $fields = $fields{ $message->{name} }) {
        my ($format, @keys) = @$fields;
        @$message{@keys} = unpack $format, $message->{body};
    }
    if ($message->{name} eq 'QUEUE_START') {
        @$message{qw(kick call record)} = @{ $message->{fds} };
        $self->{queues}{ $message->{queue} } = $message;
    }
    return $message;
}

sub answer {
    my ($self, $message, %fields) = @_;
    my $status = $fields{status} // 0;
    my $body = defined $message->{queue}
        ? pack('V v v V V', $status, $fields{queue} // $message->{queue}, 0,
            $fields{sq_head} // 0, $fields{cq_tail} // 0)
        : pack 'V V', $status, 0;
    return $self->send(BackEnd::message($message->{type} | 0x8000, $message->{serial}, 0, $body));
}

# The indices of a record are those with which its queue stops
sub indices {
    my ($self, $message) = @_;
    my $queue = $message->{name} =~ /^QUEUE/ && $self->{queues}{ $message->{queue} } or return;
    my @indices = unpack 'V V', read_at($queue->{record}, 8, 8);
    return (sq_head => $indices[0], cq_tail => $indices[1]);
}

sub until {
    my ($self, $name) = @_;
    my @messages;
    while (my $message = $self->next) {
        push @messages, $message;
        $self->answer($message, $self->indices($message))
            if $message->{serial} && !($message->{type} & 0x8000);
        return @messages if $message->{name} eq $name;
    }
    return;
}

sub ask_device {
    my ($self, $queue, $number, $entry) = @_;
    return $self->send(BackEnd::message($type{EXECUTE}, 1000 + $number, 0,
        pack('v v V', $queue, 0, $number) . $entry));
}

sub queue_error {
    my ($self, $queue, $error, $sq_head, $cq_tail) = @_;
    return $self->send(BackEnd::message($type{QUEUE_ERROR}, 0, 0,
        pack 'v v V V V', $queue, $error, $sq_head // 0, $cq_tail // 0, 0));
}

sub kicks {
    my ($file) = @_;
    IO::Select->new($file)->can_read(2) or return 0;
    sysread $file, my ($count), 8;
    return unpack 'Q<', $count;
}

sub call { my ($file) = @_; return syswrite $file, pack 'Q<', 1 }

sub read_at {
    my ($file, $offset, $count) = @_;
    sysseek $file, $offset, 0;
    sysread $file, my ($bytes), $count;
    return $bytes;
}

sub write_at {
    my ($file, $offset, $bytes) = @_;
    sysseek $file, $offset, 0;
    return syswrite $file, $bytes;
}

sub slot {
    my ($file, $i) = @_;
    my %slot;
    @slot{@slot} = unpack $slot, read_at($file, 128 * (1 + $i), 128);
    return \%slot;
}

sub set_slot {
    my ($file, $i, %fields) = @_;
    my %all = (index => $i, state => 0, cq_index => 0, status => 0, attempts => 1, result => 0,
        entry => "\0" x 64, %fields);
    return write_at($file, 128 * (1 + $i), pack $slot, @all{@slot});
}

1;
