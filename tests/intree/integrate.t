#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# qemu-device/integrate on the files of a real QEMU source: it adds the device once,
# updates what an earlier version added, removes everything, and prints the same
# change as a patch. It does not overwrite local changes, and leaves a tree that it
# refuses unchanged.
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

my $top = top_dir();
my $integrate = "$top/qemu-device/integrate";
my $source = $ENV{QEMU_SOURCE} // qx('$top/tests/setup/qemu-source');
chomp $source;
my $dir = tempdir(CLEANUP => 1);
my $device = 'hw/misc/vgpu-stub.c';
my $record = 'hw/misc/vgpu-stub.sha256';

sub run_command {
    my ($command) = @_;
    my $output = qx($command 2>&1);
    return ($? >> 8, $output);
}

sub run_well {
    my ($command, $what) = @_;
    my ($status, $output) = run_command($command);
    is $status, 0, $what or diag $output;
    return $output;
}

sub contents {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    local $/;
    return <$file>;
}

sub append {
    my ($path, $text) = @_;
    open my $file, '>>', $path or die "$path: $!";
    print $file $text;
    close $file or die "$path: $!";
    return;
}

sub same {
    my ($one, $other, $what) = @_;
    my (undef, $output) = run_command("diff -r --no-dereference '$one' '$other'");
    is $output, '', $what;
    return;
}

# Whether this QEMU predates meson, which changes where the files go
my $old = -e "$source/hw/misc/Makefile.objs";

sub device_files {
    my $own = "$top/qemu-device";
    my @tests = glob "$own/tests/qtest/*.c" . ($old ? '' : " $own/tests/qtest/fuzz/*.[ch]");
    my @files = map { s{^\Q$own\E/}{}r } glob("$own/hw/misc/*.[ch] $own/docs/specs/*.rst"), @tests;
    @files = map { s{^tests/qtest/}{tests/}r } @files if $old;
    push @files, map { s{.*/}{hw/misc/}r } glob "$top/include/*.h";
    my @sorted = sort @files;
    return @sorted;
}

my @build_files = $old
    ? qw(Makefile configure hw/misc/Makefile.objs tests/Makefile.include)
    : qw(hw/misc/meson.build meson.build meson_options.txt scripts/meson-buildoptions.sh
         tests/qtest/fuzz/meson.build tests/qtest/meson.build);
my $patch = run_well("$integrate --patch '$source'", '--patch');
my @paths = $patch =~ m{^\+\+\+ b/(\S+)$}mg;
my @new = $patch =~ m{^--- /dev/null\n\+\+\+ b/(\S+)$}mg;
is_deeply [sort @new], [device_files()], 'the patch adds every file of the device';
my %is_new = map { $_ => 1 } @new;
is_deeply [sort grep { !$is_new{$_} } @paths],
    [sort qw(Kconfig.host docs/specs/index.rst hw/misc/Kconfig hw/misc/trace-events), @build_files],
    'and changes these';

# A tree with only VERSION and the files that the patch touches
sub make_tree {
    my ($name) = @_;
    my $tree = "$dir/$name";
    run_command("rm -rf '$tree'");
    for my $path ('VERSION', @paths) {
        make_path(dirname("$tree/$path"));
        next unless -e "$source/$path";
        system('cp', '-p', "$source/$path", "$tree/$path") == 0 or die;
    }
    return $tree;
}

my $pristine = make_tree('pristine');
my $added = make_tree('added');

subtest 'add and remove' => sub {
    run_well("$integrate '$added'", 'the device is added');
    ok -e "$added/$_", "$_ exists" for @new;
    for my $path (glob "$top/include/*.h $top/qemu-device/hw/misc/*.[ch]") {
        my $name = $path =~ s{.*/}{}r;
        is contents("$added/hw/misc/$name"), contents($path), "$name is complete";
    }
    run_well("cd '$added' && sha256sum --check --strict $record", 'the checksums are right');
    like run_well("$integrate '$added'", 'again'), qr/: 0 files changed/, 'nothing changes';
    my $tree = make_tree('removed');
    run_well("$integrate '$tree'", 'added');
    run_well("$integrate --reverse '$tree'", 'removed');
    same($pristine, $tree, 'nothing is left');
    is(-x "$tree/$_", -x "$pristine/$_", "the mode of $_")
        for grep { -e "$pristine/$_" } 'configure', 'scripts/meson-buildoptions.sh';
    like run_well("$integrate --reverse '$tree'", 'removed again'), qr/: 0 files changed/,
        'nothing changes';
};

