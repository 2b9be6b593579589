#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# "make dkms-install" on Debian 12 and 13 when it cannot succeed: it says what to do,
# and the previous driver stays installed.
#
# Needs: setup-chroot
# Slow: installs packages in root file systems
use strict;
use warnings;
use Test::More;
use Contract qw(:DEFAULT project_version);
use Dkms;

my $version = project_version();
my $install = 'make -s -C /mnt/src dkms-install';

# Missing prerequisites, with no driver installed yet
sub missing {
    my ($dkms) = @_;
    my ($one) = $dkms->kernels;
    my $flavour = 'cloud-amd64';
    $dkms->run('cp -r /mnt/src/guest-driver /mnt/src/dkms.conf /tmp');
    $dkms->fails('not root', 'su nobody -s /bin/sh -c "/tmp/guest-driver/dkms-setup install"',
        qr/^dkms-setup: root is needed: run this with sudo$/m);
    for my $tool ('dkms', 'make') {
        $dkms->fails("no $tool", "path=\$(command -v $tool); mv \$path /tmp/$tool;"
            . ' status=0; /mnt/src/guest-driver/dkms-setup install || status=$?;'
            . " mv /tmp/$tool \$path; exit \$status",
            qr/^dkms-setup: $tool is not installed; install the package $tool$/m);
    }
    $dkms->fails('usage', '/mnt/src/guest-driver/dkms-setup', qr/^dkms-setup: usage: /m);
    $dkms->fails('a kernel that is too old', "mkdir -p /lib/modules/$_; /mnt/src/guest-driver/dkms-setup install $_",
        qr/^dkms-setup: the driver needs Linux 5\.10 or newer, and this kernel is \Q$_\E$/m)
        for '5.4.0-200-generic', '4.19.0-1-amd64';
    $dkms->fails('a kernel that is not installed', '/mnt/src/guest-driver/dkms-setup install 6.1.0-99-amd64',
        qr/^dkms-setup: no kernel 6\.1\.0-99-amd64 is installed, only: .*5\.4\.0-200-generic/m);

    $dkms->run("mkdir -p /lib/modules/$one/kernel");
    my $setup = "/mnt/src/guest-driver/dkms-setup install $one";
    my $no = qr/^dkms-setup: no headers for the kernel \Q$one\E;/m;
    $dkms->fails('no headers, and apt has no package', $setup,
        qr/$no apt has no package linux-headers-\Q$one\E; run apt update,/);
    archive($dkms, "linux-headers-$flavour", "linux-image-$flavour");
    $dkms->fails('no headers, and apt has those of another release', $setup,
        qr/$no apt has no package .*: apt install linux-image-$flavour linux-headers-$flavour$/m);
    archive($dkms, "linux-headers-$one");
    $dkms->fails('no headers, but apt has them', $setup, qr/$no run: apt install linux-headers-\Q$one\E$/m);
    is_deeply [$dkms->ours], [], 'nothing was changed';
    $dkms->run('rm -r /lib/modules/[45].*');
    return;
}

# Point apt to an archive with these packages
sub archive {
    my ($dkms, @packages) = @_;
    my $list = join "\n", map { "Package: $_\nVersion: 1\nArchitecture: amd64\nSize: 1\n"
        . "Filename: x\nSHA256: " . '0' x 64 . "\n" } @packages;
    my ($status, $output) = $dkms->run("mkdir -p /srv/archive; cd /srv/archive; cat >Packages <<END\n$list\nEND\n"
        . 'rm -rf /etc/apt/sources.list.d; echo "deb [trusted=yes] file:/srv/archive ./"'
        . ' >/etc/apt/sources.list; apt-get update');
    die $output if $status;
    return;
}

# The command fails, and driver, source and DKMS's state are unchanged
sub changes_nothing {
    my ($dkms, $name, $script, $pattern) = @_;
    my $before = $dkms->state;
    $dkms->fails($name, $script, $pattern);
    is $dkms->state, $before, "$name: nothing was changed";
    return;
}

