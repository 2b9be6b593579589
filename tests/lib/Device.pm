# SPDX-License-Identifier: GPL-2.0-or-later
#
# The device in a QEMU without a guest, on each type of bus:
#
#   Device::places()                    names of the topologies, for Device->new
#   my $device = Device->new($place, @qemu_arguments);
#   my $device = Device->with_queues($place, 16, @qemu_arguments);
#   $device->queues                     how many it has
#   $device->rows                       its rows of vgpu_stub_config.h
#   $device->form                       its form (see vgpu_stub_config.h)
#   $device->qtest                      a Qtest
#   $device->config(OFFSET, WIDTH)      read configuration space, up to 0xfff if
#   $device->config(OFFSET, WIDTH, VALUE)    the machine has PCI Express; write it
#   $device->config_size
#   $device->config_bytes               all bytes, an array reference
#   $device->config_commands(OFFSET, WIDTH, VALUE)    for Qtest's commands()
#   $device->slot_control               address of Slot Control of the port above it
#   $device->map_bar0                   enter D0, map BAR0 at Device::BAR0_ADDRESS
#   $device->reg(NAME)                  read a register in BAR0
#   $device->reg_read(OFFSET, WIDTH)    arbitrary accesses to BAR0
#   $device->reg_write(OFFSET, VALUE, WIDTH)
#   $device->system_reset, ->function_reset, ->bus_reset
#   $device->open_buses                 set up bridges like firmware; needed after a reset
#
# The device's id is "vgpu".
package Device;

use strict;
use warnings;
use Contract;
use Qtest;

use constant {
    BAR0_ADDRESS => 0xe0000000, ECAM => 0xb0000000,
    COMMAND => 0x04, COMMAND_MEMORY => 0x2, BAR0 => 0x10,
    PMCSR => contract('PM_CAP_OFFSET') + 4, D3HOT => 3,
    DEVCTL => contract('EXP_CAP_OFFSET') + 8, DEVCTL_FLR => 0x8000,
    # an Express port's Slot Control: power off, power indicator off
    SLOT_CONTROL => 0x18, SLOT_OFF => 0x700,
};

my $slot = Qtest::function(0, 4, 0);
my @places = (
    { name => 'pc', form => 'CONVENTIONAL', function => $slot, machine => 'pc',
      arguments => '-device vgpu-stub,id=vgpu,addr=4' },
    { name => 'bridge', form => 'CONVENTIONAL', function => Qtest::function(1, 5, 0),
      machine => 'q35', express => 1, port => $slot,
      arguments => '-device i82801b11-bridge,id=above,addr=4'
          . ' -device vgpu-stub,id=vgpu,bus=above,addr=5' },
    { name => 'q35', form => 'INTEGRATED', function => $slot, machine => 'q35', express => 1,
      arguments => '-device vgpu-stub,id=vgpu,addr=4' },
    { name => 'root port', form => 'ENDPOINT', function => Qtest::function(1, 0, 0),
      machine => 'q35', express => 1, port => $slot,
      arguments => '-device pcie-root-port,id=above,addr=4'
          . ' -device vgpu-stub,id=vgpu,bus=above' },
);

sub places { return map { $_->{name} } @places }

sub new {
    my ($class, $name, @arguments) = @_;
    my ($place) = grep { $_->{name} eq $name } @places;
    my $self = bless { %$place }, $class;
    $self->{qtest} = Qtest->new('-machine', $place->{machine}, '-m', 4,
        split(' ', $place->{arguments}), @arguments);
    $self->open_buses;
    return $self;
}

sub with_queues {
    my ($class, $name, $queues, @arguments) = @_;
    my $self = $class->new($name, '-global', "driver=vgpu-stub,property=queues,value=$queues",
        @arguments);
    $self->{queues} = $queues;
    return $self;
}

sub form { return $_[0]{form} }
sub queues { return $_[0]{queues} // 1 }
sub rows { return Contract::config_rows($_[0]->form, $_[0]->queues) }
sub qtest { return $_[0]{qtest} }
sub has_port { return defined $_[0]{port} }
sub is_express { return $_[0]{form} ne 'CONVENTIONAL' }
sub config_size { return $_[0]->is_express ? 0x1000 : 0x100 }

# Map q35's ECAM, then give the bridge bus number 1 and a memory window
sub open_buses {
    my ($self) = @_;
    my $qtest = $self->{qtest};
    $qtest->config(0, 0x60, 4, ECAM | 1) if $self->{express};
    return unless $self->has_port;
    $qtest->config($self->{port}, 0x18, 4, 0x00010100);
    $qtest->config($self->{port}, 0x20, 4, (BAR0_ADDRESS & 0xfff00000) | BAR0_ADDRESS >> 16);
    $qtest->config($self->{port}, COMMAND, 2, COMMAND_MEMORY);
    return;
}

sub config_address {
    my ($self, $offset) = @_;
    return ECAM + ($self->{function} << 4) + $offset;
}

sub slot_control {
    my ($self) = @_;
    my $cap = $self->qtest->config($self->{port}, 0x34, 1);
    $cap = $self->qtest->config($self->{port}, $cap + 1, 1)
        until $self->qtest->config($self->{port}, $cap, 1) == 0x10;
    return ECAM + ($self->{port} << 4) + $cap + SLOT_CONTROL;
}

# The qtest commands for one access; the last answer is the value
sub config_commands {
    my ($self, $offset, $width, $value) = @_;
    return Qtest::config_commands($self->{function}, $offset, $width, $value)
        unless $self->{express};
    my $address = $self->config_address($offset);
    return defined $value ? Qtest::write_command($address, $width, $value)
                          : Qtest::read_command($address, $width);
}

sub config {
    my ($self, @access) = @_;
    return hex +($self->{qtest}->commands($self->config_commands(@access)))[-1];
}

sub config_bytes {
    my ($self) = @_;
    my $size = $self->config_size;
    return [unpack 'C*', $self->{qtest}->read_bytes($self->config_address(0), $size)]
        if $self->{express};
    my @answers = $self->{qtest}->commands(
        map { $self->config_commands(4 * $_, 4) } 0 .. $size / 4 - 1);
    return [map { unpack 'C4', pack 'V', hex $answers[2 * $_ + 1] } 0 .. $size / 4 - 1];
}

sub map_bar0 {
    my ($self) = @_;
    $self->config(PMCSR, 2, 0);
    $self->config(BAR0, 4, BAR0_ADDRESS);
    $self->config(COMMAND, 2, COMMAND_MEMORY);
    return;
}

sub reg_read {
    my ($self, $offset, $width) = @_;
    return $self->{qtest}->read(BAR0_ADDRESS + $offset, $width // contract('REG_SIZE'));
}

sub reg_write {
    my ($self, $offset, $value, $width) = @_;
    return $self->{qtest}->write(BAR0_ADDRESS + $offset, $width // contract('REG_SIZE'), $value);
}

sub reg {
    my ($self, $name) = @_;
    return $self->reg_read(contract("REG_$name"));
}

sub system_reset {
    my ($self) = @_;
    $self->{qtest}->system_reset;
    $self->open_buses;
    return;
}

sub function_reset {
    my ($self) = @_;
    $self->config(DEVCTL, 2, DEVCTL_FLR);
    return;
}

# Set and clear Secondary Bus Reset in Bridge Control
sub bus_reset {
    my ($self) = @_;
    $self->{qtest}->config($self->{port}, 0x3e, 2, 0x40);
    $self->{qtest}->config($self->{port}, 0x3e, 2, 0);
    return;
}

1;
