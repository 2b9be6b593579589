#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The shared path, as the device's end of it: memory table, buffers, and starting and
# stopping queues. The test is the worker, and accesses guest memory through qtest.
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
use SharedTest;
use SharedWorker;

my ($OFF, $RUNNING, $STOPPING, $ERROR) = map { contract("QUEUE_$_") } qw(DISABLED RUNNING STOPPING ERROR);

# Complete the next command like a worker, and signal the driver
sub complete {
    my ($i, $status, $result) = @_;
    my $start = $worker->{queues}{ $ring->{number} };
    my $entry = $ring->get($ring->{sq} + 64 * ($i % $ring->{size}), 64);
    my $id = unpack 'x4 V', $entry;
    set_slot($start->{record}, $i % $ring->{size}, index => $i, state => 2, cq_index => $i,
        status => $status, result => $result, entry => $entry);
    $ring->put($ring->{cq} + 16 * ($i % $ring->{size}), pack 'V v v Q<', $id, $status, 0, $result);
    write_at($start->{record}, 8, pack 'V V', $i + 1, $i + 1);
    $ring->set_index(cq_tail => $i + 1);
    $ring->set_index(sq_head => $i + 1);
    call($start->{call});
    return;
}

sub test_start {
    my @messages = enable();
    is names(@messages), 'MEMORY_ADD MEMORY_ADD QUEUE_START', 'the table, then the queue';
    my @table = map { [@$_{qw(address size offset flags)}] } @messages[0, 1];
    is_deeply \@table, [[0, 0xc0000, 0, 1], [0x100000, 0xff00000, 0x100000, 1]],
        'the memory of the machine';
    is -s $messages[0]{fds}[0], 256 << 20, 'its file';
    my $start = $messages[2];
    is_deeply [@$start{qw(queue size sq cq index reserved)}],
        [0, 16, 0x100000, 0x110000, 0x120000, 0], 'the fields of QUEUE_START';
    is -s $start->{record}, 128 + 16 * 128, 'the size of the record';
    is read_at($start->{record}, 0, 128), pack('V V x120', 1, 16), 'its head';
    is read_at($start->{record}, 128, 128 * 16), "\0" x (128 * 16), 'its slots';
    ok !truncate($start->{record}, 100), 'it cannot be made shorter';
    is $ring->index_word('sq_event'), 0, 'the device has initialized the index block';
    return;
}

sub test_doorbell_and_vector {
    set_vector(1, OTHER, 0x1234);
    $device->config(MSIX_CONTROL, 2, MSIX_ENABLE);
    $ring->submit(op => 'NOP', id => 5);
    $ring->doorbell;
    my $start = $worker->{queues}{0};
    is kicks($start->{kick}), 1, 'the doorbell kicks the worker';
    is $ring->available, 0, 'the device does not execute the command';
    complete(0, 0, 0);
    is_deeply [$ring->wait(1)], [{ id => 5, status => 0, reserved => 0, result => 0 }],
        'the worker completes it';
    $ring->wait_for(sub { $device->qtest->read(OTHER, 4) == 0x1234 });
    is $device->qtest->read(OTHER, 4), 0x1234, 'the device sends the interrupt';
    $device->config(MSIX_CONTROL, 2, MSIX_ENABLE | 0x4000);
    $device->qtest->write(OTHER, 4, 0);
    call($start->{call});
    $ring->wait_for(sub { $device->reg_read(contract('MSIX_PBA')) & 2 });
    ok $device->reg_read(contract('MSIX_PBA')) & 2, 'a masked vector becomes pending';
    $device->config(MSIX_CONTROL, 2, MSIX_ENABLE);
    is $device->qtest->read(OTHER, 4), 0x1234, '... and is sent later';
    return;
}

# Returns the QUEUE_STOP, which is not answered
sub stopping {
    my ($what) = @_;
    my $stop = $worker->next;
    is $stop->{name}, 'QUEUE_STOP', "$what: QUEUE_STOP";
    return $stop;
}