sub broken_source {
    my ($dkms, $kernel) = @_;
    for my $release ('9.0.0', $version) {
        my $broken = $dkms->source($release);
        $dkms->run("echo '#error broken on purpose' >>$broken/guest-driver/pci.c");
        changes_nothing($dkms, "a source of $release that does not compile",
            "$broken/guest-driver/dkms-setup install $kernel",
            qr/error: #error broken on purpose.*^dkms-setup: the driver does not build for the kernel \Q$kernel\E, see above; nothing was changed$/ms);
        $dkms->run("rm -r $broken");
    }
    return;
}

# A second kernel has an older release of the driver, but its headers are gone
sub other_kernel_without_headers {
    my ($dkms, $one, $two) = @_;
    my $newer = $dkms->source('9.0.0');
    changes_nothing($dkms, 'another kernel has the old release and no headers',
        "mv /lib/modules/$two/build /lib/modules/$two/build.off; status=0;"
        . " $newer/guest-driver/dkms-setup install $one || status=\$?;"
        . " mv /lib/modules/$two/build.off /lib/modules/$two/build; exit \$status",
        qr/no headers for the kernel \Q$two\E;/);
    $dkms->run("rm -r $newer");
    return;
}

# Signal all processes of an installation while it compiles
sub interrupted {
    my ($dkms, $kernel) = @_;
    my $slow = $dkms->source($version);
    $dkms->run("echo '\$(shell touch /tmp/compiling; sleep 60)' >>$slow/guest-driver/Kbuild");
    for my $signal ('INT', 'TERM', 'KILL') {
        my $before = $dkms->state;
        my (undef, $output) = $dkms->run('rm -f /tmp/compiling;'
            . " setsid perl -e '\$SIG{INT} = q(DEFAULT); exec \@ARGV' $slow/guest-driver/dkms-setup install $kernel & group=\$!;"
            . ' i=0; until [ -e /tmp/compiling ] || [ $i = 300 ]; do i=$((i + 1)); sleep 0.1; done;'
            . " kill -$signal -\$group; wait \$group; echo status \$?");
        unlike $output, qr/^status 0$/m, "SIG$signal: the installation ends";
        my $after = $dkms->state;
        # nothing can clean up after SIGKILL before the next run
        $after = join '', map { "$_\n" } grep { !m{/\.vgpu-stub-trial} } split /\n/, $after if $signal eq 'KILL';
        is $after, $before, "SIG$signal: nothing was changed";
    }
    $dkms->succeeds('installed afterwards', "$install KERNEL=$kernel");
    is_deeply [grep { m{/\.vgpu} } $dkms->ours], [], 'nothing temporary is left';
    $dkms->run("rm -r $slow");
    return;
}

# A file system with only $room KiB free. The root file systems have no mount(8), so
# Perl makes the system call (165).
sub full_disk {
    my ($dkms, $kernel, $dir, $room, $message) = @_;
    my $state = $dkms->STATE;
    my ($status, $output) = $dkms->run("cat >/tmp/state <<'END'\n$state\nEND\n"
        . "size=\$((\$(du -sk $dir | cut -f 1) + 65536)); cp -a $dir /mnt/copy;"
        . " perl -e '(\$fs, \$dir, \$size) = \@ARGV; exit !!syscall(165, \$fs, \$dir, \$fs, 0, \$size)'"
        . " tmpfs $dir size=\${size}k;"
        . " cp -a /mnt/copy/. $dir; free=\$(df -k --output=avail $dir | tail -n 1);"
        . " head -c \$(((free - $room) * 1024)) /dev/zero >$dir/filled; df -k $dir;"
        . " sh /tmp/state >/tmp/before; status=0; $install KERNEL=$kernel || status=\$?;"
        . " sh /tmp/state >/tmp/after; wc -l /tmp/before; echo status \$status;"
        . ' diff /tmp/before /tmp/after && echo unchanged');
    like $output, qr/^status [12]$/m, "$dir is full: refused" or diag $output;
    like $output, $message, "$dir is full: the reason" or diag $output;
    like $output, qr/^[1-9]\d* \/tmp\/before$/m, "$dir is full: a driver was installed before";
    like $output, qr/^unchanged$/m, "$dir is full: nothing was changed" or diag $output;
    return;
}

# Install a package that owns this file
sub package_with {
    my ($dkms, $file) = @_;
    my ($status, $output) = $dkms->run("p=/tmp/package; rm -rf \$p; mkdir -p \$p/DEBIAN \$p/\$(dirname $file);"
        . ' printf "Package: vgpu-stub-owner\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: a\n" >$p/DEBIAN/control;'
        . " echo theirs >\$p/$file; dpkg-deb --build \$p /tmp/package.deb; dpkg --install --force-overwrite /tmp/package.deb");
    die $output if $status;
    return;
}

sub owned_by_packages {
    my ($dkms, $kernel) = @_;
    for my $file ("/usr/src/vgpu-stub-$version/dkms.conf", '/usr/src/vgpu-stub-0.0.5/dkms.conf',
        map { "$_/modules/$kernel/updates/dkms/vgpu_stub.ko" } '/lib', '/usr/lib') {
        $dkms->run('make -s -C /mnt/src dkms-remove');
        package_with($dkms, $file);
        my $belongs = qr/^dkms-setup: \S+ belongs to the package vgpu-stub-owner; upgrade that package, or remove it/m;
        for my $action ("install $kernel", 'remove') {
            changes_nothing($dkms, "$file belongs to a package: $action",
                "/mnt/src/guest-driver/dkms-setup $action", $belongs);
        }
        $dkms->succeeds('the package is removed', 'dpkg --purge vgpu-stub-owner');
        $dkms->succeeds('installed now', "$install KERNEL=$kernel");
    }
    return;
}

# A DKMS that fails, or that reports success but does nothing
sub lying_dkms {
    my ($dkms, $kernel) = @_;
    my $newer = $dkms->source('9.0.0');
    my %lies = ('reports success but does not install' => ['exit 0', qr/the driver on disk for the kernel \S+ is not the one that was built \(version of \S+ differs\): run this again$/m],
        'fails to install' => ['exit 6', qr/DKMS failed for the kernel \Q$kernel\E, see above; run this again$/m]);
    for my $lie (sort keys %lies) {
        my ($body, $message) = @{ $lies{$lie} };
        $dkms->fails("a DKMS that $lie", 'mkdir -p /tmp/bin; real=$(command -v dkms);'
            . " printf '#!/bin/sh\\ncase \$1 in install) $body ;; esac\\nexec %s \"\$@\"\\n' \$real >/tmp/bin/dkms;"
            . " chmod +x /tmp/bin/dkms; PATH=/tmp/bin:\$PATH $newer/guest-driver/dkms-setup install $kernel",
            $message);
    }
    is $dkms->driver($kernel), "$version $kernel", 'the previous driver is in place';
    $dkms->succeeds('installed with the real DKMS', "make -s -C $newer dkms-install KERNEL=$kernel");
    is $dkms->driver($kernel), "9.0.0 $kernel", 'the new driver is in place';
    return;
}

for my $system (Dkms::systems()) {
    subtest $system => sub {
        my $dkms = Dkms->new($system);
        my ($one, $two) = $dkms->kernels;
        missing($dkms);
        $dkms->install_headers($_) for $one, $two;
        $dkms->succeeds("installed for $_", "$install KERNEL=$_") for $one, $two;
        broken_source($dkms, $one);
        other_kernel_without_headers($dkms, $one, $two);
        interrupted($dkms, $one);
        full_disk($dkms, $one, '/var/lib/dkms', 100, qr/does not build|No space/);
        full_disk($dkms, $one, '/usr/src', 4, qr/^dkms-setup: no room in \/usr\/src; nothing was changed$/m);
        full_disk($dkms, $one, "/lib/modules/$one", 16, qr/^dkms-setup: no room in \/lib\/modules\/\Q$one\E; nothing was changed$/m);
        lying_dkms($dkms, $one);
        $dkms->fails('dkms-remove, twice', "make -s -C /mnt/src dkms-remove; $_",
            qr/^dkms-setup: the driver is not in DKMS; 'dkms status' lists what is$/m)
            for '/mnt/src/guest-driver/dkms-setup remove';
        owned_by_packages($dkms, $one);
    };
}

done_testing;
