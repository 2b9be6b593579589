#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Build the RPM packages with Debian's rpmbuild, and check the spec with rpmlint and the
# contents of the packages. Install, upgrade and remove them in a root file system of
# Debian 13, where DKMS builds the driver. This does not show that they work on a
# distribution that uses RPM.
#
# Needs: setup-packaging setup-chroot
# Slow: makes a root file system and builds packages
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Chroot;
use Packages qw(:DEFAULT succeeds);

my $dir = tempdir(CLEANUP => 1);
my $spec = 'packaging/rpm/vgpu-stub.spec';
my %owner = (
    '/usr/bin/vgpu-probe' => 'tools', '/usr/share/man/man8/vgpu-probe.8' => 'tools',
    '/usr/share/vgpu-stub/vgpu-probe.schema.json' => 'tools',
    '/usr/share/bash-completion/completions/vgpu-probe' => 'tools',
    '/usr/share/zsh/site-functions/_vgpu-probe' => 'tools',
    '/usr/bin/vgpu-run' => 'tools', '/usr/share/man/man1/vgpu-run.1' => 'tools',
    '/usr/share/vgpu-stub/vgpu-run.schema.json' => 'tools',
    '/usr/share/bash-completion/completions/vgpu-run' => 'tools',
    '/usr/share/zsh/site-functions/_vgpu-run' => 'tools',
    'LIB/libvgpu-stub.so.0' => 'library', 'LIB/libvgpu-stub.so' => 'devel',
    'LIB/pkgconfig/libvgpu-stub.pc' => 'devel', '/usr/include/vgpu-stub/libvgpu-stub.h' => 'devel',
    '/usr/share/man/man3/vgpu_stub_wait.3' => 'devel',
    '/usr/lib/udev/rules.d/60-vgpu-stub.rules' => 'dkms',
    map({ ("/usr/lib/systemd/system/vgpu-mediator.$_" => 'mediator') } 'service', 'socket'),
    map({ ($_ => 'mediator') } '/usr/sbin/vgpu-mediator', '/usr/share/man/man8/vgpu-mediator.8',
        '/etc/vgpu-stub', '/etc/vgpu-stub/mediator.conf', '/usr/lib/sysusers.d/vgpu-stub-mediator.conf'),
    map { ("/usr/src/vgpu-stub-VERSION/$_" => 'dkms') } driver_source(),
);

