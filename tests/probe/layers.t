#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/lint/layers, which checks vgpu-probe's layers: it passes on the current object
# files, and finds a call to a higher layer, a cycle and a file outside the layers.
#
# Needs: setup-probe tools
use strict;
use warnings;
use File::Path 'make_path';
use Test::More;
use Contract;
use Probe;

my $lint = top_dir() . '/tests/lint/layers';
my $count = 0;

is join("\n", (run_command($lint))[0, 1, 2]), "0\n\n", 'no call to a higher layer';

# Compile FILE => SOURCE…; returns the script's output for the object files
sub lint_of {
    my %source = @_;
    my $dir = scratch_dir() . '/layers' . $count++;
    for my $file (sort keys %source) {
        my ($path) = "$dir/$file" =~ m{(.*)/};
        make_path($path);
        write_file("$dir/$file.c", $source{$file});
        my ($status, undef, $err) = run_command('gcc', '-c', '-o', "$dir/$file.o", "$dir/$file.c");
        is $status, 0, "$file compiles" or die $err;
    }
    my ($status, $out, $err) = run_command($lint, $dir);
    return "$status $out$err";
}

my $shows = 'void show(void) { }';
is lint_of('command/a' => 'void show(void); void a(void) { show(); }', 'show/b' => $shows), '0 ', 'a call to a lower layer';
is lint_of('read/a' => 'void show(void); void a(void) { show(); }', 'show/b' => $shows),
    "1 read/a.o uses show of show/b.o, which is in a higher layer\n", 'a call to a higher layer';
is lint_of('error' => 'extern int main_state; int a(void) { return main_state; }', 'main' => 'int main_state;'),
    "1 error.o uses main_state of main.o, which is in a higher layer\n", 'a variable of main';
my $cycle = lint_of('read/a' => 'void b(void); void a(void) { b(); }', 'read/b' => 'void a(void); void b(void) { a(); }',
    'show/c' => 'void a(void); void c(void) { a(); }');
is $cycle, "1 read/a.o uses b of read/b.o, which is a dependency cycle\n"
    . "read/b.o uses a of read/a.o, which is a dependency cycle\n", 'two files that use each other';
like lint_of('other/a' => 'int a;'), qr/^\d+ layers: other\/a.o is in an unknown layer/, 'a file in an unknown layer';
like lint_of(), qr/^\d+ layers: no object files|^\d+ .*No such file/, 'no object files';

done_testing;