# Work that does not end is fine as long as the worker answers
sub test_ping {
    $ring->submit(op => 'NOP', id => 6);
    $ring->doorbell;
    my $begin = time;
    my $ping = $worker->next;
    my $took = time - $begin;
    is $ping->{name}, 'PING', 'a worker without progress gets PING';
    cmp_ok $took, '>', 0.9, '... after a second';
    $worker->answer($ping);
    complete(1, 0, 0);
    is_deeply [$ring->wait(1)], [{ id => 6, status => 0, reserved => 0, result => 0 }], 'the command completes';
    ok !IO::Select->new($worker->{socket})->can_read(2.2), 'then there is no other PING';
    return;
}

sub test_disable {
    $ring->set(CONTROL => 0);
    my $stop = stopping('disabling');
    is $ring->state, $STOPPING, 'the queue is stopping';
    is $ring->reg('CONTROL'), 0, '... and CONTROL is 0';
    $ring->set(CONTROL => contract('QUEUE_ENABLE'));
    is $ring->state, $STOPPING, 'it cannot be enabled now';
    $worker->answer($stop, sq_head => 2, cq_tail => 2);
    ok $ring->wait_for(sub { $ring->state == $OFF }), 'it is disabled when the worker has stopped';
    is names(enable()), 'QUEUE_START', 'it is started again, without the table';
    is read_at($worker->{queues}{0}{record}, 0, 16), pack('V V V V', 1, 16, 0, 0),
        '... with a new record';
    return;
}

# Each of these stops the queue, clears the table, and starts it again later
sub test_pauses {
    for my $what (sort keys %pause) {
        my ($begin, $end) = @{ $pause{$what} };
        $begin->();
        is names($worker->until('MEMORY_CLEAR')), 'QUEUE_STOP MEMORY_CLEAR', "$what: it stops";
        $end->();
        is names($worker->until('QUEUE_START')), 'MEMORY_ADD MEMORY_ADD QUEUE_START', "$what: it goes on";
        is $ring->state, $RUNNING, "$what: the queue is running";
    }
    return;
}

sub test_memory_map_change {
    $device->qtest->qmp('object-add', { 'qom-type' => 'memory-backend-memfd', id => 'more',
        share => JSON::PP::true(), size => 128 << 20 });
    $device->qtest->qmp('device_add', { driver => 'pc-dimm', id => 'dimm', memdev => 'more' });
    my @messages = $worker->until('QUEUE_START');
    is names(@messages), 'QUEUE_STOP MEMORY_CLEAR MEMORY_ADD MEMORY_ADD MEMORY_ADD QUEUE_START',
        'memory is plugged in: the table is sent again';
    is $messages[4]{address}, 0x100000000, '... with the new region';
    return;
}

sub reset_device { $device->reg_write(contract('REG_CONTROL'), contract('CONTROL_RESET')); return }
sub is_resetting { return $device->reg_read(contract('REG_CONTROL')) & contract('CONTROL_RESET') }

sub test_reset {
    reset_device();
    my $reset = $worker->next;
    is $reset->{name}, 'RESET', 'a reset: RESET';
    is $ring->state, $OFF, 'the queue is disabled at once';
    ok is_resetting(), 'CONTROL shows that the reset is not complete';
    is $ring->enable, $RUNNING, 'a queue is enabled meanwhile';
    call($worker->{queues}{0}{call});
    $worker->answer($reset);
    is names($worker->until('QUEUE_START')), 'MEMORY_ADD MEMORY_ADD MEMORY_ADD QUEUE_START',
        '... and started after it';
    ok !is_resetting(), 'the reset is complete';
    return;
}

# The resets that a guest does not wait for
sub test_other_resets {
    my %reset = (
        'a system reset' => sub { $device->system_reset; $device->map_bar0 },
        'FLR' => sub { $device->function_reset; $device->map_bar0 },
    );
    for my $what (sort keys %reset) {
        $reset{$what}->();
        my $reset = $worker->next;
        is $reset->{name}, 'RESET', "$what: RESET";
        set_command(MEMORY | MASTER);
        ok is_resetting(), "$what: it is not complete";
        is $ring->enable, $RUNNING, "$what: a queue is enabled meanwhile";
        $worker->answer($reset);
        like names($worker->until('QUEUE_START')), qr/^MEMORY_ADD .*QUEUE_START$/, "$what: ... and started";
    }
    return;
}

