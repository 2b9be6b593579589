#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The life of the driver in DKMS, in a root file system of Debian 12: added,
# built, installed, carried over to the next kernel, removed; then what was
# installed drives the device in a booted guest.
#
# Needs: setup-demo setup-chroot guest
# Slow: makes a root file system and builds modules in it
use strict;
use warnings;
use Test::More;
use Contract;
use Chroot;
use Guest;

my $top = top_dir();

# The folder of a kernel of tests/setup/kernels, and its release
sub kernel {
    my ($name) = @_;
    chomp(my $dir = qx($top/tests/setup/kernel $name));
    die "no kernel $name" if $?;
    open my $file, '<', "$dir/release" or die "$dir/release: $!";
    chomp(my $release = <$file>);
    return ($dir, $release);
}

my $version = qx(sed -n 's/^PACKAGE_VERSION="\\(.*\\)"/\\1/p' $top/dkms.conf);
chomp $version;
my ($old_dir, $old) = kernel('bookworm-6.1-older');
my ($new_dir, $new) = kernel('bookworm-6.1-cloud');
my $chroot = Chroot->new('bookworm');

sub succeeds {
    my ($name, $script) = @_;
    my ($status, $output) = $chroot->run($script);
    is $status, 0, $name or diag $output;
    return $output;
}

sub module_of {
    my ($release) = @_;
    return "usr/lib/modules/$release/updates/dkms/vgpu_stub.ko";
}

sub install_kernel {
    my ($dir) = @_;
    mkdir $chroot->path('../share/debs');
    system("cp $dir/debs/*.deb " . $chroot->path('../share/debs')) == 0 or die;
    return 'dpkg --install /mnt/session/debs/*.deb; rm /mnt/session/debs/*';
}

# what belongs to the driver, of all that changed
sub ours {
    return grep { /vgpu/ && !m{^var/lib/dkms/mok} } $chroot->files;
}

# a kernel without headers
my ($status, $output) = $chroot->run("make -s -C /mnt/src dkms-install KERNEL=$old");
isnt $status, 0, 'no headers: refused';
like $output, qr/no headers for the kernel \Q$old\E; run: apt install linux-headers-\Q$old\E$/m,
    'the package to install is named';
is_deeply [ours()], [], 'nothing was changed';

# by hand, as DKMS's manual page has it
succeeds 'the headers are installed', install_kernel($old_dir);
succeeds 'dkms add', 'make -s -C /mnt/src/guest-driver install'
    . " && dkms add vgpu-stub/$version";
like succeeds('dkms status', 'dkms status'), qr{^vgpu-stub/\Q$version\E: added$}m, 'added';
succeeds 'dkms build', "dkms build vgpu-stub/$version -k $old";
like succeeds('dkms status', 'dkms status'), qr/\Q$old\E, x86_64: built$/m, 'built';
ok !-e $chroot->path(module_of($old)), 'nothing is installed yet';
succeeds 'dkms install', "dkms install vgpu-stub/$version -k $old";
ok -s $chroot->path(module_of($old)), 'the module is installed';

# what depmod and modinfo see
my $info = succeeds 'modinfo', "modinfo -k $old vgpu_stub";
like $info, qr/^vermagic:\s+\Q$old\E /m, 'it is for that kernel, not for the running one';
like $info, qr/^alias:\s+pci:v00001AF4d00001111/m, 'it claims the device';
like $info, qr/^signer:\s+DKMS module signing key$/m, 'it is signed with the machine\'s key';

# AUTOINSTALL: the package system installs another kernel
succeeds 'a kernel upgrade', install_kernel($new_dir);
ok -s $chroot->path(module_of($new)), 'the module was installed for the new kernel';
like succeeds('dkms status', 'dkms status'), qr/\Q$new\E, x86_64: installed/,
    'DKMS knows it';
like succeeds('modinfo', "modinfo -k $new vgpu_stub"), qr/^vermagic:\s+\Q$new\E /m,
    'it is for the new kernel';

# the installed module in a guest
$ENV{GUEST} = pack_guest('dkms', $new_dir, $chroot->path(module_of($new)));
my $guest = boot('demo', '-machine', 'q35', '-device', 'vgpu-stub');
$guest->good;
(undef, my @bound) = $guest->command('lspci -d 1af4:1111 -v');
like "@bound", qr/Kernel driver in use: vgpu_stub/, 'the device is bound';

# a kernel goes, then the driver
succeeds 'dkms uninstall', "dkms uninstall vgpu-stub/$version -k $old";
ok !-e $chroot->path(module_of($old)), 'the module of that kernel is gone';
ok -s $chroot->path(module_of($new)), 'that of the other one is not';
succeeds 'dkms remove', "dkms remove vgpu-stub/$version --all";
is_deeply [ grep { !m{^usr/src/} } ours() ], [], 'DKMS has left nothing behind';
succeeds 'the source is removed', 'make -s -C /mnt/src/guest-driver uninstall';
is_deeply [ours()], [], 'nothing is left behind';

# the same in one step, twice, because a developer does it again and again
for my $time ('first', 'second') {
    succeeds "make dkms-install, the $time time", "make -s -C /mnt/src dkms-install KERNEL=$new";
    ok -s $chroot->path(module_of($new)), 'the module is installed';
}
succeeds 'make dkms-remove', 'make -s -C /mnt/src dkms-remove';
is_deeply [ours()], [], 'nothing is left behind';
($status, $output) = $chroot->run('make -s -C /mnt/src dkms-remove');
isnt $status, 0, 'make dkms-remove with nothing to remove: refused';
like $output, qr/vgpu-stub\/\Q$version\E is not in DKMS/, 'it says so';

# kernels that the driver is not for: too old, or without PCI
succeeds 'the driver is added', "make -s -C /mnt/src/guest-driver install && dkms add vgpu-stub/$version";
sub is_excluded {
    my ($release, $why, $change) = @_;
    my ($excluded, $said) = $chroot->run("mkdir -p /tmp/$release/include;"
        . "sed '$change' /lib/modules/$new/build/.config >/tmp/$release/.config;"
        . "dkms build vgpu-stub/$version -k $release --kernelsourcedir /tmp/$release");
    like $said, qr/BUILD_EXCLUSIVE/, "$why: excluded" or diag $said;
    return;
}
is_excluded($_, "kernel $_", '') for '4.19.0-1-amd64', '5.9.16';
is_excluded('6.1.1', 'no PCI', '/^CONFIG_PCI=/d');

done_testing;
