#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The preloaded device: the wrapper qemu-vgpu-stub, and loading the device where it
# does not fit: another version or configuration of QEMU, a QEMU without symbols, the
# device loaded twice, programs other than QEMU. QEMU must exit with one clear line;
# other programs must run unchanged.
#
# Needs: setup-device device
use strict;
use warnings;
use Cwd 'abs_path';
use File::Copy 'cp';
use File::Path 'make_path';
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Files;

my $top = abs_path(top_dir());
my $device = abs_path(build_dir()) . '/device';
my $library = 'vgpu-stub-preload.so';
my $build = "$top/qemu-device/preload/build";
my $source = `'$top/tests/setup/qemu-source' 2>/dev/null`;
chomp $source;
my $dir = abs_path(tempdir(CLEANUP => 1));
my ($version) = `qemu-system-x86_64 --version` =~ /^QEMU emulator version (.*)/;

# Standard output and error together, and the exit status
sub run_command {
    my ($command) = @_;
    open my $out, '-|', 'timeout', '120', 'sh', '-c', "{ $command; } 2>&1 </dev/null" or die "timeout: $!";
    my $output = do { local $/; <$out> } // '';
    close $out;
    return ($output, $? & 127 ? "signal $?" : $? >> 8);
}

sub one_line {
    my ($output, $pattern, $what) = @_;
    like substr($output, 0, 1000), qr/\A[^\n]*$pattern[^\n]*\n\z/, "$what: a one-line error";
    return;
}

sub refused {
    my ($command, $pattern, $what) = @_;
    my ($output, $status) = run_command($command);
    one_line($output, $pattern, $what);
    is $status, 1, "$what: exit status";
    return;
}

# The command starts a QEMU with the device, and prints nothing else
sub has_device {
    my ($command, $what) = @_;
    my ($output, $status) = run_command("$command -device vgpu-stub,help");
    is $status, 0, "$what: exit status";
    like $output, qr/\Avgpu-stub options:\n(?:  [^\n]*\n)+\z/, "$what: QEMU has the device";
    return;
}

sub compile_library {
    my ($out, @arguments) = @_;
    system('gcc', '-shared', '-fPIC', '-o', $out, @arguments) == 0 or die "cannot build $out";
    return;
}

# A copy of the wrapper and its libraries
sub copy_device {
    my ($to, @names) = @_;
    make_path($to);
    @names = ('qemu-vgpu-stub', $library, 'vgpu-stub.so') unless @names;
    cp("$device/$_", "$to/$_") or die "$to/$_: $!" for @names;
    return $to;
}

sub test_right_qemu {
    my ($output, $status) = run_command("$device/qemu-vgpu-stub -device help");
    like $output, qr/^name "vgpu-stub", bus PCI, desc "[^"]+"/m, '-device help lists the device';
    is $status, 0, '-device help: exit status';
    ($output) = run_command('qemu-system-x86_64 -device help');
    unlike $output, qr/vgpu-stub/, 'without preloading, QEMU does not have the device';
    ($output) = run_command("$device/qemu-vgpu-stub -trace help");
    like $output, qr/^vgpu_stub_mmio_read$/m, '-trace help lists its events';
    return;
}

# The wrapper finds its library however it is started
sub test_wrapper_path {
    make_path("$dir/bin", "$dir/other");
    symlink "$device/qemu-vgpu-stub", "$dir/bin/qemu-vgpu-stub" or die;
    symlink '../bin/qemu-vgpu-stub', "$dir/other/vgpu" or die;
    has_device("$dir/bin/qemu-vgpu-stub", 'a symbolic link');
    has_device("$dir/other/vgpu", 'a relative link to a link, with another name');
    has_device("cd $dir/other; ./vgpu", 'a relative path');
    has_device("cd $device/..; device/qemu-vgpu-stub", 'a relative path to the wrapper itself');
    has_device("cd $device; sh qemu-vgpu-stub", 'run by sh');
    has_device("cd /; PATH=$dir/bin:\$PATH; qemu-vgpu-stub", 'found in PATH');
    has_device("cd $dir; CDPATH=$device; export CDPATH; bin/qemu-vgpu-stub", 'with CDPATH set');
    my $copy = copy_device("$dir/moved");
    has_device("$copy/qemu-vgpu-stub", 'a copy of the directory');

    for my $name ('my directory', 'a:b') {
        my $bad = copy_device("$dir/$name");
        refused("'$bad/qemu-vgpu-stub' -device help",
            qr{cannot preload \Q$bad/$library\E: .*space or a colon; move its directory}, "in '$name'");
        symlink "$bad/qemu-vgpu-stub", "$dir/bin/bad-$name" or die;
        refused("'$dir/bin/bad-$name' -device help", qr/space or a colon/, "a link to '$name'");
    }
    my $alone = copy_device("$dir/wrapper", 'qemu-vgpu-stub');
    refused("$alone/qemu-vgpu-stub -device help",
        qr{\Q$alone/$library\E is missing: .*run 'make device'}, 'a copy of the wrapper alone');
    return;
}

