#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# qemu-device/integrate on the files of a real QEMU source: what it puts in it
# puts in once, takes out without a trace, and prints as a patch that does the
# same; a tree that it does not know stays as it is.
#
# Environment: QEMU_SOURCE, the source; default that of the installed QEMU.
#
# Needs: setup-device device
use strict;
use warnings;
use File::Basename 'dirname';
use File::Path 'make_path';
use File::Temp 'tempdir';
use Test::More;
use Contract;

my $integrate = top_dir() . '/qemu-device/integrate';
my $source = $ENV{QEMU_SOURCE} // qx('@{[top_dir()]}/tests/setup/qemu-source');
chomp $source;
my $dir = tempdir(CLEANUP => 1);

sub run_command {
    my ($command) = @_;
    my $output = qx($command 2>&1);
    return ($? >> 8, $output);
}

my ($status, $patch) = run_command("$integrate --patch '$source'");
is $status, 0, '--patch';
my @paths = $patch =~ m{^\+\+\+ b/(\S+)$}mg;
my @new = $patch =~ m{^--- /dev/null\n\+\+\+ b/(\S+)$}mg;
is_deeply [sort @new], [sort { $a cmp $b } device_files()], 'the patch adds every file of the device';
my %is_new = map { $_ => 1 } @new;
is_deeply [sort grep { !$is_new{$_} } @paths], [qw(Kconfig.host docs/specs/index.rst hw/misc/Kconfig
    hw/misc/meson.build hw/misc/trace-events meson.build meson_options.txt
    scripts/meson-buildoptions.sh tests/qtest/fuzz/meson.build tests/qtest/meson.build)],
    'and changes these';

# Where the files of this tree go in QEMU's
sub device_files {
    my $own = top_dir() . '/qemu-device';
    my @files = map { s{^\Q$own\E/}{}r } glob "$own/hw/misc/*.[ch] $own/docs/specs/*.rst"
        . " $own/tests/qtest/*.c $own/tests/qtest/fuzz/*.c";
    return @files, map { s{.*/}{hw/misc/}r } glob top_dir() . '/include/*.h';
}

# A tree of just the files that are concerned
sub make_tree {
    my ($name) = @_;
    my $tree = "$dir/$name";
    for my $path ('VERSION', @paths, 'hw/misc/edu.c') {
        make_path(dirname("$tree/$path"));
        next unless -e "$source/$path";
        system('cp', '-p', "$source/$path", "$tree/$path") == 0 or die;
    }
    return $tree;
}

sub same {
    my ($one, $other, $what) = @_;
    my ($status, $output) = run_command("diff -r '$one' '$other'");
    is $output, '', $what;
}

my $before = make_tree('before');
my $tree = make_tree('tree');
($status) = run_command("$integrate '$tree'");
is $status, 0, 'it puts the device in';
($status, my $again) = run_command("$integrate '$tree'");
like $again, qr/: 0 files changed/, 'a second time changes nothing';
for my $path (@new) {
    ok -e "$tree/$path", "$path is there";
}

my $patched = make_tree('patched');
open my $file, '>', "$dir/patch" or die;
print $file $patch;
close $file;
($status, my $output) = run_command("patch -d '$patched' -p1 --fuzz=0 <$dir/patch");
is $status, 0, 'the patch applies' or diag $output;
same($tree, $patched, 'and does what the script does');

($status) = run_command("$integrate --reverse '$tree'");
is $status, 0, 'it takes the device out';
same($before, $tree, 'without a trace');
($status, $again) = run_command("$integrate --reverse '$tree'");
like $again, qr/: 0 files changed/, 'a second time changes nothing';

# Trees that are refused: no QEMU, a version in between, a place that is gone
sub refused {
    my ($tree, $pattern, $what) = @_;
    run_command("rm -rf $dir/copy; cp -r '$tree' $dir/copy");
    my ($status, $output) = run_command("$integrate '$tree'");
    is $status, 1, "$what: exit status";
    like $output, qr/\Aintegrate: [^\n]*$pattern[^\n]*\n\z/, "$what: one line";
    same("$dir/copy", $tree, "$what: nothing is changed");
}

mkdir "$dir/empty";
refused("$dir/empty", qr/is no QEMU source tree/, 'an empty folder');
my $between = make_tree('between');
run_command("echo 6.1.0 >'$between/VERSION'");
refused($between, qr/QEMU 6\.1\.0 is not known: take 4\.2, 7\.2/, 'a version in between');
my $odd = make_tree('odd');
my ($place) = grep { -e "$odd/$_" && m{^(?:meson\.build|Makefile)$} } @paths;
run_command("echo nothing >'$odd/$place'");
refused($odd, qr/\Q$place\E has no line like/, 'a tree without the place');
unlink "$odd/$place";
refused($odd, qr/has no \Q$place\E/, 'a tree without the file');
for my $arguments ('', "--unknown $tree", '--patch', "$tree $tree") {
    ($status, $output) = run_command("$integrate $arguments");
    is $status, 2, "usage: '$arguments'";
    like $output, qr/\Ausage: integrate /, 'usage is shown';
}

done_testing;
