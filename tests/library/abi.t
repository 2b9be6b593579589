#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What programs that are linked with libvgpu-stub rely on: its name, the symbols with
# their version, and the layout of the structures in its headers.
#
# Needs: setup-probe tools
use strict;
use warnings;
use Test::More;
use Contract;
use Probe;

my $tools = build_dir() . '/tools';
my $source = top_dir() . '/guest-tools/libvgpu-stub';
my $library = "$tools/libvgpu-stub.so.0";
my @include = map { "-I$_" } $source, map { top_dir() . "/$_" } 'guest-driver/uapi', 'include';

sub output_of {
    my ($status, $out, $err) = run_command(@_);
    is $status, 0, "$_[0] runs" or diag $err;
    return $out;
}

my ($version) = read_file("$source/libvgpu-stub.map") =~ /^([\w.]+) \{/m;
my @map = read_file("$source/libvgpu-stub.map") =~ /^\t(\w+);$/mg;
my @declared = read_file("$source/libvgpu-stub.h") =~ /^(?:int|void|const char \*)\s*(vgpu_stub_\w+)\(/mg;
is_deeply [sort @declared], \@map, 'the map names the functions that the header declares, sorted';

# nm prints NAME@@VERSION, and the version itself as a symbol
my @exported = map { /^(\S+) [A-Z] / ? $1 : () } split /\n/, output_of('nm', '-DP', '--defined-only', $library);
is_deeply [sort @exported], [sort $version, map { "$_\@\@$version" } @map],
    'the shared library exports these, all with the version, and nothing else';
my @static = map { /^(\S+) [A-TV-Z] / ? $1 : () } split /\n/, output_of('nm', '-P', "$tools/libvgpu-stub.a");
is_deeply [sort @static], \@map, 'so does the static one';

my $dynamic = output_of('readelf', '-d', $library);
is_deeply [$dynamic =~ /\(SONAME\).*\[(.*)\]/g], ['libvgpu-stub.so.0'], 'its name';
is_deeply [$dynamic =~ /\(NEEDED\).*\[(.*)\]/g], ['libc.so.6'], 'it needs libc alone';

# structure => its size, and the offset of each member
my %layout = (
    vgpu_stub_memory => { size => 24, addr => 0, length => 8, handle => 16, flags => 20 },
    vgpu_stub_command => { size => 72, opcode => 0, flags => 2, user_data => 8, arg => 16, out => 24, in => 48 },
    vgpu_stub_completion => { size => 24, user_data => 0, result => 8, status => 16 },
    vgpu_stub_info => { size => 32, version => 8, command_sets => 12, depth => 16, max_buffers => 20, max_length => 24 },
);

sub test_layout {
    my $program = scratch_dir() . '/layout';
    my @lines = map { my $name = $_; my %of = %{ $layout{$name} };
        (qq{check("sizeof(struct $name)", sizeof(struct $name), $of{size});},
            map { qq{check("$name.$_", offsetof(struct $name, $_), $of{$_});} } grep { $_ ne 'size' } sort keys %of)
    } sort keys %layout;
    write_file("$program.c", join "\n", '#include <stdio.h>', '#include <libvgpu-stub.h>',
        'static int bad;',
        'static void check(const char *what, unsigned int is, unsigned int expected) {',
        'if (is != expected) { printf("%s is %u, not %u\n", what, is, expected); bad = 1; } }',
        'int main(void) {', @lines, 'return bad; }', '');
    output_of('gcc', '-Wall', '-Werror', @include, '-o', $program, "$program.c");
    is_deeply [run_command($program)], [0, '', ''], 'the layout of the structures';
    return;
}

test_layout();
my (undef, undef, $errors) = run_command({ stdin => "#include <libvgpu-stub.h>\n" }, 'gcc', '-x', 'c', '-fsyntax-only',
    '-std=c99', '-pedantic', '-Wall', '-Wextra', '-Wc++-compat', '-Werror', @include, '-');
is $errors, '', 'the header needs no other, and nothing in it is not C++';

done_testing;