sub test_queue_error {
    $worker->queue_error(0, contract('QERR_CQ_HEAD'));
    ok $ring->wait_for(sub { $ring->state == $ERROR }), 'QUEUE_ERROR: the queue is in ERROR';
    is $ring->error, contract('QERR_CQ_HEAD'), 'its error';
    is $device->reg_read(contract('REG_EVENTS')), contract('EVENT_QUEUE_ERROR'), 'EVENTS';
    $device->reg_write(contract('REG_EVENTS'), ~0 & 0xffffffff);
    ok $ring->disable, 'it is disabled at once';
    $worker->queue_error(0, contract('QERR_DMA'));
    is names(enable()), 'QUEUE_START', 'a notice that comes late is ignored';
    return;
}

# The worker's indices when the machine stops
sub test_bad_indices {
    for my $indices ([1, 0], [0, 17]) {
        set_command(MEMORY);
        my $stop = stopping('a pause');
        $worker->answer($stop, sq_head => $indices->[0], cq_tail => $indices->[1]);
        is names($worker->until('MEMORY_CLEAR')), 'MEMORY_CLEAR', 'the table is cleared';
        set_command(MEMORY | MASTER);
        ok $ring->wait_for(sub { $ring->state == $ERROR }), "indices @$indices: ERROR";
        is $ring->error, contract('QERR_BACKEND'), '... QERR_BACKEND';
        ok $ring->disable, '... and it can be disabled';
        enable();
    }
    return;
}

# Command set 1

my $register_entry = Ring::entry(op => 'REGISTER', id => 1, arg => 7 | contract('BUFFER_READ'), out => direct(0x400000, 32));

sub outcome {
    my ($what) = @_;
    my $answer = $worker->next;
    is $answer->{name}, 'EXECUTE', "$what: it is answered";
    return [@$answer{qw(status command_status result)}];
}

sub test_execute {
    $ring->put(0x400000, segments([0x500000, 4096], [0x502000, 100]));
    $worker->ask_device(0, 0, $register_entry);
    my $add = $worker->next;
    is $add->{name}, 'BUFFER_ADD', 'REGISTER: BUFFER_ADD';
    is_deeply [@$add{qw(handle access count bytes)}], [7, 1, 2, 4196], 'its fields';
    is read_at($add->{fds}[0], 0, 100), segments([0x500000, 4096], [0x502000, 100]), 'the segments';
    $worker->answer($add);
    is_deeply outcome('REGISTER'), [0, 0, 4196], 'REGISTER: the outcome';
    $worker->ask_device(0, 0, $register_entry);
    is_deeply outcome('the same number'), [0, 0, 4196], 'it is not executed again';
    $worker->ask_device(0, 1, $register_entry);
    is_deeply outcome('the next number'), [0, contract('ERR_HANDLE'), 0], 'another is';
    my $unregister = Ring::entry(op => 'UNREGISTER', arg => 7);
    $worker->ask_device(0, 2, $unregister);
    my $remove = $worker->next;
    is_deeply [@$remove{qw(name handle)}], ['BUFFER_REMOVE', 7], 'UNREGISTER: BUFFER_REMOVE';
    set_command(MEMORY);
    is_deeply outcome('a pause'), [5, 0, 0], 'UNREGISTER is cancelled when the queue stops'
        if stopping('a pause');
    $worker->answer($remove);
    $worker->answer({ type => 7, serial => $remove->{serial} + 1, queue => 0 });
    is names($worker->until('MEMORY_CLEAR')), 'MEMORY_CLEAR', 'the queue stops';
    set_command(MEMORY | MASTER);
    is names($worker->until('QUEUE_START')),
        'MEMORY_ADD MEMORY_ADD MEMORY_ADD BUFFER_ADD QUEUE_START', 'the buffer is still there';
    $worker->ask_device(0, 2, $unregister);
    is names($worker->until('EXECUTE')), 'BUFFER_REMOVE EXECUTE', 'UNREGISTER, once more';
    $worker->ask_device(0, 3, $register_entry);
    $add = $worker->next;
    $worker->answer($add, status => 2);
    is_deeply outcome('no room'), [0, contract('ERR_SPACE'), 0], 'BUFFER_ADD fails: ERR_SPACE';
    return;
}

# Another worker

