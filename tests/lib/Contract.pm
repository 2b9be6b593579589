# SPDX-License-Identifier: GPL-2.0-or-later
#
# The constants in include/, so that no test repeats them:
#
#   use Contract;
#   contract('VENDOR_ID')      the value of VGPU_STUB_VENDOR_ID in vgpu_stub.h
#   contract_names()           all names in the header, without the prefix
#   config_rows('ENDPOINT')    the rows of vgpu_stub_config.h for a form of the
#                              device: references to hashes with the keys name,
#                              forms, offset, width, mask, class, value
#   config_rows('ENDPOINT', 1) the rows of a device with queues
#   config_forms()             CONVENTIONAL, INTEGRATED, ENDPOINT
#
#   interface_version()        of a device with queues, as "1.1"
#   values_of('vgpu_stub_queue.h', NAME => 'sizeof(struct ...)', ...)
#                              NAME => what the C expression is for the compiler, with
#                              that header of include/
#
#   use Contract qw(:DEFAULT project_version);
#   project_version()          PACKAGE_VERSION in dkms.conf
package Contract;

use strict;
use warnings;
no warnings 'portable'; # allow 64-bit constants
use Exporter 'import';
use File::Temp 'tempdir';
use FindBin;
use Needs;

our @EXPORT = qw(contract contract_names interface_version values_of config_rows config_forms top_dir build_dir);
our @EXPORT_OK = qw(project_version);

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

sub project_version {
    my $path = top_dir() . '/dkms.conf';
    open my $file, '<', $path or die "$path: $!";
    my ($version) = map { /^PACKAGE_VERSION="(.+)"/ ? $1 : () } <$file>;
    return $version // die "no PACKAGE_VERSION in $path";
}

# Macros without arguments
sub read_macros {
    my $header = top_dir() . '/include/vgpu_stub_config.h';
    open my $gcc, '-|', 'gcc', '-E', '-dM', $header or die "gcc: $!";
    my %macros;
    while (<$gcc>) {
        $macros{$1} = $2 if /^#define VGPU_STUB_(\w+) (\S.*)$/;
    }
    close $gcc or die "gcc cannot preprocess $header";
    return \%macros;
}

Needs::check($0, build_dir()) unless $^C;
my $macros = read_macros();

sub contract {
    my ($name) = @_;
    my $text = $macros->{$name} // die "no VGPU_STUB_$name in the header";
    return contract($1) if $text =~ /^VGPU_STUB_(\w+)$/;
    $text =~ s/ULL$//;
    $text =~ /^(?:0x[0-9a-f]+|\d+)$/ or die "$name is not a number: $text";
    return $text =~ /^0x/ ? hex $text : $text;
}

sub contract_names {
    my @names = sort keys %$macros;
    return @names;
}

sub interface_version {
    my $version = contract('VERSION_QUEUES');
    return sprintf '%u.%u', $version >> 16, $version & 0xffff;
}

sub values_of {
    my ($header, %expressions) = @_;
    my $dir = tempdir(CLEANUP => 1);
    open my $source, '>', "$dir/values.c" or die "$dir/values.c: $!";
    print $source qq(#include <stddef.h>\n#include <stdio.h>\n#include "$header"\nint main(void)\n{\n),
        (map { qq(printf("%s %lld\\n", "$_", (long long)($expressions{$_}));\n) } sort keys %expressions), "}\n";
    close $source or die "$dir/values.c: $!";
    system('gcc', '-I' . top_dir() . '/include', '-o', "$dir/values", "$dir/values.c") == 0
        or die 'gcc cannot compile expressions';
    return map { /^(.+) (\S+)$/ } qx($dir/values);
}

sub config_forms { return qw(CONVENTIONAL INTEGRATED ENDPOINT) }

sub read_config_rows {
    my (@defines) = @_;
    my $top = top_dir();
    my @keys = qw(name forms offset width mask class value form_mask);
    my @rows;
    open my $gcc, '-|', 'gcc', '-E', '-P', @defines, "-I$top/include", "$top/tests/lib/config-rows.c"
        or die "gcc: $!";
    my $text = do { local $/; <$gcc> };
    close $gcc or die 'gcc cannot preprocess vgpu_stub_config.h';
    while ($text =~ /\brow (.+?);/gs) {
        my @cells = map { /^0x/ ? hex : $_ } split ' ', $1 =~ tr/"//dr;
        my %row;
        @row{@keys} = @cells;
        push @rows, \%row;
    }
    return @rows;
}

my %config_rows;

sub config_rows {
    my ($form, $queues) = @_;
    my $define = $queues ? '-DWITH_QUEUES' : '-DWITHOUT_QUEUES';
    my $rows = $config_rows{$define} //= [read_config_rows($define)];
    my $bit = contract("FORM_$form");
    return grep { $_->{form_mask} & $bit } @$rows;
}

1;
