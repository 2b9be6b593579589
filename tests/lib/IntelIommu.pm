# SPDX-License-Identifier: GPL-2.0-or-later
#
# QEMU's intel-iommu, driven without a guest, for one function on bus 0:
#
#   IntelIommu::arguments()                 QEMU arguments, to put before any device
#   my $iommu = IntelIommu->new($qtest, $devfn);    translation on, nothing mapped
#   $iommu->map(ADDRESS, PHYSICAL, LENGTH, 'rw')    pages of 4 KiB; 'r' is read-only
#   $iommu->unmap(ADDRESS, LENGTH)
#
# Intel Virtualization Technology for Directed I/O, legacy mode: a root table, a context
# table and three levels of page tables, in guest memory at 48 MiB.
package IntelIommu;

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers

use constant {
    REGISTERS => 0xfed90000, GCMD => 0x18, RTADDR => 0x20, CCMD => 0x28, IOTLB => 0xf8,
    SET_ROOT => 1 << 30, ENABLE => 1 << 31,
    # invalidate all
    ALL_CONTEXTS => 1 << 63 | 1 << 61, ALL_PAGES => 1 << 63 | 1 << 60,
    TABLES => 0x3000000, PRESENT => 1, READ_WRITE => 3, PAGE => 4096,
    ADDRESS_WIDTH_39 => 1, DOMAIN => 1 << 8,
};

sub arguments { return ('-device', 'intel-iommu,aw-bits=39') }

sub new {
    my ($class, $qtest, $devfn) = @_;
    my $self = bless { qtest => $qtest, next => TABLES }, $class;
    my ($root, $context, $top) = map { $self->new_table } 1 .. 3;
    $self->{top} = $top;
    $qtest->write($root, 8, $context | PRESENT);
    $qtest->write($context + 16 * $devfn, 8, $top | PRESENT);
    $qtest->write($context + 16 * $devfn + 8, 8, DOMAIN | ADDRESS_WIDTH_39);
    $qtest->write(REGISTERS + RTADDR, 8, $root);
    $qtest->write(REGISTERS + GCMD, 4, SET_ROOT);
    $qtest->write(REGISTERS + GCMD, 4, ENABLE);
    $self->invalidate;
    return $self;
}

sub new_table {
    my ($self) = @_;
    my $table = $self->{next};
    $self->{next} += PAGE;
    $self->{qtest}->write_bytes($table, "\0" x PAGE);
    return $table;
}

sub invalidate {
    my ($self) = @_;
    $self->{qtest}->write(REGISTERS + CCMD, 8, ALL_CONTEXTS);
    $self->{qtest}->write(REGISTERS + IOTLB, 8, ALL_PAGES);
    return;
}

# The address of a page's table entry; creates missing tables
sub entry {
    my ($self, $address) = @_;
    my $table = $self->{top};
    for my $shift (30, 21) {
        my $at = $table + 8 * ($address >> $shift & 511);
        if (!$self->{tables}{$at}) {
            $self->{tables}{$at} = $self->new_table;
            $self->{qtest}->write($at, 8, $self->{tables}{$at} | READ_WRITE);
        }
        $table = $self->{tables}{$at};
    }
    return $table + 8 * ($address >> 12 & 511);
}

sub set {
    my ($self, $address, $length, $value_of) = @_;
    my @writes;
    for (my $offset = 0; $offset < $length; $offset += PAGE) {
        push @writes, sprintf 'writeq 0x%x 0x%x', $self->entry($address + $offset), $value_of->($offset);
    }
    $self->{qtest}->commands(@writes);
    $self->invalidate;
    return;
}

sub map {
    my ($self, $address, $physical, $length, $access) = @_;
    my $bits = $access eq 'rw' ? 3 : 1;
    return $self->set($address, $length, sub { $physical + $_[0] | $bits });
}

sub unmap {
    my ($self, $address, $length) = @_;
    return $self->set($address, $length, sub { 0 });
}

1;
