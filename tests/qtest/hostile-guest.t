#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a hostile guest may try with queues: memory that is unplugged while in use,
# interrupts that write to the device itself, using as much of QEMU's memory and time as
# possible, overlapping rings. That queue gets an error; QEMU and other queues keep
# running.
#
# Needs: setup-device device
use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Test::More;
use Time::HiRes qw(sleep time);
use Contract;
use Device;
use QueueTest;
use Ring;

use constant {
    DIMM => 0x100000000, ACPI_MEMORY => 0xa00,
    # how long, in seconds, one action of a guest may block the main loop
    STALL => 0.010,
    JOBS => 0.003, # less than a job of each of 16 queues takes
};

my $write = contract('BUFFER_WRITE');

sub test_unplugged_memory {
    start('pc', qemu => ['-m', '256,slots=1,maxmem=1G', '-object', 'memory-backend-ram,id=m0,size=128M',
        '-device', 'pc-dimm,id=d0,memdev=m0']);
    my $inside = Ring->new($device, number => 1, base => DIMM + 0x100000);
    is $_->enable, contract('QUEUE_RUNNING'), "queue $_->{number}" for $ring, $inside;
    is $inside->run->{status}, 0, 'a queue in the memory works';
    $ring->put(OTHER, segments(([DIMM, LONG_SIZE]) x 8));
    $ring->submit(op => 'FILL', in => list(OTHER, 8 * LONG_SIZE, 8), id => 6);
    $ring->doorbell;
    my $qtest = $device->qtest;
    $qtest->qmp('device_del', { id => 'd0' });
    $qtest->commands(sprintf('outl %#x 0', ACPI_MEMORY), sprintf('outb %#x 8', ACPI_MEMORY + 0x14));
    $qtest->wait_event('DEVICE_DELETED');
    my ($completion) = $ring->wait(1);
    is $completion->{id}, 6, 'the command that used the memory completes';
    is $completion->{status}, contract('ERR_DMA'), 'with a DMA fault';
    $inside->ring;
    ok $inside->wait_for(sub { $inside->state == contract('QUEUE_ERROR') }), 'the queue in it stops';
    is $inside->error, contract('QERR_DMA'), 'with a DMA fault';
    is $ring->run->{status}, 0, 'the other queue works';
    is $qtest->quit, 0, 'QEMU exits with 0';
    return;
}

sub bar { return Device::BAR0_ADDRESS + $_[0] }

# A completion whose MSI-X message writes $data to $address
sub complete_with {
    my ($address, $data) = @_;
    $device->config(MSIX_CONTROL, 2, MSIX_ENABLE);
    set_vector(1, $address, $data);
    $ring->disable;
    $ring->{vector} = 1;
    $ring->enable;
    $ring->submit(op => 'NOP', id => 4);
    $ring->doorbell;
    return;
}

sub test_messages_to_itself {
    my ($place) = @_;
    start($place, qemu => [qw(-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off)]);
    my $other = Ring->new($device, number => 1, base => 0x180000);
    my $control = contract('WIN_QUEUE') + contract('QUEUE_CONTROL');
    my %messages = (
        'to disable the queue' => [$control, 0], 'to reset all queues' => [contract('REG_CONTROL'), 1],
        'to enable another queue' => [$control + contract('QUEUE_STRIDE'), 1],
        'to its doorbell' => [contract('WIN_DOORBELL'), 0], 'to no register' => [0xc, 0],
    );
    for my $what (sort keys %messages) {
        my ($offset, $data) = @{ $messages{$what} };
        complete_with(bar($offset), $data);
        is(($ring->wait(1))[0]{id}, 4, "$what: the completion arrives");
        is $ring->run->{status}, 0, "$what: the queue keeps running";
        is $other->state, contract('QUEUE_DISABLED'), "$what: the other queue stays disabled";
    }
    is $device->reg('BAD_ACCESS'), 0, 'none of these is counted as a bad access';
    return if !$device->is_express;

    complete_with($device->config_address(Device::PMCSR), Device::D3HOT);
    sleep 0.1;
    is $device->config(Device::PMCSR, 2) & 3, Device::D3HOT, 'a message puts the device in D3hot';
    $device->config(Device::PMCSR, 2, 0);
    is $ring->available, 1, 'after its completion was written';
    complete_with($device->config_address(Device::DEVCTL), Device::DEVCTL_FLR);
    $ring->wait_for(sub { !$device->config(Device::BAR0, 4) });
    $device->map_bar0;
    is $ring->state, contract('QUEUE_DISABLED'), 'a message resets the function';
    return;
}

