#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# "make install" of the library: a program finds it with pkg-config, each function has a
# manual page, the examples of the pages compile without a warning, shared and static,
# and "make uninstall" leaves nothing.
#
# Needs: setup-demo setup-probe tools
use strict;
use warnings;
use Test::More;
use Contract;
use Library;
use Probe;

my $root = scratch_dir() . '/root';
my $source = top_dir() . '/guest-tools/libvgpu-stub';

sub files {
    chomp(my @files = qx(cd '$root' && find . ! -type d | sort));
    return map { s{^\./}{}r } @files;
}

sub make {
    my ($target, %set) = @_;
    my ($status, $out, $err) = run_command('make', '-s', '-C', top_dir() . '/guest-tools', $target,
        'O=' . build_dir() . '/tools', "DESTDIR=$root", map { "$_=$set{$_}" } sort keys %set);
    is $status, 0, "make $target" or diag "$out$err";
    return;
}

sub test_pages {
    my @functions = read_file("$source/libvgpu-stub.map") =~ /^\t(\w+);$/mg;
    for my $name (@functions) {
        my $page = "$root/usr/share/man/man3/$name.3";
        like eval { read_file($page) } // '', qr/^\.Fn $name /m, "$name has a manual page";
        my ($in_header) = read_file("$source/libvgpu-stub.h") =~
            /^(?:int|void|const char \*)\s*$name\(([^)]*)\)/m;
        my ($in_page) = eval { read_file($page) } =~ /^\.Fn $name (".*)$/m;
        is join(', ', ($in_page // '') =~ /"([^"]*)"/g), $in_header =~ s/\s+/ /gr,
            "$name: the page has the parameters of the header";
    }
    return;
}

sub test_examples {
    my %examples = examples();
    is scalar(keys %examples), scalar(my @pages = glob "$source/*.3"),
        'each page has an example';
    for my $name (sort keys %examples) {
        my $file = write_file(scratch_dir() . "/$name.c", $examples{$name});
        for my $how ('', '-static') {
            my ($status, $errors) = compile($root, $file, scratch_dir() . "/$name", $how);
            is $status, 0, "the example of $name compiles $how" or diag $errors;
        }
        my ($status) = run_command(scratch_dir() . "/$name");
        is $status, 1, "... and ends with 1 without a device";
    }
    return;
}

make('install', PREFIX => '/usr');
test_pages();
test_examples();
my $before = join "\n", files();
make('install', PREFIX => '/usr');
is join("\n", files()), $before, 'a second install changes nothing';
make('uninstall', PREFIX => '/usr');
is_deeply [files()], [], 'make uninstall leaves nothing';

make('install', PREFIX => '/opt/vgpu', LIBDIR => '/opt/vgpu/lib64');
ok -e "$root/opt/vgpu/lib64/$_", "LIBDIR=: $_" for 'libvgpu-stub.so.0', 'pkgconfig/libvgpu-stub.pc';
is +(run_command('env', "PKG_CONFIG_PATH=$root/opt/vgpu/lib64/pkgconfig", 'pkg-config', '--libs', '--cflags',
    'libvgpu-stub'))[1] =~ s/ *\n//r, '-I/opt/vgpu/include/vgpu-stub -L/opt/vgpu/lib64 -lvgpu-stub', '... and pkg-config says so';
make('uninstall', PREFIX => '/opt/vgpu', LIBDIR => '/opt/vgpu/lib64');
is_deeply [files()], [], 'make uninstall leaves nothing of it';

done_testing;
