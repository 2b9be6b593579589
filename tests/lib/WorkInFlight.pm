# SPDX-License-Identifier: GPL-2.0-or-later
#
# Work that is in flight when a machine is migrated or saved: each command fills its own
# region many times, and some have no completion.
#
#   submit_work($turns)     submit it to $ring of QueueTest, which has 64 entries; each
#                           command fills its region so many times
#   in_flight($what)        check that not all of it is done; how many commands are
#   is_done($what)          check that each command completes once and its data is right
#   region($number)         the address of the region of command $number, below COMMANDS
#   FIRST                   that of the first one
package WorkInFlight;

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Exporter 'import';
use Test::More;
use Contract;
use QueueTest;
use Ring;

use constant { COMMANDS => 40, REGION => 4 << 20, FIRST => 0x2000000, LISTS => 0x400000 };

our @EXPORT = qw(submit_work in_flight is_done region FIRST COMMANDS);

my $turns;

sub region { my ($number) = @_; return FIRST + REGION * $number }
sub pattern { my ($number) = @_; return 0x0101010101010101 * ($number + 1) }

sub submit_work {
    ($turns) = @_;
    for my $number (0 .. COMMANDS - 1) {
        my $list = LISTS + 0x1000 * $number;
        $ring->put($list, segments(([region($number), REGION]) x $turns));
        $ring->submit(op => 'FILL', id => $number, arg => pattern($number),
            flags => $number % 8 == 7 ? contract('SQE_QUIET') : 0,
            in => list($list, REGION * $turns, $turns));
    }
    $ring->doorbell;
    return;
}

sub has_pattern {
    my ($number) = @_;
    my @at = map { region($number) + $_ } 0, REGION / 2, REGION - 8;
    return !grep { $device->qtest->read($_, 8) != pattern($number) } @at;
}

sub is_done {
    my ($what) = @_;
    my @expected = grep { $_ % 8 != 7 } 0 .. COMMANDS - 1;
    my @completions = $ring->wait(scalar @expected);
    is "@{[map { $_->{id} } @completions]}", "@expected", "$what: each command completes once";
    is scalar(grep { $_->{status} || $_->{result} != REGION * $turns } @completions), 0, "$what: without an error";
    is $ring->available, 0, "$what: nothing else completes";
    # the last command is quiet
    is $ring->run(flags => contract('SQE_BARRIER'))->{status}, 0, "$what: the queue keeps running";
    my @wrong = grep { !has_pattern($_) } 0 .. COMMANDS - 1;
    is "@wrong", '', "$what: all data is right";
    return;
}

sub in_flight {
    my ($what) = @_;
    my $head = $ring->index_word('sq_head');
    cmp_ok $head, '<', COMMANDS, "$what: work is in flight";
    return $head;
}

1;
