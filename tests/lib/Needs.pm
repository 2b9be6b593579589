# SPDX-License-Identifier: GPL-2.0-or-later
#
# A test names the make targets that it needs in a line "# Needs: TARGET...". "make
# check" builds them. If they are missing, check() fails the test once and prints the
# make command to run:
#
#   Needs::check($test, $build);    the test's file, the build directory
package Needs;

use strict;
use warnings;

# target => a file that exists once the target has been built
my %made = (
    'setup-test' => '/usr/bin/gcc',
    'setup-demo' => '/usr/bin/qemu-system-x86_64',
    'setup-device' => '/usr/bin/qemu-system-x86_64',
    'setup-probe' => '/usr/bin/strace',
    'setup-completion' => '/usr/bin/zsh',
    'setup-snapshots' => '/usr/bin/qemu-img',
    'setup-libvirt' => '/usr/sbin/libvirtd',
    'setup-chroot' => '/usr/bin/mmdebstrap',
    'setup-deb' => '/usr/bin/lintian',
    'setup-bench' => '/usr/bin/gnuplot',
    'setup-mediator' => '/usr/include/ini.h',
    'setup-packaging' => '/usr/bin/rpmbuild',
    'setup-valgrind' => '/usr/bin/valgrind',
    'setup-status' => '/usr/lib/python3/dist-packages/prometheus_client',
    tools => 'BUILD/tools/vgpu-probe',
    device => 'BUILD/device/qemu-vgpu-stub',
    mediator => 'BUILD/mediator/vgpu-mediator',
    guest => 'BUILD/guest/initramfs',
    qemu => 'QEMU/qemu-system-x86_64', # QEMU_BUILD, if that is set
    'clang-kernel' => 'BUILD/clang-kernel/release',
    'debian-vm' => 'BUILD/debian-vm/disk',
);

# The targets that a test needs; none if the file is not a test
sub targets {
    my ($test) = @_;
    open my $file, '<', $test or return;
    while (<$file>) {
        return split ' ', $1 if /^# Needs: (.*)/;
    }
    die "$test has no line '# Needs: TARGET...'; add one (see CONTRIBUTING.md)\n" if $test =~ /\.t$/;
    return;
}

sub check {
    my ($test, $build) = @_;
    my @targets = targets($test);
    for my $target (@targets) {
        my $path = $made{$target} // die "$test needs the unknown target $target; add it to Needs.pm\n";
        $path =~ s/^BUILD/$build/;
        $path =~ s{^QEMU}{$ENV{QEMU_BUILD} // "$build/qemu-7.2"}e;
        next if -e $path;
        print "1..1\nnot ok 1 - runs\n";
        print STDERR "# $test needs $path: run 'make @targets'\n";
        exit 1;
    }
    return;
}

1;
