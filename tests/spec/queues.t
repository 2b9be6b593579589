#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The chapter "Queues" of the specification and vgpu_stub_queue.h agree, in both
# directions: every register, state, error, field, type, command and status.
#
# Needs: setup-test
use strict;
use warnings;
use Test::More;
use Contract;
use Rst;

my $spec = top_dir() . '/qemu-device/docs/specs/vgpu-stub.rst';
my @rows = grep { $_->{chapter} eq 'Queues' } read_tables($spec);
my %seen;

sub is_constant {
    my ($name, $value) = @_;
    $seen{$name} = 1;
    return is hex $value, contract($name), "$name is $value";
}

# "``QERR_SIZE``" in a cell names a constant
sub quoted { return $_[0] =~ /^``(\w+)``/ ? $1 : undef }

# Registers: a queue's are below 0x40; the device's start at 0x020
for my $row (grep { $_->{Access} } @rows) {
    my $prefix = hex $row->{Offset} >= 0x20 && length $row->{Offset} == 5 ? 'REG' : 'QUEUE';
    is_constant("${prefix}_$row->{Name}", $row->{Offset});
}

for my $row (@rows) {
    is_constant("QUEUE_$row->{State}", $row->{Value}) if defined $row->{State};
    for my $key (qw(Error Status TYPE)) {
        my $name = defined $row->{$key} ? quoted($row->{Name} // '') : undef;
        is_constant($name, $row->{$key}) if $name;
    }
    is_constant("OP_$row->{Name}", $row->{Opcode}) if ($row->{Opcode} // '') =~ /^0x/;
}

# Fields of the structures, as the compiler lays them out
my %structs = (
    index => { map { $_ => lc } qw(SQ_TAIL CQ_HEAD CQ_EVENT SQ_HEAD CQ_TAIL SQ_EVENT FLAGS) },
    sqe => { map { $_ => lc } qw(OPCODE FLAGS ID ARG OUT IN DATA) },
    desc => { map { $_ => lc } qw(ADDR LEN NUMBER TYPE RESERVED) },
    cqe => { map { $_ => lc } qw(ID STATUS RESERVED RESULT) },
);
for my $struct (sort keys %structs) {
    my $fields = $structs{$struct};
    my %offsets = values_of('vgpu_stub_queue.h',
        map { $_ => "offsetof(struct vgpu_stub_$struct, $fields->{$_})" } keys %$fields);
    for my $name (sort keys %offsets) {
        my ($row) = grep { ($_->{Name} // '') eq $name && defined $_->{Offset} && !$_->{Access}
            && hex $_->{Offset} == $offsets{$name} } @rows;
        ok $row, sprintf '%s of %s is at 0x%02x', $name, $struct, $offsets{$name};
    }
}

# Nothing of the header is left out
my @constants = grep { /^(?:QUEUE_(?!S?ERROR|STATE|ENABLE|STRIDE|SIZE_M)|QERR_|DESC_|OP_|ERR_)/
    } contract_names();
push @constants, grep { /^REG_/ && contract($_) >= 0x20 } contract_names();
ok $seen{$_}, "$_ is specified" for grep { $_ !~ /_M(?:ASK|IN|AX)$|_SHIFT$|^QUEUE_ENABLE$/ } @constants;

# Constants that only the text specifies
my $text = do { local (@ARGV, $/) = ($spec); <> };
my %prose = (
    CONTROL_RESET => 'bit 0 \(``CONTROL_RESET``\)', EVENT_QUEUE_ERROR => 'bit 0\s+\(``EVENT_QUEUE_ERROR``\)',
    QUEUE_ENABLE => 'bit 0 \(``QUEUE_ENABLE``\)', QUEUE_STRIDE => '\* 0x40 \(``QUEUE_STRIDE``\)',
    DOORBELL_STRIDE => '4 \* ``n`` \(``DOORBELL_STRIDE``\)', VECTOR_NONE => '``VECTOR_NONE`` \(0xffff\)',
    INDEX_CQ_FULL => 'bit 0 \(``INDEX_CQ_FULL``\)', SQE_QUIET => 'bit 0 \(``SQE_QUIET``\)',
    SQE_BARRIER => 'bit 1 \(``SQE_BARRIER``\)', MSIX_TABLE => '0xc00\s+\(``MSIX_TABLE``\)',
    MSIX_PBA => '0xe00 \(``MSIX_PBA``\)',
);
like $text, qr/$prose{$_}/, "$_ is specified" for sort keys %prose;
my %numbers = (
    OK => 0, CONTROL_RESET => 1, EVENT_QUEUE_ERROR => 1, QUEUE_ENABLE => 1, QUEUE_STRIDE => 0x40,
    DOORBELL_STRIDE => 4, VECTOR_NONE => 0xffff, INDEX_CQ_FULL => 1, SQE_QUIET => 1,
    SQE_BARRIER => 2, MSIX_TABLE => 0xc00, MSIX_PBA => 0xe00, FEATURE_QUEUES => 1,
    QUEUES_MAX => 16, QUEUE_SIZE_MIN => 2, QUEUE_SIZE_MAX => 0x400, LIST_MAX => 0x200,
    BUFFERS_MAX => 0x400, BUFFER_SEGMENTS_MAX => 0x10000, SEGMENTS_MAX => 0x40000,
    TRANSFER_MAX => 0x40000000, RING_ALIGN => 4096, INDEX_ALIGN => 128, INLINE_MAX => 16,
);
is contract($_), $numbers{$_}, "$_ has the value in the text" for sort keys %numbers;

done_testing;
