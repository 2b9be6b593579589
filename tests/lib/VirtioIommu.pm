# SPDX-License-Identifier: GPL-2.0-or-later
#
# QEMU's virtio-iommu, driven without a guest, for one function on bus 0:
#
#   VirtioIommu::arguments()                QEMU arguments
#   my $iommu = VirtioIommu->new($qtest, $devfn);   attached to a domain without mappings
#   $iommu->map(ADDRESS, PHYSICAL, LENGTH, 'rw')    'r' is read-only
#   $iommu->unmap(ADDRESS, LENGTH)                  one or more whole mappings
#
# Virtual I/O Device (VIRTIO) 1.2, sections 4.1 and 5.13. The request queue is in guest
# memory at 48 MiB.
package VirtioIommu;

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Qtest;

use constant {
    FUNCTION => Qtest::function(0, 6, 0), BAR => 0xe0200000, QUEUE => 0x3000000, SIZE => 16,
    # capability types
    COMMON => 1, NOTIFY => 2, DEVICE => 4,
    # common configuration
    DRIVER_FEATURE_SELECT => 8, DRIVER_FEATURE => 12, STATUS => 20, QUEUE_SELECT => 22,
    QUEUE_SIZE => 24, QUEUE_ENABLE => 28, QUEUE_DESC => 32, QUEUE_DRIVER => 40, QUEUE_DEVICE => 48,
    # device status
    ACKNOWLEDGE => 1, DRIVER => 2, DRIVER_OK => 4, FEATURES_OK => 8,
    F_MAP_UNMAP => 1 << 2, F_VERSION_1 => 1,
    # requests
    ATTACH => 1, MAP => 3, UNMAP => 4, DOMAIN => 1,
};

sub arguments { return ('-device', 'virtio-iommu-pci,addr=6,boot-bypass=off') }

sub new {
    my ($class, $qtest, $devfn) = @_;
    my $self = bless { qtest => $qtest, requests => 0 }, $class;
    $self->find_capabilities;
    $self->start;
    $self->request(ATTACH, pack 'V V x8', DOMAIN, $devfn);
    return $self;
}

# Addresses of the configuration structures in BAR 4, which is 64 bits wide
sub find_capabilities {
    my ($self) = @_;
    my $config = sub { return $self->{qtest}->config(FUNCTION, @_) };
    $config->(0x20, 4, BAR);
    $config->(0x24, 4, 0);
    $config->(4, 2, 6);
    for (my $at = $config->(0x34, 1); $at; $at = $config->($at + 1, 1)) {
        next if $config->($at, 1) != 0x09;
        $self->{ $config->($at + 3, 1) } //= BAR + $config->($at + 8, 4);
    }
    return;
}

sub common {
    my ($self, $offset, $width, $value) = @_;
    $self->{qtest}->write($self->{ +COMMON } + $offset, $width, $value);
    return;
}

sub start {
    my ($self) = @_;
    $self->common(STATUS, 1, $_) for 0, ACKNOWLEDGE, ACKNOWLEDGE | DRIVER;
    for my $features ([0, F_MAP_UNMAP], [1, F_VERSION_1]) {
        $self->common(DRIVER_FEATURE_SELECT, 4, $features->[0]);
        $self->common(DRIVER_FEATURE, 4, $features->[1]);
    }
    $self->common(STATUS, 1, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    $self->{qtest}->write_bytes(QUEUE, "\0" x 0x4000);
    $self->common(QUEUE_SELECT, 2, 0);
    $self->common(QUEUE_SIZE, 2, SIZE);
    $self->common(QUEUE_DESC, 8, QUEUE);
    $self->common(QUEUE_DRIVER, 8, QUEUE + 0x1000);
    $self->common(QUEUE_DEVICE, 8, QUEUE + 0x2000);
    $self->common(QUEUE_ENABLE, 2, 1);
    $self->common(STATUS, 1, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    return;
}

# Two descriptors: the request, and the status that the device returns
sub request {
    my ($self, $type, $body) = @_;
    my $qtest = $self->{qtest};
    my $request = pack('C x3', $type) . $body;
    $qtest->write_bytes(QUEUE + 0x3000, $request . "\xff" x 4);
    $qtest->write_bytes(QUEUE, pack('Q< V v v', QUEUE + 0x3000, length $request, 1, 1)
        . pack('Q< V v v', QUEUE + 0x3000 + length $request, 4, 2, 0));
    my $slot = $self->{requests}++ % SIZE;
    $qtest->write(QUEUE + 0x1000 + 4 + 2 * $slot, 2, 0);
    $qtest->write(QUEUE + 0x1000 + 2, 2, $self->{requests} & 0xffff);
    $qtest->write($self->{ +NOTIFY }, 2, 0);
    for (1 .. 1000) {
        last if $qtest->read(QUEUE + 0x2000 + 2, 2) == ($self->{requests} & 0xffff);
    }
    my $status = $qtest->read(QUEUE + 0x3000 + length $request, 1);
    die "virtio-iommu: request $type: status $status" if $status;
    return;
}

sub map {
    my ($self, $address, $physical, $length, $access) = @_;
    return $self->request(MAP, pack 'V Q< Q< Q< V', DOMAIN, $address, $address + $length - 1,
        $physical, $access eq 'rw' ? 3 : 1);
}

sub unmap {
    my ($self, $address, $length) = @_;
    return $self->request(UNMAP, pack 'V Q< Q< x4', DOMAIN, $address, $address + $length - 1);
}

1;