sub test_unplugs_itself {
    set_command(MEMORY | MASTER);
    complete_with($device->slot_control, Device::SLOT_OFF);
    $device->qtest->wait_event('DEVICE_DELETED');
    pass 'a message ejects the device';
    return;
}

# The longest time that a register read takes until the command is complete, in seconds
# and as a share of the command's time. Returns the best of several rounds, because other
# programs are running too.
sub stall {
    my (%entry) = @_;
    my ($best, $share) = (1, 1);
    for (1 .. 10) {
        my $longest = 0;
        $ring->submit(%entry);
        my $last = my $start = time;
        $ring->doorbell;
        while (!$ring->available) {
            my $now = time;
            $longest = $now - $last if $now - $last > $longest;
            $last = $now;
        }
        my ($completion) = $ring->wait(1);
        is $completion->{status}, 0, 'the command succeeds';
        $best = $longest if $longest < $best;
        $share = $longest / ($last - $start) if $longest < $share * ($last - $start);
    }
    return ($best, $share);
}

# 65536 segments, all described by one page of 256
sub put_segments {
    my ($length) = @_;
    $ring->put(DATA, segments(([LONG, $length]) x 256));
    $ring->put(OTHER, segments(([DATA, 4096]) x 256));
    return list(OTHER, 1 << 20, 256);
}

sub test_stalls {
    start('pc', queues => 16);
    $ring->enable;
    my $many = put_segments(1);
    is_status({ op => 'REGISTER', arg => $write | 1, out => $many }, 'OK', 'the maximum number of segments',
        65536);
    my ($stall, $share) = stall(op => 'FILL', in => buffer(1, 0, 65536));
    cmp_ok $stall, '<', STALL, 'many pieces of one byte: the main loop is not blocked';
    cmp_ok $share, '<', 0.7, 'which moves a part of them at a time';
    note sprintf '%.1f ms, %.0f %% of the command', 1000 * $stall, 100 * $share;
    $ring->submit(long_fill());
    $ring->doorbell;
    my $answers = 0;
    $answers++ while !$ring->available;
    $ring->wait(1);
    cmp_ok $answers, '>', 20, 'a long command: the main loop is not blocked';
    for my $action (qw(disable reset)) {
        # the median: if the processors are busy, the worker sometimes does not get one
        my @times;
        for (1 .. 11) {
            my @rings = map { Ring->new($device, number => $_, base => 0x9000000 + 0x30000 * $_) } 0 .. 15;
            for my $one (@rings) {
                $one->enable;
                # the slowest command
                $one->submit(long_fill(), op => 'CRC32C', arg => 0, out => list(LONG_LIST, 8 * LONG_SIZE, 8),
                    in => "\0" x 16);
                $one->doorbell;
            }
            my $start = time;
            $action eq 'disable' ? $rings[0]->set(CONTROL => 0)
                : $device->reg_write(contract('REG_CONTROL'), contract('CONTROL_RESET'));
            push @times, time - $start;
            $_->disable for @rings;
        }
        my $median = (sort { $a <=> $b } @times)[5];
        cmp_ok $median, '<', JOBS, "$action with work in flight in 16 queues: the main loop is not blocked";
        note sprintf '%s: %.1f ms', $action, 1000 * $median;
    }
    return;
}