sub test_wrapper_environment {
    refused("QEMU=/nonexistent/qemu $device/qemu-vgpu-stub -device help",
        qr{cannot find the emulator '/nonexistent/qemu'; .*set QEMU to}, 'no emulator');
    my ($output) = run_command("QEMU=/usr/bin/printf $device/qemu-vgpu-stub '[%s]' 'a b' '' '*'");
    is $output, '[a b][][*]', 'arguments are passed on unchanged';

    # the user's own libraries stay first; each prints a line when it is loaded
    write_file("$dir/own.c", <<'C');
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static void __attribute__((constructor)) own(void)
{
    if (!strcmp(program_invocation_short_name, "qemu-system-x86_64"))
        fprintf(stderr, "own in %s\n", getenv("LD_PRELOAD"));
}
C
    compile_library("$dir/own$_.so", "$dir/own.c") for 1, 2;
    for my $own ("$dir/own1.so", "$dir/own1.so $dir/own2.so") {
        my ($said) = run_command("LD_PRELOAD='$own' $device/qemu-vgpu-stub -device vgpu-stub,help");
        my $count = () = $own =~ /own\d/g;
        like $said, qr{\A(?:own in \Q$own:$device/$library\E\n){$count}vgpu-stub options:\n},
            "the user's LD_PRELOAD is kept, libraries: $count";
    }
    return;
}

# The same path twice in LD_PRELOAD loads the library once. Refused are two copies,
# and a device that is already registered, as in a QEMU that was built with it.
sub test_twice {
    has_device("LD_PRELOAD=$device/$library $device/qemu-vgpu-stub", 'named twice');
    my $copy = copy_device("$dir/copy");
    refused("LD_PRELOAD=$copy/$library $device/qemu-vgpu-stub -device help",
        qr{QEMU already has the device, .*; remove \S*/\Q$library\E from LD_PRELOAD}, 'two copies');
    refused("env LD_PRELOAD=$copy/vgpu-stub.so:$device/$library qemu-system-x86_64 -device help",
        qr{QEMU already has the device, built in or .*; remove \Q$device/$library\E from LD_PRELOAD},
        'a QEMU that has the device');
    return;
}

# The device was built before QEMU was upgraded
sub test_other_version {
    my $old = '7.2.1 (Debian 1:7.2+dfsg-1)';
    my $at = copy_device("$dir/old", 'vgpu-stub.so');
    compile_library("$at/$library", "-DVGPU_BUILT_FOR=\"$old\"", "$top/qemu-device/preload/preload.c");
    refused("LD_PRELOAD=$at/$library qemu-system-x86_64 -device help",
        qr/built for QEMU \Q$old\E, but this is QEMU \Q$version\E; run 'make device'/,
        'another version');
    return;
}

sub test_missing_device {
    my $alone = copy_device("$dir/alone", $library);
    refused("LD_PRELOAD=$alone/$library qemu-system-x86_64 -device help",
        qr/cannot load the device built for QEMU \Q$version\E: .*; run 'make device'/,
        'no device next to it');
    return;
}

# PCIDevice has another layout
sub test_other_configuration {
    make_path("$dir/config");
    run_command("grep -v 'CONFIG_INT128 ' $device/gen/config-host.h >$dir/config/config-host.h");
    my ($output, $status) = run_command("CPPFLAGS=-I$dir/config $build '$source' $dir/small");
    is $status, 0, 'a device without CONFIG_INT128 is built' or diag $output;
    refused("$dir/small/qemu-vgpu-stub -device help",
        qr{different configurations: '\S+' of a PCI device is at offset \d+ in QEMU, }
        . qr{but at \d+ in the device; .*docs/in-tree\.md}, 'another configuration');
    return;
}

