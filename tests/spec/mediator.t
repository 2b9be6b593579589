#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The specification of the mediator's protocol and vgpu_mediator.h agree, in both
# directions: every message, field, status, fault, state and limit.
#
# Needs: setup-test
use strict;
use warnings;
use Test::More;
use Contract;
use Rst;

my $top = top_dir();
my $spec = "$top/docs/specs/vgpu-mediator.rst";
my $text = do { local (@ARGV, $/) = ($spec); <> };
my @rows = read_tables($spec);
my $header = 'vgpu_mediator.h';

sub header_names {
    open my $gcc, '-|', 'gcc', '-E', '-dM', "$top/include/$header" or die "gcc: $!";
    return map { /^#define VGPU_MEDIATOR_(\w+) \S/ && $1 ne 'H' ? $1 : () } <$gcc>;
}

my %constant = values_of($header, map { $_ => "VGPU_MEDIATOR_$_" } header_names());
my %seen;

sub is_constant {
    my ($name, $value) = @_;
    $seen{$name} = 1;
    return is $constant{$name}, $value =~ /^0x/ ? hex $value : $value, "$name is $value";
}

# Tables of constants
for my $row (@rows) {
    is_constant($row->{Name}, $row->{Type}) if defined $row->{Type} && defined $row->{Length};
    for my $columns (['Value', 'Status'], ['Code', 'Fault'], ['State', 'Slot']) {
        my ($value, $name) = @$row{@$columns};
        is_constant($name =~ tr/`//dr, $value) if defined $name && defined $value;
    }
}

# Structures: the section of the table, and the length of the message
my %structs = (
    'Header' => 'header', 'HELLO' => 'hello', 'Answer to HELLO' => 'hello_answer',
    'MEMORY_ADD' => 'memory_add', 'BUFFER_ADD' => 'buffer_add', 'BUFFER_REMOVE' => 'buffer_remove',
    'QUEUE_START' => 'queue_start', 'QUEUE_STOP' => 'queue_stop',
    'Answer to QUEUE_START and QUEUE_STOP' => 'queue_answer', 'Answer' => 'answer',
    'EXECUTE' => 'execute', 'Answer to EXECUTE' => 'execute_answer', 'QUEUE_ERROR' => 'queue_error',
    'ERROR' => 'error', 'COMMAND' => 'command', 'DATA_OUT and DATA_IN' => 'data',
    'CREDIT_IN and CREDIT_OUT' => 'credit', 'CANCEL' => 'cancel', 'COMMAND_DONE' => 'command_done',
    'Record' => 'record', 'Slot' => 'slot',
);
for my $section (sort keys %structs) {
    my $struct = "struct vgpu_mediator_$structs{$section}";
    my @fields = grep { $_->{section} eq $section && defined $_->{Offset} } @rows;
    ok @fields, "$section has a table";
    my %value = values_of($header, size => "sizeof($struct)", map { my $field = lc $_->{Name};
            ("$field offset" => "offsetof($struct, $field)",
            "$field width" => "sizeof((($struct *)0)->$field)") } @fields);
    my $end = $section =~ /^(?:Header|Record|Slot)$/ ? 0 : 16;
    for my $row (@fields) {
        my $field = lc $row->{Name};
        is hex $row->{Offset}, $value{"$field offset"}, "$section: offset of $row->{Name}";
        is $row->{Width}, $value{"$field width"}, "$section: width of $row->{Name}";
        is hex $row->{Offset}, $end, "... follows the field before it";
        $end += $row->{Width};
    }
    is $value{size}, $end, "$section: the table has all fields";
}

# The table of messages has their lengths
my %lengths = values_of($header, map { $_ => "sizeof(struct vgpu_mediator_$_)" } 'header', values %structs);
for my $row (grep { defined $_->{Type} && defined $_->{Length} } @rows) {
    my ($section) = grep { (" $_ ") =~ / \Q$row->{Name}\E / && !/^Answer/ } keys %structs;
    my $length = $section ? $lengths{ $structs{$section} } : 16;
    my $expected = $section && $structs{$section} eq 'data' ? $length + 1 . '-' : $length;
    is $row->{Length}, $expected, "length of $row->{Name}";
    next unless $row->{Answer} =~ /^(\d+)/;
    ($section) = grep { /^Answer to .*\b\Q$row->{Name}\E\b/ } keys %structs;
    is $1, $lengths{ $section ? $structs{$section} : 'answer' }, "length of the answer to $row->{Name}";
}

# Constants that the text gives
my %prose = (
    MESSAGE_MAX => '65560 bytes \(``MESSAGE_MAX``\)', DATA_MAX => '65536 bytes \(``DATA_MAX``\)',
    DESCRIPTORS_MAX => '3 \(``DESCRIPTORS_MAX``\)', REGIONS_MAX => '64 \(``REGIONS_MAX``\)',
    REQUESTS_MAX => '64 \(``REQUESTS_MAX``\)', ATTEMPTS_MAX => '3 \(``ATTEMPTS_MAX``\)',
    ANSWER => 'bit 15 \(``ANSWER``\)', VERSION => 'defines version 1\.',
    FEATURE_SHARED => 'bit 0 ``FEATURE_SHARED``', FEATURE_FRAMED => 'bit 1 ``FEATURE_FRAMED``',
    MEMORY_WRITE => 'bit 0 \(``MEMORY_WRITE``\)', BUFFER_READ => 'bit 0 \(``BUFFER_READ``\)',
    BUFFER_WRITE => 'bit 1 \(``BUFFER_WRITE``\)',
);
my %number = (
    MESSAGE_MAX => 65560, DATA_MAX => 65536, DESCRIPTORS_MAX => 3, REGIONS_MAX => 64,
    REQUESTS_MAX => 64, ATTEMPTS_MAX => 3, ANSWER => 1 << 15, VERSION => 1, FEATURE_SHARED => 1,
    FEATURE_FRAMED => 2, MEMORY_WRITE => 1, BUFFER_READ => 1, BUFFER_WRITE => 2,
);
for my $name (sort keys %prose) {
    my $pattern = $prose{$name} =~ s/ /\\s+/gr;
    like $text, qr/$pattern/, "$name is in the text";
    is_constant($name, $number{$name});
}

# What the device has for it
like $text, qr/bit 1 \(``STATUS_NO_BACKEND``\)/, 'STATUS_NO_BACKEND is specified';
is contract('STATUS_NO_BACKEND'), 2, '... as bit 1';
like $text, qr/sets bit 1\s+of FEATURES \(``FEATURE_MEDIATOR``\)/, 'FEATURE_MEDIATOR is specified';
is contract('FEATURE_MEDIATOR'), 2, '... as bit 1';
like $text, qr/interface version 1\.2 /, 'the interface version is specified';
is contract('VERSION_MEDIATOR'), 0x10002, '... as 1.2';
for my $name (qw(ERR_NO_BACKEND ERR_BACKEND)) {
    my ($row) = grep { ($_->{Name} // '') eq "``$name``" } @rows;
    is hex $row->{Status}, contract($name), "status of $name";
}
like $text, qr/Queue error @{[contract('QERR_BACKEND')]} \(``QERR_BACKEND``\)/, 'QERR_BACKEND is specified';

# Nothing of the header is left out; these are implied by others
my %implied = map { $_ => 1 } qw(NAME_MAX TEXT_MAX PAGE);
ok $seen{$_}, "$_ is specified" for grep { !$implied{$_} } sort keys %constant;

done_testing;
