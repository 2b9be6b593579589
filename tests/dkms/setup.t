#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# "make dkms-install" and "make dkms-remove" on Debian 12 and 13: install, upgrade,
# downgrade and remove, for one kernel and for two. setup-failures.t tests failures.
#
# Needs: setup-chroot
# Slow: installs packages in root file systems
use strict;
use warnings;
use Test::More;
use Contract qw(:DEFAULT project_version);
use Dkms;

my $version = project_version();
my $x86 = 'x86_64: installed';

sub install {
    my ($dkms, $source, $kernel) = @_;
    my $output = $dkms->succeeds("dkms-install from $source for $kernel",
        "make -s -C $source dkms-install KERNEL=$kernel");
    unlike $output, qr/bad exit status|[Ww]arning|[Dd]eprecated/, 'no warning';
    is +(split /\n/, $output)[-1],
        "the driver is installed for $kernel; it is loaded when that kernel is booted",
        'the last line says what to do';
    is_deeply [grep { m{/\.vgpu} } $dkms->ours], [], 'nothing temporary is left';
    return;
}

# Each kernel has this release on disk and in DKMS, and no other source is left
sub has {
    my ($dkms, $what, %expected) = @_;
    is $dkms->driver($_), "$expected{$_} $_", "$what: $_ has $expected{$_}" for sort keys %expected;
    is_deeply [sort $dkms->status],
        [sort map { "vgpu-stub/$expected{$_}, $_, $x86" } keys %expected], "$what: dkms status agrees";
    my %releases = map { $_ => 1 } values %expected;
    my (undef, $sources) = $dkms->run('ls /usr/src | grep vgpu; true');
    is $sources, join('', map { "vgpu-stub-$_\n" } sort keys %releases), "$what: no other source";
    return;
}

sub releases {
    my ($dkms) = @_;
    my ($one, $two) = $dkms->kernels;
    my ($older, $newer) = map { $dkms->source($_) } '0.0.9', '0.10.0';

    $dkms->install_headers($one);
    install($dkms, '/mnt/src', $one);
    has($dkms, 'first', $one => $version);
    install($dkms, '/mnt/src', $one);
    has($dkms, 'again', $one => $version);
    $dkms->install_headers($two);
    has($dkms, 'a second kernel', $one => $version, $two => $version);

    install($dkms, $newer, $one);
    has($dkms, 'upgraded', $one => '0.10.0', $two => '0.10.0');
    install($dkms, $older, $two);
    has($dkms, 'downgraded', $one => '0.0.9', $two => '0.0.9');
    $dkms->succeeds('the boot service', "dkms autoinstall -k $_") for $one, $two;
    has($dkms, 'booted', $one => '0.0.9', $two => '0.0.9');

    # a developer changes the source, but not the version
    my ($before) = map { md5($dkms, $_) } $two;
    $dkms->run("sed -i 's/^MODULE_AUTHOR.*/MODULE_AUTHOR(\"somebody\");/' $older/guest-driver/pci.c");
    install($dkms, $older, $one);
    has($dkms, 'changed', $one => '0.0.9', $two => '0.0.9');
    like $dkms->succeeds('modinfo', "modinfo -k $one vgpu_stub"), qr/^author: +somebody$/m,
        'the requested kernel has the change';
    is md5($dkms, $two), $before, "the other kernel's module is unchanged";

    $dkms->succeeds('a kernel is removed', "/etc/kernel/prerm.d/dkms $one");
    has($dkms, 'one kernel removed', $two => '0.0.9');
    return;
}

sub md5 {
    my ($dkms, $kernel) = @_;
    return $dkms->succeeds('md5sum', "md5sum /lib/modules/$kernel/updates/dkms/vgpu_stub.ko*");
}

# The driver is compressed if and only if the kernel's other modules are
sub compression {
    my ($dkms) = @_;
    my ($one) = $dkms->kernels;
    my $other = "/lib/modules/$one/kernel/other.ko";
    for my $change (["! [ -e $other.xz ] || unxz $other.xz", ''], ["xz $other", '.xz']) {
        my ($command, $suffix) = @$change;
        $dkms->succeeds('the kernel\'s module', "$command; depmod $one");
        install($dkms, '/mnt/src', $one);
        has($dkms, 'installed', $one => $version);
        install($dkms, '/root/vgpu-stub-0.10.0', $one);
        has($dkms, 'upgraded', $one => '0.10.0');
        is_deeply [grep { m{/updates/} } $dkms->ours],
            ["usr/lib/modules/$one/updates/dkms/vgpu_stub.ko$suffix"], "installed as .ko$suffix";
        removal($dkms);
    }
    return;
}

sub removal {
    my ($dkms) = @_;
    my $output = $dkms->succeeds('dkms-remove', 'make -s -C /mnt/src dkms-remove');
    is +(split /\n/, $output)[-1], 'the driver is removed; if it is loaded: rmmod vgpu_stub',
        'the last line says what to do';
    is_deeply [$dkms->ours], [], 'nothing is left behind';
    return;
}

for my $system (Dkms::systems()) {
    subtest $system => sub {
        my $dkms = Dkms->new($system);
        releases($dkms);
        removal($dkms);
        compression($dkms);
    };
}

done_testing;