sub test_no_symbols {
    cp('/bin/true', "$dir/qemu-system-x86_64") or die;
    chmod 0755, "$dir/qemu-system-x86_64";
    refused("QEMU=$dir/qemu-system-x86_64 $device/qemu-vgpu-stub",
        qr{cannot be loaded into this qemu-system-x86_64, which exports no PCI functions.*docs/in-tree\.md},
        'a QEMU without symbols');
    return;
}

# QEMU's tools export the version query but have no PCI
sub test_other_programs {
    my @programs = ('/bin/echo', 'qemu-img --version', 'qemu-storage-daemon --version');
    for my $program (@programs) {
        my @plain = run_command($program);
        is_deeply [run_command("LD_PRELOAD=$device/$library $program")], \@plain,
            "$program runs unchanged";
    }
    my ($plain) = run_command('qemu-storage-daemon --version');
    run_command("$device/qemu-vgpu-stub -display none -nodefaults"
        . " -incoming 'exec:{ echo \"\$LD_PRELOAD\"; qemu-storage-daemon --version; } >$dir/child 2>&1; cat $dir/child'");
    my ($child) = run_command("cat $dir/child");
    is $child, "$device/$library\n$plain", 'a child of QEMU inherits it and runs unchanged';
    return;
}

sub test_build {
    my ($output, $status) = run_command("$build '$source' $dir/built");
    is $output, "built $dir/built/qemu-vgpu-stub for qemu-system-x86_64 $version\n",
        'one line says what was built';
    ($output, $status) = run_command("$build '$source' $dir/built");
    is $output, "$dir/built/qemu-vgpu-stub is up to date for qemu-system-x86_64 $version\n",
        'and what is already up to date';
    my $built = qr/\Abuilt /;
    my $extra = write_file("$dir/extra.c", "extern int vgpu_extra;\nint vgpu_extra;\n");
    my $extended = "EXTRA_SOURCES=$extra $build";
    like +(run_command("$extended '$source' $dir/built"))[0], $built, 'another source: built again';
    write_file($extra, "extern int vgpu_extra;\nint vgpu_extra = 1;\n");
    like +(run_command("$extended '$source' $dir/built"))[0], $built, 'a changed source: built again';
    like +(run_command("CPPFLAGS=-DVGPU_EXTRA $extended '$source' $dir/built"))[0], $built,
        'other flags: built again';

    refused("$build /nonexistent $dir/out", qr/is not a QEMU source tree/, 'no source');
    refused("QEMU=/nonexistent/qemu $build '$source' $dir/out",
        qr{cannot find the emulator '/nonexistent/qemu'; .*set QEMU to}, 'no emulator');
    make_path("$dir/source");
    write_file("$dir/source/VERSION", "9.2.0\n");
    refused("$build $dir/source $dir/out", qr/QEMU 9\.2\.0, but qemu-system-x86_64 is \Q$version\E/,
        'source of another release');
    write_file("$dir/newer", "#!/bin/sh\necho 'QEMU emulator version 9.2.0 (v9.2.0)'\n");
    chmod 0755, "$dir/newer";
    refused("QEMU=$dir/newer $build $dir/source $dir/out",
        qr{into QEMU 7\.2 and 10\.0 \(Debian 12 and 13\), but \S+ is 9\.2\.0; .*docs/in-tree\.md},
        'an unsupported release');
    return;
}

# A symbol that QEMU has too would replace the device's, or be replaced
sub test_exports {
    my @symbols = map { (split)[-1] } qx(nm -D --defined-only '$device/vgpu-stub.so');
    ok scalar(grep { $_ eq '_TRACE_VGPU_STUB_MMIO_READ_DSTATE' } @symbols), 'the library is recognized by a symbol';
    is join(' ', grep { !/^_TRACE_VGPU_STUB_/ } @symbols), '', '... and exports nothing else';
    return;
}

subtest 'the matching QEMU' => \&test_right_qemu;
subtest 'exported symbols' => \&test_exports;
subtest 'the path of the wrapper' => \&test_wrapper_path;
subtest 'the environment of the wrapper' => \&test_wrapper_environment;
subtest 'loaded twice' => \&test_twice;
subtest 'another version' => \&test_other_version;
subtest 'no device' => \&test_missing_device;
subtest 'another configuration' => \&test_other_configuration;
subtest 'no symbols' => \&test_no_symbols;
subtest 'other programs' => \&test_other_programs;
subtest 'building' => \&test_build;

done_testing;
