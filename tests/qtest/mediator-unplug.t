#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A message that the device sends unplugs the device itself, while a worker has another
# command of its queue: QEMU goes on. The test is the worker.
#
# Needs: setup-device device
use strict;
use warnings;
use Test::More;
use Contract;
use Device;
use FramedTest;
use QueueTest;

start('root port', qemu => ['-name', 'guest', $back_end->arguments,
    '-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off']);
connect_well();
set_command(MEMORY | MASTER);
$device->config(MSIX_CONTROL, 2, MSIX_ENABLE);
set_vector(1, $device->slot_control, Device::SLOT_OFF);
$ring->{vector} = 1;
is $ring->enable, contract('QUEUE_RUNNING'), 'the queue is enabled';
$ring->submit(op => 'NOP', id => $_) for 1 .. 3;
$ring->doorbell;
my ($first) = commands(3);
$back_end->done($first->{tag}, 0, 0);
$device->qtest->wait_event('DEVICE_DELETED');
pass 'the first completion unplugs the device';
is $device->qtest->quit, 0, 'QEMU exits with 0';

done_testing;
