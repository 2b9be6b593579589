#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The driver under Secure Boot, with Debian's own chain from Microsoft's key on:
# refused while nobody trusts the key that DKMS signed it with, loaded by udev
# once that key is enrolled as docs/module-signing.md says.
#
# Needs: setup-demo setup-chroot setup-snapshots device debian-vm
# Slow: boots a whole Debian
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

# Without its signature: strip takes it off
sub refuses_unsigned {
    my ($vm) = @_;
    $vm->run("strip --strip-debug -o /tmp/unsigned.ko $module");
    prints($vm, 'insmod /tmp/unsigned.ko', qr/Key was rejected by service/,
        'an unsigned module is refused');
    prints($vm, 'dmesg | tail -n 3', qr/Loading of unsigned module is rejected/,
        'the kernel says why');
    return;
}

my $vm = DebianVm->new(@device);
prints($vm, 'mokutil --sb-state', qr/^SecureBoot enabled/, 'Secure Boot is on');
prints($vm, 'cat /sys/kernel/security/lockdown', qr/\[integrity\]/, 'the kernel is locked down');
$vm->run('udevadm settle');
prints($vm, 'lspci -k -d 1af4:1111', qr/\A(?!.*driver in use)/s, 'the device is not bound');
prints($vm, 'modprobe vgpu_stub', qr/Key was rejected by service/,
    'the key is unknown: modprobe says so');
prints($vm, 'mokutil --test-key /var/lib/dkms/mok.pub', qr/is not enrolled/, 'and mokutil');
refuses_unsigned($vm);
prints($vm, 'printf "secret12\nsecret12\n" | mokutil --import /var/lib/dkms/mok.pub',
    qr/input password/, 'the key is handed in');
prints($vm, 'mokutil --list-new', qr/DKMS module signing key/, 'to be enrolled at the next boot');
$vm->end->good;

# At the keyboard: Enroll MOK, Continue, Yes, the password, Reboot
my ($down, $enter) = ("\e[B", "\r");
is enroll(['Press any key', ' '], ['Enroll MOK', "$down$enter"], ['View key 0', "$down$enter"],
    ['Enroll the key', "$down$enter"], ['assword', "secret12$enter"], ['Reboot', $enter]), 0,
    'MokManager enrolls it';

$vm = DebianVm->new(@device);
prints($vm, 'mokutil --test-key /var/lib/dkms/mok.pub', qr/already enrolled/, 'the key is enrolled');
$vm->run('udevadm settle');
prints($vm, 'lspci -k -d 1af4:1111', qr/driver in use: vgpu_stub/, 'the device is bound after boot');
prints($vm, 'dmesg', qr/MokListRT.*\n.*DKMS module signing key/, 'the kernel took the key from shim');
$vm->run('modprobe -r vgpu_stub');
refuses_unsigned($vm);
$vm->end->good;

# Boot, and answer what MokManager asks: pairs of what it shows and what is typed
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
