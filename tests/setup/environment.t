#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Source directories and environment variables with which the build cannot work: it
# fails at once, with a one-line error, and changes nothing.
#
# Needs: setup-test
use strict;
use warnings;
use File::Path 'make_path';
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Environment;

my $top = top_dir();
my $dir = tempdir(CLEANUP => 1);

sub copy_of_tree {
    my ($path) = @_;
    make_path("$path/tests");
    system('cp', '-r', "$top/Makefile", $path) == 0 or die;
    system('cp', '-r', "$top/tests/setup", "$path/tests") == 0 or die;
    return;
}

# Directory names that make or kbuild cannot handle
for my $name ('my tree', 'my:tree', "my'tree", 'my"tree', 'my$tree', 'my,tree', 'my#tree') {
    copy_of_tree("$dir/$name");
    for my $target ('help', 'demo', 'install', 'distclean') {
        my ($status, $output) = do {
            local @ENV{qw(FOLDER HOME PATH)} = ("$dir/$name", $dir, stand_ins('apt-get' => 'echo apt') . ":$ENV{PATH}");
            delete local $ENV{XDG_CACHE_HOME};
            run_command("make -s --no-print-directory -C \"\$FOLDER\" $target");
        };
        isnt $status, 0, "a tree in '$name': make $target fails";
        like $output, qr/\A[^\n]*cannot build in '\Q$dir\E\S*\Q$name\E': [^\n]*plain name\.  Stop\.\n\z/,
            '... with a one-line error';
    }
    ok !-e "$dir/$name/build", '... builds nothing';
    ok !-e "$dir/.cache", '... and downloads nothing';
}
copy_of_tree("$dir/plain-1.0_\x{c3}\x{a9}+=\@~");
my ($status, $output) = run_command("make -s -C $dir/plain* help");
is $status, 0, 'a tree in a directory with other special characters works' or diag $output;

# The cache directory
sub cache_dir {
    my (%env) = @_;
    delete local @ENV{qw(HOME XDG_CACHE_HOME)};
    local @ENV{ keys %env } = values %env;
    return run_command("$top/tests/setup/cache-dir");
}

sub refuses_cache {
    my ($name, $message, %env) = @_;
    ($status, $output) = cache_dir(%env);
    is $status, 1, "$name: exit status";
    like $output, qr/\Acache-dir: $message[^\n]*XDG_CACHE_HOME[^\n]*\n\z/, '... and a one-line error';
    return;
}

sub accepts_cache {
    my ($name, $folder, %env) = @_;
    ($status, $output) = cache_dir(%env);
    is "$status $output", "0 $folder\n", $name;
    ok -f "$folder/CACHEDIR.TAG", '... it exists, with its tag';
    return;
}

refuses_cache('no HOME', 'no place for downloads: ');
refuses_cache('an empty HOME', 'no place for downloads: ', HOME => '');
refuses_cache('a HOME with a space', q(cannot build in '.*': ), HOME => "$dir/my home");
refuses_cache('a HOME that cannot be written', '.*cannot create.*: ', HOME => '/proc/none');
accepts_cache('HOME alone', "$dir/home/.cache/vgpu-stub", HOME => "$dir/home");
accepts_cache('XDG_CACHE_HOME alone', "$dir/xdg/vgpu-stub", XDG_CACHE_HOME => "$dir/xdg");
accepts_cache('a relative XDG_CACHE_HOME', "$dir/other/.cache/vgpu-stub",
    HOME => "$dir/other", XDG_CACHE_HOME => 'cache');

# remove-cache removes only a directory that cache-dir created
sub remove_cache {
    local $ENV{XDG_CACHE_HOME} = $_[0];
    return run_command("$top/tests/setup/remove-cache");
}

($status, $output) = remove_cache("$dir/xdg");
is "$status $output", "0 removed $dir/xdg/vgpu-stub\n", 'remove-cache removes the cache';
ok !-e "$dir/xdg/vgpu-stub", '... it is gone';
make_path("$dir/src/vgpu-stub/work");
($status, $output) = remove_cache("$dir/src");
is $status, 1, 'an unrelated directory with the name of the cache: exit status';
like $output, qr/\Aremove-cache: [^\n]*\n\z/, '... a one-line error';
ok -e "$dir/src/vgpu-stub/work", '... and the directory is still there';

# An exported CDPATH makes "cd" print its target, or go to another directory
make_path("$dir/cdpath/tests/setup");
for my $cdpath ($top, "$dir/cdpath") {
    local $ENV{CDPATH} = $cdpath;
    ($status, $output) = run_command("cd $top/. && unset MAKEFLAGS; tests/setup/install-packages none");
    like $output, qr{\Ainstall-packages: no group 'none' in \Q$top\E/tests/setup/packages\n\z},
        "CDPATH=$cdpath: a script finds its directory";
}
chdir $top or die $!;
my $scripts = qx(grep -rlE '^#!/bin/(ba)?sh' --exclude-dir=build --exclude-dir=.git . | xargs grep -HE '\\bcd .*dirname');
like $scripts, qr{^./tests/setup/chroot:}m, 'the search finds scripts that cd to their own directory';
is join('', grep { !/CDPATH='' cd -- / } split /^/, $scripts), '', '... all clear CDPATH';

done_testing;
