#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest-driver/headers-hint for kernels of Debian, Ubuntu, Fedora, openSUSE, Arch and
# derived systems, in a root file system with the os-release of each. apt-cache and
# dpkg-query are stand-ins; setup-failures.t runs the real ones.
#
# Needs: setup-chroot
# Slow: makes a root file system
use strict;
use warnings;
use Test::More;
use Contract;
use Chroot;

my %os_release = (
    Debian => 'ID=debian',
    Mint => "ID=linuxmint\nID_LIKE=\"ubuntu debian\"",
    Ubuntu => "ID=ubuntu\nID_LIKE=debian",
    Fedora => 'ID=fedora',
    Rocky => "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"",
    Leap => "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"",
    SLES => "ID=\"sles\"\nID_LIKE=\"suse\"",
    Arch => 'ID=arch',
    Manjaro => "ID=manjaro\nID_LIKE=arch",
    Alpine => 'ID=alpine',
);

# system | kernel | packages that apt knows, or the package named in pkgbase | commands.
# "=" before a package: it is also installed.
my @cases = grep { /\|/ && !/^#/ } map { s/^\s+|\s+$//gr } split /\n/, <<'END';
    Debian | 6.1.0-56-cloud-amd64       | linux-headers-6.1.0-56-cloud-amd64 | apt install linux-headers-6.1.0-56-cloud-amd64
    Debian | 6.12.117+deb13-amd64       | linux-headers-6.12.117+deb13-amd64 | apt install linux-headers-6.12.117+deb13-amd64
    Debian | 6.1.0-50-cloud-amd64       | linux-headers-cloud-amd64 | apt install linux-image-cloud-amd64 linux-headers-cloud-amd64
    Debian | 6.12.95+deb12-amd64        | linux-headers-amd64    | apt install linux-image-amd64 linux-headers-amd64
    Debian | 6.12.6-amd64               | linux-headers-amd64    | apt install linux-image-amd64 linux-headers-amd64
    Debian | 6.1.0-18-686-pae           | linux-headers-686-pae  | apt install linux-image-686-pae linux-headers-686-pae
    Debian | 6.12.95+deb12-686-pae      | linux-headers-686-pae  | apt install linux-image-686-pae linux-headers-686-pae
    Debian | 6.1.0-0.deb11.13-rt-amd64  | linux-headers-rt-amd64 | apt install linux-image-rt-amd64 linux-headers-rt-amd64
    Debian | 6.6.31+rpt-rpi-v8          | linux-headers-rpi-v8   | apt install linux-image-rpi-v8 linux-headers-rpi-v8
    Debian | 6.9.0-rc3+                 | linux-headers-amd64    |
    Debian | 6.8.12-4-pve               | linux-headers-amd64    |
    Ubuntu | 5.15.0-91-generic          | linux-headers-5.15.0-91-generic | apt install linux-headers-5.15.0-91-generic
    Ubuntu | 5.15.0-91-generic          | linux-headers-generic  | apt install linux-image-generic linux-headers-generic
    Ubuntu | 6.8.0-1012-aws             | linux-headers-aws      | apt install linux-image-aws linux-headers-aws
    Ubuntu | 6.8.0-40-generic           | linux-headers-generic linux-headers-generic-hwe-22.04 =linux-image-generic-hwe-22.04 | apt install linux-image-generic-hwe-22.04 linux-headers-generic-hwe-22.04
    Mint   | 6.8.0-38-generic           | linux-headers-6.8.0-38-generic  | apt install linux-headers-6.8.0-38-generic

    Fedora | 6.8.9-300.fc40.x86_64      | | dnf install kernel-devel-6.8.9-300.fc40.x86_64 ; dnf install kernel kernel-devel
    Fedora | 6.10.0-0.rc2.20240608gitdc772f8237f9.24.fc41.x86_64 | | dnf install kernel-devel-6.10.0-0.rc2.20240608gitdc772f8237f9.24.fc41.x86_64 ; dnf install kernel kernel-devel
    Fedora | 6.8.9-300.fc40.aarch64+debug | | dnf install kernel-debug-devel-6.8.9-300.fc40.aarch64 ; dnf install kernel-debug kernel-debug-devel
    Fedora | 6.9.0-mine+                | |
    Rocky  | 5.14.0-427.13.1.el9_4.x86_64 | | dnf install kernel-devel-5.14.0-427.13.1.el9_4.x86_64 ; dnf install kernel kernel-devel
    Rocky  | 5.14.0-447.el9.x86_64+rt   | | dnf install kernel-rt-devel-5.14.0-447.el9.x86_64 ; dnf install kernel-rt kernel-rt-devel
    Rocky  | 5.14.0-447.el9.aarch64+64k-debug | | dnf install kernel-64k-debug-devel-5.14.0-447.el9.aarch64 ; dnf install kernel-64k-debug kernel-64k-debug-devel
    Rocky  | 5.15.0-200.131.27.el9uek.x86_64 | | dnf install kernel-uek-devel-5.15.0-200.131.27.el9uek.x86_64 ; dnf install kernel-uek kernel-uek-devel
    Rocky  | 6.8.9-1.el9.elrepo.x86_64  | |

    Leap   | 6.4.0-150600.21-default    | | zypper install kernel-default-devel ; zypper install kernel-default
    Leap   | 6.4.0-150600.8.5-azure     | | zypper install kernel-azure-devel ; zypper install kernel-azure
    SLES   | 5.14.21-150500.13.64-rt    | | zypper install kernel-rt-devel ; zypper install kernel-rt
    Leap   | 6.12.8-1-longterm          | | zypper install kernel-longterm-devel ; zypper install kernel-longterm
    Leap   | 6.9.0-1-mine               | |
    Leap   | 6.9.0                      | |

    Arch   | 6.9.1-arch1-1              | | pacman -S linux-headers ; pacman -Syu linux linux-headers
    Arch   | 6.6.30-1-lts               | | pacman -S linux-lts-headers ; pacman -Syu linux-lts linux-lts-headers
    Arch   | 6.8.9-zen1-1-zen           | | pacman -S linux-zen-headers ; pacman -Syu linux-zen linux-zen-headers
    Arch   | 6.8.9-hardened1-1-hardened | | pacman -S linux-hardened-headers ; pacman -Syu linux-hardened linux-hardened-headers
    Arch   | 6.6.30.30.realtime1-1-rt-lts | | pacman -S linux-rt-lts-headers ; pacman -Syu linux-rt-lts linux-rt-lts-headers
    Arch   | 6.9.1-2-cachyos            | linux-cachyos | pacman -S linux-cachyos-headers ; pacman -Syu linux-cachyos linux-cachyos-headers
    Arch   | 6.9.1-2-cachyos            | |
    Arch   | 6.9.1-arch1-1-mine         | |
    Manjaro | 6.6.30-2-MANJARO          | linux66 | pacman -S linux66-headers ; pacman -Syu linux66 linux66-headers
    Alpine | 6.6.31-0-lts               | |
END

# Write the system into the root file system and run the script
sub script {
    my ($system, $kernel, @packages) = @_;
    my @installed = map { /^=(.*)/ ? $1 : () } @packages;
    my $known = join '|', 'none', grep { !/^=/ } @packages;
    my $modules = "/lib/modules/$kernel";
    return "rm -rf /lib/modules /etc/os-release /tmp/bin; mkdir -p $modules /tmp/bin;"
        . " cat >/etc/os-release <<'END'\n$os_release{$system}\nPRETTY_NAME=\"$system Linux\"\nEND\n"
        . ($os_release{$system} =~ /arch/ && @packages ? "echo $packages[0] >$modules/pkgbase;" : '')
        . " printf '#!/bin/sh\\ncase \$2 in %s) ;; *) exit 100 ;; esac\\n' '$known' >/tmp/bin/apt-cache;"
        . " printf '#!/bin/sh\\nfor p in %s; do case \$p in \$4) echo \"\$p installed\" ;; esac; done\\n'"
        . " '@installed' >/tmp/bin/dpkg-query;"
        . " chmod +x /tmp/bin/*; PATH=/tmp/bin:\$PATH /mnt/src/guest-driver/headers-hint $kernel || echo failed";
}

# One session for all: each takes a second
my @rows = map { [map { s/^\s+|\s+$//gr } split /\|/, "$_ ", 4] } @cases;
my $script = join "\n", map { script($_->[0], $_->[1], split ' ', $_->[2]) } @rows;
my ($status, $output) = Chroot->new('bookworm')->run("$script\n"
    . 'rm /etc/os-release /usr/lib/os-release; /mnt/src/guest-driver/headers-hint 6.9.0');
my @hints = split /\n/, $output;
is @hints, @rows + 1, 'a line for each' or diag $output;

for my $row (@rows) {
    my ($system, $kernel, undef, $commands) = @$row;
    my $hint = shift @hints // '';
    is join(' ; ', $hint =~ /: ((?:apt|dnf|zypper|pacman) [^;]*)/g), $commands, "$system, $kernel" or diag $hint;
    like $hint, qr/(?:get the headers from the same source as the kernel|for exactly this release; its name on $system Linux is unknown)$/,
        "$system, $kernel: it says that it does not know" if !$commands;
}
is $hints[0], 'install the package of kernel headers for exactly this release; its name on this system is unknown',
    'no os-release';

done_testing;
