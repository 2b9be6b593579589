# SPDX-License-Identifier: GPL-2.0-or-later
#
# The driver's side of one of the device's queues, without a guest; see the chapter
# "Queues" of the specification.
#
#   my $ring = Ring->new($device, number => 0, size => 16, base => 0x100000);
#   $ring->enable;                      returns the new state
#   $ring->submit(op => 'NOP', ...);    write an entry to the submission ring
#   $ring->doorbell;                    publish the tail, and ring if the device wants it
#   my @completions = $ring->wait($n);  hashes with id, status, result
#   my $completion = $ring->run(%entry);        submit, doorbell and wait
#   $ring->status, ->state, ->error, ->disable
#   direct($address, $length), list($address, $length, $count), buffer($handle,
#   $offset, $length), inline_data($length): descriptors for "out" and "in"
#
# Ring::index_offset('sq_tail') is where that word is in the index block. The rings and the
# index block take 3 * 64 KiB at base.
package Ring;

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Contract;
use Exporter 'import';
use Time::HiRes qw(sleep time);

our @EXPORT = qw(direct list buffer inline_data segments);

my %index = (sq_tail => 0x00, cq_head => 0x04, cq_event => 0x08, sq_head => 0x40,
    cq_tail => 0x44, sq_event => 0x48, flags => 0x4c);

# Offset of a word of the index block
sub index_offset { return $index{ $_[0] } }

sub desc {
    my ($type, $addr, $len, $number) = @_;
    return pack 'Q< V v C C', $addr, $len, $number // 0, contract("DESC_$type"), 0;
}

sub direct { return desc('DIRECT', @_) }
sub list { return desc('LIST', @_) }
sub buffer { my ($handle, @range) = @_; return desc('BUFFER', @range, $handle) }
sub inline_data { return desc('INLINE', 0, @_) }
sub segments { return join '', map { pack 'Q< V V', @$_, 0 } @_ }

sub new {
    my ($class, $device, %options) = @_;
    my $self = bless {
        number => 0, size => 16, base => 0x100000, vector => contract('VECTOR_NONE'),
        device => $device, qtest => $device->qtest, %options,
    }, $class;
    $self->{sq} //= $self->{base};
    $self->{cq} //= $self->{base} + 0x10000;
    $self->{index} //= $self->{base} + 0x20000;
    return $self;
}

sub put { my ($self, $address, $bytes) = @_; $self->{qtest}->write_bytes($address, $bytes); return }
sub get { my ($self, @range) = @_; return $self->{qtest}->read_bytes(@range) }

sub offset {
    my ($self, $name) = @_;
    return contract('WIN_QUEUE') + $self->{number} * contract('QUEUE_STRIDE')
        + contract("QUEUE_$name");
}

sub reg { my ($self, $name) = @_; return $self->{device}->reg_read($self->offset($name)) }
sub set { my ($self, $name, $value) = @_; $self->{device}->reg_write($self->offset($name), $value); return }
sub index_word { my ($self, $name) = @_; return $self->{qtest}->read($self->{index} + $index{$name}, 4) }

sub set_index {
    my ($self, $name, $value) = @_;
    $self->{qtest}->write($self->{index} + $index{$name}, 4, $value & 0xffffffff);
    return;
}

sub status { my ($self) = @_; return $self->reg('STATUS') }
sub state { my ($self) = @_; return $self->status & contract('QUEUE_STATE_MASK') }
sub error { my ($self) = @_; return $self->status >> contract('QUEUE_ERROR_SHIFT') }

sub program {
    my ($self) = @_;
    $self->set(SIZE => $self->{size});
    $self->set(VECTOR => $self->{vector});
    for my $name (qw(sq cq index)) {
        $self->set(uc "${name}_LO", $self->{$name} & 0xffffffff);
        $self->set(uc "${name}_HI", $self->{$name} >> 32);
    }
    return;
}

sub enable {
    my ($self) = @_;
    $self->put($self->{index}, "\0" x 128) unless $self->{no_index};
    @$self{qw(tail rung head)} = (0, 0, 0);
    $self->program;
    $self->set(CONTROL => contract('QUEUE_ENABLE'));
    return $self->state;
}

sub disable {
    my ($self) = @_;
    $self->set(CONTROL => 0);
    return $self->wait_for(sub { $self->state == contract('QUEUE_DISABLED') });
}

sub wait_for {
    my ($self, $condition) = @_;
    my $end = time + 20;
    while (time < $end) {
        return 1 if $condition->();
        sleep 0.0005;
    }
    return 0;
}

sub entry {
    my (%entry) = @_;
    my $op = $entry{op} // 'NOP';
    return $entry{raw} // pack('v v V Q<', $op =~ /^\d/ ? $op : contract("OP_$op"),
        $entry{flags} // 0, $entry{id} // 0, $entry{arg} // 0)
        . ($entry{out} // "\0" x 16) . ($entry{in} // "\0" x 16)
        . pack('a16', $entry{data} // '');
}

sub submit {
    my ($self, %entry) = @_;
    $self->put($self->{sq} + 64 * ($self->{tail} % $self->{size}), entry(%entry));
    $self->{tail} = ($self->{tail} + 1) & 0xffffffff;
    return;
}

# Whether the other side wants a notification; the specification's formula
sub wants {
    my ($event, $old, $new) = @_;
    return (($new - $event - 1) & 0xffffffff) < (($new - $old) & 0xffffffff);
}

sub ring {
    my ($self) = @_;
    $self->{device}->reg_write(contract('WIN_DOORBELL')
        + $self->{number} * contract('DOORBELL_STRIDE'), 1);
    return;
}

# Return whether the device wanted the doorbell
sub doorbell {
    my ($self) = @_;
    my $old = $self->{rung};
    $self->set_index(sq_tail => $self->{tail});
    $self->{rung} = $self->{tail};
    my $wanted = wants($self->index_word('sq_event'), $old, $self->{tail});
    $self->ring if $wanted;
    return $wanted;
}

sub take {
    my ($self) = @_;
    my %completion;
    @completion{qw(id status reserved result)} = unpack 'V v v Q<',
        $self->get($self->{cq} + 16 * ($self->{head} % $self->{size}), 16);
    $self->{head} = ($self->{head} + 1) & 0xffffffff;
    return \%completion;
}

sub available { my ($self) = @_; return ($self->index_word('cq_tail') - $self->{head}) & 0xffffffff }

# The next $count completions, or fewer after a timeout
sub wait {
    my ($self, $count) = @_;
    my @completions;
    $self->wait_for(sub { $self->available >= $count });
    my $there = $self->available;
    $there = $count if $there > $count;
    push @completions, $self->take for 1 .. $there;
    $self->set_index(cq_head => $self->{head});
    $self->ring if $self->index_word('flags') & contract('INDEX_CQ_FULL');
    return @completions;
}

sub run {
    my ($self, %entry) = @_;
    $self->submit(%entry);
    $self->doorbell;
    return ($self->wait(1))[0] // { status => 'nothing came' };
}

1;
