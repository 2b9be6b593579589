#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Build the driver for other architectures, including 32-bit and big-endian ones, with
# Debian's cross compilers and headers: no warnings from gcc with W=1 nor from sparse,
# which checks endianness.
#
# Needs: setup-chroot
# Slow: downloads cross compilers and kernel headers
use strict;
use warnings;
use Test::More;
use Chroot;
use Contract;

my $setup = top_dir() . '/tests/setup';
chomp(my $cache = qx($setup/cache-dir));

# root file system, row of tests/setup/kernels with the common headers and the build
# tools, Debian architecture, kernel flavour, ARCH=, CROSS_COMPILE=
my @targets = (
    ['bookworm-cross', 'bookworm-6.1-older', 'amd64', 'cloud-amd64', 'x86', ''],
    ['bookworm-cross', 'bookworm-6.1-older', 'i386', '686', 'i386', ''],
    ['bookworm-cross', 'bookworm-6.1-older', 'arm64', 'arm64', 'arm64', 'aarch64-linux-gnu-'],
    ['bookworm-cross', 'bookworm-6.1-older', 's390x', 's390x', 's390', 's390x-linux-gnu-'],
    ['sid-cross', 'sid-7.2-cloud', 'riscv64', 'riscv64', 'riscv', 'riscv64-linux-gnu-'],
);

sub row {
    my ($name) = @_;
    open my $file, '<', "$setup/kernels" or die "kernels: $!";
    my ($row) = grep { /^\Q$name\E / } <$file>;
    my (undef, $suite, undef, undef, $flavour, undef, $release, $version) = split ' ', $row;
    return ($suite, $release =~ s/\Q$flavour\E$//r, $version);
}

# Unpack a package of another architecture; return the directory
sub foreign_headers {
    my ($suite, $architecture, $package, $version) = @_;
    my $dir = "$cache/headers/$version/$package";
    return $dir if -d $dir;
    my $apt = "'$setup/apt-private' --suite $suite --arch $architecture";
    # while a mirror is being updated, "update" may fail and still get enough indices
    system("mkdir -p '$dir.part' && cd '$dir.part' && { $apt update >/dev/null 2>&1;"
        . " $apt download $package=$version >&2; } && dpkg-deb -x ./*.deb . && rm ./*.deb") == 0
        or die "cannot download $package $version for $architecture";
    if (-d "$dir.part/lib") {
        system("mkdir -p '$dir.part/usr' && mv '$dir.part/lib' '$dir.part/usr'") == 0 or die;
    }
    rename "$dir.part", $dir or die "$dir: $!";
    return $dir;
}

for my $target (@targets) {
    my ($root, $kernel, $architecture, $flavour, $arch, $prefix) = @$target;
    my ($suite, $base, $version) = row($kernel);
    chomp(my $native = qx('$setup/kernel' $kernel));
    die "cannot download the kernel $kernel" if $?;
    my $package = "linux-headers-$base$flavour";
    my $foreign = foreign_headers($suite, $architecture, $package, $version);
    my $chroot = Chroot->new($root, $foreign, "$native/layer");
    # Debian's headers of 7.x lack the script that detects sparse
    my $checker = "/usr/src/linux-headers-${base}common/scripts/checker-valid.sh";
    my ($status, $output) = $chroot->run("test -e $checker || {"
        . " echo '#!/bin/sh' >$checker; echo 'echo 1' >>$checker; chmod +x $checker; };"
        . 'cp -r /mnt/src/dkms.conf /mnt/src/guest-driver /mnt/src/include /tmp;'
        . " make -C /usr/src/$package M=/tmp/guest-driver ARCH=$arch CROSS_COMPILE=$prefix"
        . " CC=${prefix}gcc W=1 C=1 CF='-Wsparse-all -Wno-sizeof-bool -Wno-shadow' KCFLAGS=-Werror modules 2>&1");
    is $status, 0, "$architecture: the driver builds" or diag $output;
    my @warnings = grep { m{(?:guest-driver|include)/[^ ]*: (?:warning|error)} && !m{/usr/src/} } split /\n/, $output;
    is "@warnings", '', "$architecture: no warnings from gcc and sparse";
    like $output, qr/CHECK/, "$architecture: sparse ran";
}

done_testing;
