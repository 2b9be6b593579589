# SPDX-License-Identifier: GPL-2.0-or-later
#
# A state of the device that differs from a reset, for tests that save and load it:
#
#   change_state($device, POWER_STATE)      a Device; SCRATCH, BAD_ACCESS, BAR0
#   is_changed_state($device, POWER_STATE)  test that it is in this state; ends in D0
package DeviceState;

use strict;
use warnings;
use Exporter 'import';
use Test::More;
use Contract;
use Device;

use constant { SCRATCH => 0x5a5a1234, PMCSR => Device::PMCSR, D3HOT => Device::D3HOT };

our @EXPORT = qw(change_state is_changed_state);

sub change_state {
    my ($device, $state) = @_;
    $device->map_bar0;
    $device->reg_write(contract('REG_SCRATCH'), SCRATCH);
    $device->reg_read(0, 1);
    $device->config(PMCSR, 2, $state);
    return;
}

sub is_changed_state {
    my ($device, $state) = @_;
    is $device->config(PMCSR, 2) & 3, $state, "D$state: state";
    is $device->reg('MAGIC') == contract('MAGIC') ? 0 : D3HOT, $state,
        "D$state: BAR0 answers in D0 only";
    $device->config(PMCSR, 2, 0);
    is $device->config(Device::BAR0, 4), Device::BAR0_ADDRESS, "D$state: BAR0's address";
    is $device->reg('SCRATCH'), SCRATCH, "D$state: SCRATCH";
    is $device->reg('BAD_ACCESS'), 1, "D$state: BAD_ACCESS";
    return;
}

1;
