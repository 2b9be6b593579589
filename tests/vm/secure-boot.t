#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The driver under Secure Boot, with Debian's chain of trust from Microsoft's key: the
# kernel rejects the driver until the DKMS signing key is enrolled as described in
# docs/module-signing.md; then udev loads it.
#
# Needs: setup-demo setup-chroot setup-snapshots device debian-vm
# Slow: boots a full Debian
use strict;
use warnings;
use Test::More;
use Contract;
use DebianVm;
use IPC::Open2;

my $module = '/lib/modules/$(uname -r)/updates/dkms/vgpu_stub.ko';
my @device = ('-device', 'vgpu-stub');

DebianVm::use_disk(build_dir() . '/debian-vm', '.ms');

sub prints {
    my ($vm, $command, $pattern, $name) = @_;
    my (undef, @lines) = $vm->run($command);
    like join("\n", @lines), $pattern, $name;
    return;
}

# strip removes the signature
sub refuses_unsigned {
    my ($vm) = @_;
    $vm->run("strip --strip-debug -o /tmp/unsigned.ko $module");
    prints($vm, 'insmod /tmp/unsigned.ko', qr/Key was rejected by service/,
        'the kernel rejects an unsigned module');
    prints($vm, 'dmesg | tail -n 3', qr/Loading of unsigned module is rejected/,
        'the kernel log has the reason');
    return;
}

my $vm = DebianVm->new(@device);
prints($vm, 'mokutil --sb-state', qr/^SecureBoot enabled/, 'Secure Boot is on');
prints($vm, 'cat /sys/kernel/security/lockdown', qr/\[integrity\]/, 'the kernel is locked down');
$vm->run('udevadm settle');
prints($vm, 'lspci -k -d 1af4:1111', qr/\A(?!.*driver in use)/s, 'the device is not bound');
prints($vm, 'modprobe vgpu_stub', qr/Key was rejected by service/,
    'modprobe fails, because the key is not enrolled');
prints($vm, 'mokutil --test-key /var/lib/dkms/mok.pub', qr/is not enrolled/, 'mokutil: the key is not enrolled');
refuses_unsigned($vm);
prints($vm, 'printf "secret12\nsecret12\n" | mokutil --import /var/lib/dkms/mok.pub',
    qr/input password/, 'mokutil requests the enrolment');
prints($vm, 'mokutil --list-new', qr/DKMS module signing key/, 'mokutil lists the request');
$vm->end->good;

# In MokManager's menus: Enroll MOK, Continue, Yes, the password, Reboot
my ($down, $enter) = ("\e[B", "\r");
is enroll(['Press any key', ' '], ['Enroll MOK', "$down$enter"], ['View key 0', "$down$enter"],
    ['Enroll the key', "$down$enter"], ['assword', "secret12$enter"], ['Reboot', $enter]), 0,
    'MokManager enrolls the key';

$vm = DebianVm->new(@device);
prints($vm, 'mokutil --test-key /var/lib/dkms/mok.pub', qr/already enrolled/, 'the key is enrolled');
$vm->run('udevadm settle');
prints($vm, 'lspci -k -d 1af4:1111', qr/driver in use: vgpu_stub/, 'the device is bound after boot');
prints($vm, 'dmesg', qr/MokListRT.*\n.*DKMS module signing key/, 'the kernel gets the key from shim');
$vm->run('modprobe -r vgpu_stub');
refuses_unsigned($vm);
$vm->end->good;

# Boot and operate MokManager; each step is the text to wait for and the keys to type
sub enroll {
    my (@steps) = @_;
    my $pid = open2(my $screen, my $keyboard, DebianVm->launcher, @device);
    my $seen = '';
    for (@steps) {
        my ($asked, $answer) = @$_;
        sysread $screen, $seen, 4096, length $seen or last until $seen =~ /$asked/;
        diag substr($seen, -3000) if $ENV{VERBOSE};
        sleep 2;
        syswrite $keyboard, $answer;
        $seen = '';
    }
    1 while sysread $screen, $seen, 4096;
    waitpid $pid, 0;
    return $? >> 8;
}

done_testing;
