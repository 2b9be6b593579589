# SPDX-License-Identifier: GPL-2.0-or-later
#
# A device state that differs from the reset state, for tests that save and load it:
#
#   change_state($device, POWER_STATE)      change SCRATCH, BAD_ACCESS and BAR0 of a Device
#   is_changed_state($device, POWER_STATE)  test for that state; leaves the device in D0
package DeviceState;

use strict;
use warnings;
use Exporter 'import';
use Test::More;
use Contract;
use Device;
use QueueState;

use constant { SCRATCH => 0x5a5a1234, PMCSR => Device::PMCSR, D3HOT => Device::D3HOT };

our @EXPORT = qw(change_state is_changed_state);

sub change_state {
    my ($device, $state) = @_;
    $device->map_bar0;
    change_queues($device) if $device->queues;
    $device->reg_write(contract('REG_SCRATCH'), SCRATCH);
    $device->reg_read(0, 1);
    $device->config(PMCSR, 2, $state);
    return;
}

sub is_changed_state {
    my ($device, $state) = @_;
    is $device->config(PMCSR, 2) & 3, $state, "D$state: power state";
    is $device->reg('MAGIC') == contract('MAGIC') ? 0 : D3HOT, $state,
        "D$state: BAR0 responds only in D0";
    $device->config(PMCSR, 2, 0);
    is $device->config(Device::BAR0, 4), Device::BAR0_ADDRESS, "D$state: address of BAR0";
    is $device->reg('SCRATCH'), SCRATCH, "D$state: SCRATCH";
    is $device->reg('BAD_ACCESS'), 1, "D$state: BAD_ACCESS";
    is_changed_queues($device) if $device->queues;
    return;
}

1;