sub test_spec {
    my $parsed = succeeds 'rpmspec -P', "rpmspec -P ${\ top_dir()}/$spec 2>&1";
    unlike $parsed, qr/%\{\w/, 'rpmspec expands every macro';
    my $found = succeeds 'rpmlint', 'rpmlint --rpmlintrc '
        . "${\ top_dir()}/packaging/rpm/rpmlintrc ${\ top_dir()}/$spec";
    like $found, qr/ 0 errors, 0 warnings/, 'rpmlint finds nothing' or diag $found;
    return;
}

# --nodeps, because Debian's rpm has no database of installed packages
sub build {
    my ($version) = @_;
    archive("$dir/$version", $version);
    my $top = "$dir/$version";
    succeeds "rpmbuild of $version", "cd $top && tar -xf *.tar.xz && rpmbuild -ba --nodeps"
        . " --define '_topdir $top' --define '_sourcedir $top' vgpu-stub-$version/$spec";
    my %name = ('vgpu-stub-dkms' => 'dkms', 'vgpu-stub-tools' => 'tools', 'libvgpu-stub' => 'library',
        'libvgpu-stub-devel' => 'devel', 'vgpu-stub-mediator' => 'mediator');
    return map { my ($name) = m{/([^/]+)-\Q$version\E-1\.[^/]*\.rpm$}; $name{$name} ? ($name{$name} => $_) : () }
        glob "$top/RPMS/*/*.rpm";
}

sub test_content {
    my ($version, %rpms) = @_;
    is_deeply [sort keys %rpms], ['devel', 'dkms', 'library', 'mediator', 'tools'], 'five packages';
    my %files = map { my $rpm = $_; map { ($_ => $rpm) } split /\n/, succeeds("files of $rpm",
        "rpm -qpl $rpms{$rpm} 2>/dev/null") } sort keys %rpms;
    chomp(my $libdir = qx(rpm --eval '%{_libdir}'));
    for my $file (sort keys %owner) {
        my $path = $file =~ s/VERSION/$version/r =~ s/^LIB/$libdir/r;
        is $files{$path}, $owner{$file}, "$path is in the right package";
    }
    is_deeply [grep { m{/(?:local|tmp|root)/|buildroot}i } sort keys %files], [], 'no file has an unexpected path';
    like succeeds('requirements', "rpm -qp --requires $rpms{dkms} 2>/dev/null"), qr/^dkms$/m,
        'the driver requires DKMS';
    like succeeds('requirements', "rpm -qp --requires $rpms{tools} 2>/dev/null"), qr/^libpci\.so\.3/m,
        'the tool requires libpci';
    return;
}

my $chroot;

sub in_chroot {
    my ($what, $script) = @_;
    my ($status, $output) = $chroot->run($script);
    is $status, 0, $what or diag $output;
    return $output;
}

my $config = '/etc/vgpu-stub/mediator.conf';

sub test_mediator {
    like in_chroot('user', 'getent passwd vgpu-mediator'), qr/^vgpu-mediator:.*:Mediator of vgpu-stub devices:/,
        'the mediator has its user';
    in_chroot 'the configuration is good', "vgpu-mediator --config=$config --check-config";
    like in_chroot('unit', 'cat /usr/lib/systemd/system/vgpu-mediator.service'),
        qr{^ExecStart=/usr/sbin/vgpu-mediator --config=\Q$config\E }m, 'the unit starts the program of the package';
    in_chroot 'change the configuration', "echo '# mine' >>$config";
    return;
}

sub test_life {
    my (%rpms) = @_;
    my ($kernel, $release) = kernel('trixie-6.12-cloud');
    my $module = "usr/lib/modules/$release/updates/dkms/vgpu_stub.ko";
    $chroot = Chroot->new('trixie-packages', "$kernel/layer");
    $chroot->copy_in(map { values %{ $rpms{$_} } } sort keys %rpms);
    # The scriptlets build for the running kernel. rpm has no database of packages here.
    my $uname = "case \$1 in -r) echo $release ;; -m) echo x86_64 ;; esac";
    in_chroot 'prepare', "printf '#!/bin/sh\\n$uname\\n' >/usr/bin/uname;"
        . ' mkdir -p /var/lib/rpm';
    in_chroot 'install', 'rpm --nodeps -i /mnt/session/*-0.0.8-*.rpm';
    ok -s $chroot->path($module), 'the module is built and installed';
    like in_chroot('modinfo', "modinfo /$module"), qr/^version: +0\.0\.8$/m, 'it has the right version';
    in_chroot $_, "$_ --version" for 'vgpu-probe', 'vgpu-run';
    test_mediator();

    in_chroot 'upgrade', 'rpm --nodeps -U /mnt/session/*-0.0.9-*.rpm';
    like in_chroot('modinfo', "modinfo /$module"), qr/^version: +0\.0\.9$/m, 'the module is upgraded';
    unlike in_chroot('dkms status', 'dkms status'), qr/0\.0\.8/, 'DKMS no longer has the old version';

    is in_chroot('configuration', "tail -n 1 $config"), "# mine\n", 'a configuration that was changed is kept';

    in_chroot 'restore it', "sed -i '\$d' $config";
    in_chroot 'remove', 'rpm -e vgpu-stub-dkms vgpu-stub-tools libvgpu-stub-devel libvgpu-stub vgpu-stub-mediator';
    ok !-e $chroot->path($module), 'the module is gone';
    is_deeply [grep { /vgpu/ && !m{^mnt/} } $chroot->files], [], 'nothing is left behind';
    return;
}

test_spec();
my %rpms = map { $_ => { build($_) } } '0.0.8', '0.0.9';
test_content('0.0.8', %{ $rpms{'0.0.8'} });
test_life(%rpms);

done_testing;
