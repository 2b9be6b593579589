# SPDX-License-Identifier: GPL-2.0-or-later
#
# The numbers of include/vgpu_stub.h for the tests, which repeat none of them:
#
#   use Contract;
#   contract('VENDOR_ID')      the value of VGPU_STUB_VENDOR_ID
#   contract_names()           all names, without the prefix
package Contract;

use strict;
use warnings;
use Exporter 'import';
use FindBin;

our @EXPORT = qw(contract contract_names top_dir build_dir);

sub top_dir {
    my $dir = $FindBin::Bin;
    while (!-e "$dir/include/vgpu_stub.h") {
        $dir =~ s{/[^/]+$}{} or die "no vgpu-stub tree around $FindBin::Bin";
    }
    return $dir;
}

sub build_dir {
    return $ENV{BUILD} // top_dir() . '/build';
}

# Only macros that stand for a constant, not those that take arguments
sub read_macros {
    my $header = top_dir() . '/include/vgpu_stub.h';
    open my $gcc, '-|', 'gcc', '-E', '-dM', $header or die "gcc: $!";
    my %macros;
    while (<$gcc>) {
        $macros{$1} = $2 if /^#define VGPU_STUB_(\w+) (\S.*)$/;
    }
    close $gcc or die "gcc cannot read $header";
    return \%macros;
}

my $macros = read_macros();

sub contract {
    my ($name) = @_;
    my $text = $macros->{$name} // die "no VGPU_STUB_$name in the header";
    return contract($1) if $text =~ /^VGPU_STUB_(\w+)$/;
    $text =~ /^(?:0x[0-9a-f]+|\d+)$/ or die "$name is no number: $text";
    return $text =~ /^0x/ ? hex $text : $text;
}

sub contract_names {
    my @names = sort keys %$macros;
    return @names;
}

1;