sub test_limits {
    $device->system_reset;
    $device->map_bar0;
    set_command(MEMORY | MASTER);
    $ring->enable;
    my $one = join '', segments([LONG, 1]);
    my $register = sub {
        my ($handle) = @_;
        return $ring->run(op => 'REGISTER', arg => $write | $handle, out => inline_data(16), data => $one);
    };
    my $wrong = grep { $register->($_)->{status} } 0 .. contract('BUFFERS_MAX') - 1;
    is $wrong, 0, 'the maximum number of buffers';
    is_status({ op => 'UNREGISTER', arg => $_ }, 'OK', "UNREGISTER $_", 0) for 0 .. 3;
    my $many = put_segments(0x100000);
    is_status({ op => 'REGISTER', arg => $write | $_, out => $many }, 'OK', 'the maximum number of segments of a buffer',
        65536 << 20) for 0 .. 2;
    # the other buffers have one segment each
    my $left = contract('SEGMENTS_MAX') - 3 * 65536 - (contract('BUFFERS_MAX') - 4);
    is_status({ op => 'REGISTER', arg => $write | 3, out => direct(LONG, 16 * ($left + 1)) }, 'SPACE',
        'one segment more than allowed in all buffers');
    my $pages = int($left / 256);
    is_status({ op => 'REGISTER', arg => $write | 3, out => list(OTHER, 4096 * $pages, $pages) }, 'OK',
        'segments that still fit', 256 * $pages << 20);
    is_status({ op => 'FILL', in => buffer(0, (65536 << 20) - 8, 8), arg => 5 }, 'OK',
        'the end of a large buffer', 8);
    is $device->qtest->read(LONG + 0xffff8, 8), 5, 'is at the right address';
    return;
}

# Rings that share memory with each other, with data, or with their own device
sub test_strange_rings {
    my %strange = (
        'all in one place' => { sq => 0x400000, cq => 0x400000, index => 0x400000 },
        'the index block in the completion ring' => { sq => 0x400000, cq => 0x401000, index => 0x401000 },
        'at the end of memory' => { sq => 0xffff000, cq => 0xffff000, index => 0xfffff80 },
        'in the device itself' => { sq => bar(0), cq => bar(0), index => 0x400000 },
        'in the MSI-X table' => { sq => 0x400000, cq => 0x410000, index => bar(contract('MSIX_TABLE')), no_index => 1 },
        'beyond memory' => { sq => NOWHERE, cq => NOWHERE, index => 0x400000 },
    );
    my $other = Ring->new($device, number => 1, base => 0x180000);
    $other->enable;
    for my $what (sort keys %strange) {
        $ring->disable;
        my $bad = Ring->new($device, size => 256, %{ $strange{$what} });
        $bad->enable;
        $bad->put($bad->{sq} + 64 * $_, Ring::entry(op => 'NOP', id => 0xffffffff)) for 0 .. 7;
        $device->qtest->write($bad->{index}, 4, 8) if !$bad->{no_index};
        $bad->ring for 1 .. 3;
        is $other->run->{status}, 0, "$what: another queue works";
        ok $bad->disable, "$what: it can be disabled";
    }
    return;
}

# Memory that was freed is overwritten, so that its use shows
local $ENV{MALLOC_PERTURB_} = 165;
subtest 'memory is unplugged' => \&test_unplugged_memory;
for my $place ('pc', 'root port') {
    subtest "interrupts to the device itself, $place" => sub {
        test_messages_to_itself($place);
        test_unplugs_itself() if $place ne 'pc';
        is $device->qtest->quit, 0, 'QEMU exits with 0';
    };
}
subtest 'time and memory' => sub {
    test_stalls();
    test_limits();
    test_strange_rings();
    is $device->qtest->quit, 0, 'QEMU exits with 0';
};

done_testing;
