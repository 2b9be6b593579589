#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Programs that use libvgpu-stub in a booted guest, where the library is installed: the
# README's, those of the manual pages, the one in Python, and one that tests the library.
#
# Needs: setup-demo setup-probe guest
use strict;
use warnings;
use File::Path 'make_path';
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Files;
use Guest;
use Library;
use Vm;

my $root = tempdir(CLEANUP => 1);
my $guest = build_dir() . '/guests/library';
my $warnings = '-Wall -Wextra -Werror -O2';

# As the README says, with warnings as errors; the library is installed below $root
sub compile_as_documented {
    my ($file, $out, $options) = @_;
    my ($command) = read_file(top_dir() . '/README.md') =~ /^ {4}(cc program\.c .*)$/m;
    is $command, 'cc program.c $(pkg-config --cflags --libs libvgpu-stub)', 'the README says how to compile it';
    $command =~ s/program\.c/$file -o $out $options/;
    local @ENV{qw(PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH)} = ($root, "$root/usr/lib/pkgconfig");
    is system($command), 0, "$file: is compiled";
    return;
}

# A program and the modules that it uses are copied to the guest
sub add_python {
    my ($python) = grep { -x } '/usr/bin/python3';
    my @files = split /\n/, qx($python -c 'import ctypes, os, sys
print(os.path.realpath(sys.executable), os.__file__, sep="\\n")
for module in list(sys.modules.values()):
    if getattr(module, "__file__", None):
        print(module.__file__)');
    is $?, 0, 'the modules of Python';
    for my $file (@files) {
        make_path($root . $file =~ s{/[^/]+$}{}r);
        system('cp', $file, "$root$file") == 0 or die "cannot copy $file";
    }
    symlink $files[0], "$root$python";
    return;
}

my %examples = (readme => code_block('README.md', '#include <stdio.h>'), examples());
my $python = code_block('docs/library.md', 'import ctypes');
cmp_ok scalar(split /\n/, $examples{readme}), '<=', 35, q{the README's program has about thirty lines};
install_library($root);
make_path("$root/programs");
for my $name (sort keys %examples) {
    compile_as_documented(write_file("$root/programs/$name.c", $examples{$name}), "$root/programs/$name", $warnings);
}
compile_as_documented(top_dir() . '/tests/guest/library.c', "$root/programs/test", "$warnings -pthread");
write_file("$root/programs/example.py", $python);
add_python();
is system(top_dir() . '/tests/guest/add-programs', $guest, $root), 0, 'the programs are added to the guest';

my %prints = (
    readme => 'copied by the device, and verified',
    'libvgpu-stub' => '0x102030405060708',
    vgpu_stub_open => 'interface 1.1, up to 256 commands in flight',
    vgpu_stub_alloc => 'copied by the device',
    # of RFC 3720, and of 4096 zeros
    vgpu_stub_copy => "32 zeros: 8a9136aa\n4096 zeros: 98f94189",
    vgpu_stub_submit => '8 of 8 commands have ended',
);
local $ENV{GUEST} = $guest;
my $vm = Vm->new('-machine', 'q35', '-device', 'vgpu-stub,queues=1');
is_deeply [sort keys %prints], [sort keys %examples], 'what each program has to print is known';
for my $name (sort keys %prints) {
    my ($status, @lines) = $vm->run("/programs/$name");
    is_deeply [$status, join "\n", @lines], [0, $prints{$name}], "$name: is run";
}
is_deeply [$vm->run('python3 /programs/example.py')], [0, 'status 0, CRC32C e3069283'], 'the program in Python: is run';

my ($status, @lines) = $vm->run('timeout 60 /programs/test');
is $status, 0, 'the test of the library ends' or diag $lines[-1];
my @bad = grep { /^not ok|^Bail/ } @lines;
is_deeply \@bad, [], 'every check of it passes' or diag join "\n", @lines;
is $lines[-1], '1..' . grep({ /^(?:not )?ok / } @lines), 'its plan holds';

# Without the device, each program ends with an error
my ($device) = map { m{([0-9a-f:.]+)$} } ($vm->run('ls -d /sys/bus/pci/drivers/vgpu_stub/0*'))[1];
$vm->run("echo 1 >/sys/bus/pci/devices/$device/remove");
for my $name (sort keys %prints) {
    is +($vm->run("/programs/$name"))[0], 1, "$name: ends with 1 without a device";
}
my ($python_status, @python_lines) = $vm->run('python3 /programs/example.py');
is_deeply [$python_status, $python_lines[-1]], [1, 'FileNotFoundError: [Errno 2] No such file or directory'],
    'so does the one in Python';
$vm->end->good;

done_testing;