sub test_reconnect {
    my $record = $worker->{queues}{0}{record};
    $ring->submit(op => 'NOP', id => 20);
    $ring->doorbell;
    $worker->ask_device(0, 4, $register_entry);
    is $worker->next->{name}, 'BUFFER_ADD', 'the worker ends during REGISTER';
    set_slot($record, 4, state => 1, entry => $register_entry);
    $worker->close;
    connect_well();
    is names($worker->until('QUEUE_START')),
        'MEMORY_ADD MEMORY_ADD MEMORY_ADD BUFFER_ADD QUEUE_START', 'the next one gets all';
    is slot($worker->{queues}{0}{record}, 4)->{state}, 1, '... and the same record';
    $worker->ask_device(0, 4, $register_entry);
    is_deeply outcome('REGISTER'), [0, 0, 4196], '... and the outcome of REGISTER';
    # the lifeline of a worker that is alive
    my $lifeline = delete $worker->{lifeline};
    shutdown $worker->{socket}, 2;
    $ring->set(CONTROL => 0);
    is $ring->state, $STOPPING, 'the connection ends: a queue is stopping';
    sleep 1.2;
    is $ring->state, $STOPPING, '... until no process can access memory';
    ok $worker->accept, 'the device connects';
    ok !IO::Select->new($worker->{socket})->can_read(0.3), 'it says nothing to another worker';
    close $lifeline;
    ok $ring->wait_for(sub { $ring->state == $OFF }), 'the lifeline hangs up: it is disabled';
    ok $worker->greet, 'and the next worker is greeted';
    return;
}

sub test_refusal {
    $ring->enable;
    my $add = $worker->next;
    $worker->answer($add, status => 1);
    my @messages = $worker->until('RESET');
    like names(@messages), qr/^MEMORY_ADD .*RESET$/, 'a region is refused: RESET';
    $ring->wait_for(sub { $device->reg('STATUS') & contract('STATUS_NO_BACKEND') });
    is $ring->run(op => 'NOP')->{status}, contract('ERR_NO_BACKEND'), '... and the mediator counts as away';
    like stderr(), qr/cannot let the mediator serve the queues: it has no memory/, '... it is logged';
    return;
}

subtest 'a worker' => sub {
    start_device(qemu => ['-m', '256,slots=2,maxmem=1G']);
    $ring->{vector} = 1;
    my $hello = connect_well();
    is unpack('x4 V', $hello->{body}) & 1, 1, 'the shared path is offered';
    test_start();
    test_doorbell_and_vector();
    test_ping();
    test_disable();
    test_pauses();
    test_memory_map_change();
    test_reset();
    test_queue_error();
    test_bad_indices();
    test_execute();
    test_reconnect();
    test_refusal();
    is $device->qtest->quit, 0, 'QEMU exits with 0';
};

subtest 'resets' => sub {
    $worker->listen;
    start_device(place => 'root port');
    connect_well();
    enable();
    test_other_resets();
    $worker->close;
    is $device->qtest->quit, 0, 'QEMU exits with 0';
};

subtest 'unplugging' => sub {
    start_device();
    connect_well();
    enable();
    $device->qtest->qmp('device_del', { id => 'vgpu' });
    $device->qtest->eject(4);
    $device->qtest->wait_event('DEVICE_DELETED');
    is $worker->next->{name}, 'RESET', 'the device is unplugged: RESET';
    is $worker->next, undef, '... and the connection is closed';
    $worker->close;
    is $device->qtest->quit, 0, 'QEMU exits with 0';
};

# Machines whose memory a worker cannot have, or not without translation
subtest 'memory' => sub {
    my %not_shared = (
        'private memory' => [memory => []],
        'memory that is not sealed' => [memory => [memory('m', seal => 'off')]],
        'an IOMMU' => [place => 'q35', qemu => ['-device', 'intel-iommu']],
    );
    for my $what (sort keys %not_shared) {
        $worker->close;
        $worker->listen;
        start_device(@{ $not_shared{$what} });
        $worker->accept;
        my $hello = $worker->BackEnd::greet;
        is unpack('x4 V', $hello->{body}), 2, "$what: only the framed path is offered";
        $ring->enable;
        $ring->submit(op => 'NOP');
        $ring->doorbell;
        ok $worker->execute, "$what: the command is sent";
        is(($ring->wait(1))[0]{status}, 0, "$what: the device completes it");
        is $device->qtest->quit, 0, 'QEMU exits with 0';
    }
};

done_testing;