subtest 'patch' => sub {
    my $tree = make_tree('patched');
    append("$dir/patch", $patch);
    run_well("cd '$tree' && git apply --check '$dir/patch'", 'git takes the patch');
    run_well("patch -d '$tree' -p1 --fuzz=0 <'$dir/patch'", 'the patch applies');
    run_well("cp '$added/$record' '$tree/$record'", 'the checksums, which the patch leaves out');
    same($added, $tree, 'the patch does what the script does');
};

# An earlier version of ours: different lines, different contents, one more file
my $earlier = "$dir/earlier";
run_well("mkdir '$earlier' && cp -r '$top/include' '$top/qemu-device' '$top/host-mediator' '$top/engine' '$earlier'", 'a copy');
append("$earlier/qemu-device/$_", "/* earlier */\n") for $device, 'tests/qtest/vgpu-stub-test.c';
append("$earlier/qemu-device/hw/misc/trace-events", qq(vgpu_stub_earlier(void) ""\n));
append("$earlier/qemu-device/hw/misc/vgpu-stub-earlier.c", "/* gone */\n");
run_well("sed -i 's/accelerator stub device/earlier stub/' $earlier/qemu-device/integrate_edits.py",
    'a different text in --help');

subtest 'update' => sub {
    my $tree = make_tree('updated');
    run_well("$earlier/qemu-device/integrate '$tree'", 'an earlier version is added');
    like contents("$tree/hw/misc/trace-events"), qr/^vgpu_stub_earlier/m, 'with lines of its own';
    run_well("$integrate '$tree'", 'updated');
    same($added, $tree, 'nothing of the earlier version is left');

    # the first version did this when it updated a tree
    my $events = "$tree/hw/misc/trace-events";
    my ($block) = contents($events) =~ /(\n# vgpu-stub\.c\n(?:vgpu.*\n)+)/;
    append($events, $block);
    run_well("$integrate '$tree'", 'a tree with duplicate trace events');
    same($added, $tree, 'the duplicates are gone');
};

subtest 'remove an earlier version' => sub {
    my $tree = make_tree('old');
    run_well("$earlier/qemu-device/integrate '$tree'", 'an earlier version is added');
    run_well("$integrate --reverse '$tree'", 'removed');
    same($pristine, $tree, 'nothing is left');
};

# Refused with a one-line reason, and the tree is unchanged
sub refused {
    my ($tree, $pattern, $what, $options) = @_;
    $options //= '';
    run_command("rm -rf $dir/copy; cp -a '$tree' $dir/copy");
    my ($status, $output) = run_command("$integrate $options '$tree'");
    is $status, 1, "$what: exit status";
    like $output, qr/\Aintegrate: cannot change \Q$tree\E: [^\n]*$pattern[^\n]*\n\z/,
        "$what: one line";
    same("$dir/copy", $tree, "$what: nothing is changed");
    return;
}

# Before the first version that recorded checksums, at commit dec2489
subtest 'without checksums' => sub {
    my $tree = make_tree('unrecorded');
    run_well("$integrate '$tree' && rm '$tree/$record'", 'added, the checksums removed');
    run_well("$integrate '$tree'", 'unmodified files are recognized');
    same($added, $tree, 'and recorded');
    append("$tree/$device", "/* mine */\n");
    unlink "$tree/$record";
    refused($tree, qr/\Q$device\E/, 'a modified file');
    my ($status) = run_command("git -C '$top' cat-file -e dec2489");
    return note('no git history here') if $status;
    make_path("$dir/first");
    run_well("git -C '$top' archive dec2489 qemu-device include | tar x -C '$dir/first'",
        'the first version');
    for my $options ('', '--reverse') {
        $tree = make_tree('first-tree');
        run_well("$dir/first/qemu-device/integrate '$tree'", 'the first version adds the device');
        run_well("$integrate $options '$tree'", "then integrate $options");
        same($options ? $pristine : $added, $tree, 'nothing of the first version is left');
    }
};

subtest 'local changes' => sub {
    for my $path (@new) {
        my $tree = make_tree('edited');
        run_well("$integrate '$tree'", 'added');
        append("$tree/$path", "/* mine */\n");
        refused($tree, qr/\Q$path\E: modified since integrate added it; .*--force/, "$path, $_", $_)
            for '', '--reverse', '--patch';
        run_well("$integrate --force '$tree'", '--force');
        same($added, $tree, 'overwrites it');
        append("$tree/$path", "/* mine */\n");
        run_well("$integrate --reverse --force '$tree'", '--reverse --force');
        same($pristine, $tree, 'removes it');
    }
    my $tree = make_tree('linked');
    symlink 'nowhere', "$tree/$device" or die;
    refused($tree, qr/\Q$device\E/, 'a symbolic link');
    run_well("$integrate --force '$tree'", '--force');
    same($added, $tree, 'replaces it');
};

my ($build_file) = grep { -e "$pristine/$_" } 'meson.build', 'Makefile';
subtest 'bytes that are not UTF-8' => sub {
    my $tree = make_tree('latin-1');
    my $other = make_tree('latin-1-before');
    append("$_/$build_file", "# caf\xe9\r\n\x0c\n") for $tree, $other;
    run_well("$integrate --patch '$tree' >$dir/latin-1.patch", 'a patch');
    run_well("$integrate '$tree'", 'added');
    like contents("$tree/$build_file"), qr/# caf\xe9\r\n\x0c\n\z/, 'they are kept';
    run_well("cd '$other' && git apply '$dir/latin-1.patch'", 'the patch applies');
    is contents("$other/$build_file"), contents("$tree/$build_file"), 'and does the same';
    run_well("$integrate --reverse '$tree'", 'removed');
    run_well("$integrate --reverse --force '$other'", 'removed');
    same($other, $tree, 'they are still kept');
};

subtest 'refusals' => sub {
    mkdir "$dir/empty";
    refused("$dir/empty", qr/not a QEMU source tree/, 'an empty directory');
    my $between = make_tree('between');
    run_command("echo 6.1.0 >'$between/VERSION'");
    refused($between, qr/QEMU 6\.1\.0 is not supported; use 4\.2, 7\.2 or later/, 'QEMU 6.1');

    my $odd = make_tree('odd');
    run_command("echo nothing >'$odd/$build_file'");
    refused($odd, qr/\Q$build_file\E has no line that starts with '.+'/, 'no line to insert after');
    unlink "$odd/$build_file";
    refused($odd, qr/\Q$build_file\E: No such file/, 'a file is missing');
    mkdir "$odd/$build_file";
    refused($odd, qr/\Q$build_file\E: Is a directory/, 'a directory in its place');

    my $cut = make_tree('cut');
    append("$cut/hw/misc/Kconfig", '# no newline');
    refused($cut, qr{hw/misc/Kconfig does not end with a newline}, 'no newline at the end');
    my $set = make_tree('set');
    my ($makefile) = map { "hw/misc/$_" } grep { -e "$set/hw/misc/$_" } 'meson.build', 'Makefile.objs';
    run_command("sed -i /CONFIG_EDU/d '$set/$makefile'");
    refused($set, qr/\Q$makefile\E/, 'no source set for devices');

    my $full = make_tree('full');
    run_command("cp -a '$full' '$dir/copy-of-full'");
    my ($status, $output) = run_command("ulimit -f 8; $integrate '$full'");
    is $status, 1, 'a file that cannot be written: exit status';
    like $output, qr/\Aintegrate: cannot change [^\n]*: File too large\n\z/, 'one line';
    same("$dir/copy-of-full", $full, 'nothing is changed');
};

subtest 'usage' => sub {
    for my $arguments ('', "--unknown $added", '--patch', "$added $added",
        "--patch --reverse $added") {
        my ($status, $output) = run_command("$integrate $arguments");
        is $status, 2, "usage: '$arguments'";
        like $output, qr/\Ausage: integrate /, 'usage is shown';
    }
};

done_testing;
