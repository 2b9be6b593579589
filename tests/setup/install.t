#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# "make install" writes only below DESTDIR, with any name and any umask, and "make
# uninstall" removes those files and nothing else.
#
# Needs: setup-probe tools
use strict;
use warnings;
use File::Find;
use File::Path 'make_path';
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Environment;

my $top = top_dir();
my $build = build_dir();

# path => mode of everything below a directory
sub tree {
    my ($dir) = @_;
    my %modes;
    find({ no_chdir => 1, wanted => sub { $modes{$_} = sprintf '%o', (stat)[2] & 4095 } }, $dir);
    return \%modes;
}

sub make {
    my ($arguments, %env) = @_;
    delete local @ENV{qw(MAKEFLAGS DESTDIR PREFIX)};
    local @ENV{ keys %env } = values %env;
    return run_command("make -s --no-print-directory -C $top BUILD=$build $arguments");
}

chomp(my $version = qx(sed -n 's/^PACKAGE_VERSION="\\(.*\\)"/\\1/p' $top/dkms.conf));
my @installed = ("usr/src/vgpu-stub-$version/dkms.conf", 'usr/local/bin/vgpu-probe',
    'usr/local/share/man/man8/vgpu-probe.8');

for my $name ('my root', q(it's "a" root; touch TOUCHED), '$HOME root', '* root') {
    my $dir = tempdir(CLEANUP => 1);
    my $first = (split ' ', $name)[0];
    make_path("$dir/$first/usr/src/vgpu-stub-$version", "$dir/$first/usr/local/share/vgpu-stub");
    write_file("$dir/$first/usr/src/vgpu-stub-$version/work", "a user's\n");
    my $before = tree($dir);
    my ($status, $output) = make('install DESTDIR="$ROOT"', ROOT => "$dir/$name" =~ s/\$/\$\$/gr);
    is $status, 0, "DESTDIR='$name': install" or diag $output;
    ok -f "$dir/$name/$_", "... $_" for @installed;
    is_deeply [grep { !/^\Q$dir\/$name\E/ } sort keys %{ tree($dir) }], [sort keys %$before],
        '... nothing elsewhere';
    ($status, $output) = make('uninstall DESTDIR="$ROOT"', ROOT => "$dir/$name" =~ s/\$/\$\$/gr);
    is $status, 0, '... uninstall' or diag $output;
    is join(' ', grep { m{^\Q$dir/$name/\E} && (-f || /vgpu/) } sort keys %{ tree($dir) }), '',
        '... removes everything it installed';
    is_deeply [grep { !/^\Q$dir\/$name\E/ } sort keys %{ tree($dir) }], [sort keys %$before],
        '... and removes nothing else';
}

# The modes do not depend on the umask
my %modes;
for my $umask ('000', '022', '077') {
    my $dir = tempdir(CLEANUP => 1);
    my ($status, $output) = run_command("umask $umask && make -s -C $top BUILD=$build install DESTDIR=$dir/root");
    is $status, 0, "umask $umask: install" or diag $output;
    my $tree = tree("$dir/root/usr");
    $modes{$umask} = { map { s/^\Q$dir\E//r => $tree->{$_} } keys %$tree };
}
is_deeply $modes{$_}, $modes{'022'}, "umask $_: same modes as with umask 022" for '000', '077';

# "uninstall" leaves files that "install" did not create
my $dir = tempdir(CLEANUP => 1);
make_path("$dir/usr/src/vgpu-stub-$version");
write_file("$dir/usr/src/vgpu-stub-$version/work", "a user's\n");
my ($status, $output) = make("uninstall DESTDIR=$dir");
isnt $status, 0, 'a directory without our dkms.conf: uninstall fails';
like $output, qr/^\Q$dir\E\S+ has no dkms\.conf of vgpu-stub/, '... and says why';
ok -e "$dir/usr/src/vgpu-stub-$version/work", '... and removes nothing';
for my $target ('install', 'uninstall') {
    for my $part ('guest-driver', 'guest-tools') {
        ($status, $output) = run_command("make -s -C $top/$part $target DESTDIR=root");
        isnt $status, 0, "$part: $target with a relative DESTDIR fails";
        like $output, qr/^DESTDIR=root is not an absolute path$/m, '... and says why';
    }
}

# debian/build empties its output directory first, so it refuses other people's
for my $out ($dir, "$dir/my debs") {
    local $ENV{OUT} = $out;
    ($status, $output) = run_command("$top/debian/build \"\$OUT\"");
    is $status, 1, 'debian/build: a directory with other files, or with a space: exit status';
    like $output, qr/\Adebian\/build: [^\n]*\n\z/, '... and a one-line error';
}
ok -e "$dir/usr/src/vgpu-stub-$version/work", '... and removes nothing';

done_testing;
