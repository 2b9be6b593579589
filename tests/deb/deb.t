#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Install, test, upgrade, remove and purge the Debian packages in root file systems of
# Debian 12 and 13, with packages built on the same release.
#
# Needs: setup-deb setup-chroot
# Slow: builds two versions of the packages on two versions of Debian
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Chroot;
use Packages;

my @versions = ('0.0.8', '0.0.9');
my %kernels = (bookworm => 'bookworm-6.1-cloud', trixie => 'trixie-6.12-cloud');
my %dirs = map { $_ => tempdir(CLEANUP => 1) } @versions;
my %sources = map { $_ => source_package($dirs{$_}, $_) } @versions;

my $chroot;

sub succeeds {
    my ($name, $script) = @_;
    my ($status, $output) = $chroot->run($script);
    is $status, 0, $name or diag $output;
    return $output;
}

sub ours { return grep { /vgpu/ } $chroot->files }

# The packages of all versions
sub build {
    my ($suite) = @_;
    $chroot = Chroot->new("$suite-build");
    for my $version (@versions) {
        $chroot->copy_in($sources{$version}, glob "$dirs{$version}/*.tar.xz");
        succeeds "$suite: build $version", 'cd /tmp; dpkg-source --no-check -x '
            . "/mnt/session/vgpu-stub_$version.dsc; cd vgpu-stub-$version; dpkg-buildpackage --no-sign -b";
    }
    my @debs = grep { !/dbgsym/ } glob $chroot->path('tmp/*.deb');
    is scalar @debs, 5 * @versions, "$suite: five packages of each version";
    return ($chroot, @debs);
}

sub test_install {
    my ($suite, $release, $module) = @_;
    succeeds "$suite: install", 'cd /mnt/session; dpkg --install vgpu-stub-dkms_0.0.8_* vgpu-stub-tools_0.0.8_*'
        . ' libvgpu-stub*_0.0.8_*';
    succeeds "$suite: install the mediator", 'cd /mnt/session; apt install --yes ./vgpu-stub-mediator_0.0.8_*.deb';
    ok -s $chroot->path($module), "$suite: the module is built and installed";
    like succeeds("$suite: dkms status", 'dkms status'),
        qr{^vgpu-stub/0\.0\.8, \Q$release\E, x86_64: installed}m, "$suite: DKMS has it";
    like succeeds("$suite: modinfo", "modinfo /$module"), qr/^version: +0\.0\.8$/m,
        "$suite: it has the package's version";
    ok -s $chroot->path('usr/lib/udev/rules.d/60-vgpu-stub.rules'), "$suite: the rule for udev is installed";
    succeeds "$suite: $_ runs", "$_ --version" for 'vgpu-probe', 'vgpu-run';
    ok -e $chroot->path("usr/share/$_"), "$suite: /usr/share/$_" for
        qw(man/man8/vgpu-probe.8.gz bash-completion/completions/vgpu-probe
        zsh/vendor-completions/_vgpu-probe vgpu-stub/vgpu-probe.schema.json
        man/man1/vgpu-run.1.gz bash-completion/completions/vgpu-run
        zsh/vendor-completions/_vgpu-run vgpu-stub/vgpu-run.schema.json
        man/man3/libvgpu-stub.3.gz man/man3/vgpu_stub_wait.3.gz);
    ok -e $chroot->path("usr/$_"), "$suite: /usr/$_" for 'include/vgpu-stub/libvgpu-stub.h',
        map { "lib/x86_64-linux-gnu/$_" } 'libvgpu-stub.so.0', 'libvgpu-stub.a', 'pkgconfig/libvgpu-stub.pc';
    return;
}

# The state of a user that the package has created, and of its units
sub test_mediator {
    my ($suite) = @_;
    succeeds "$suite: vgpu-mediator runs", 'vgpu-mediator --version';
    succeeds "$suite: its configuration has no fault",
        'vgpu-mediator --config=/etc/vgpu-stub/mediator.conf --check-config';
    like succeeds("$suite: its user", 'getent passwd vgpu-mediator'), qr{:/usr/sbin/nologin$}m,
        "$suite: a system user without a shell";
    ok -e $chroot->path("usr/share/$_"), "$suite: /usr/share/$_" for 'man/man8/vgpu-mediator.8.gz';
    succeeds "$suite: the units are enabled", 'for unit in multi-user.target.wants/vgpu-mediator.service'
        . ' sockets.target.wants/vgpu-mediator.socket; do test -e /etc/systemd/system/$unit; done';
    succeeds "$suite: as that user it listens and serves its status", 'cd /tmp; install -d -o vgpu-mediator run;'
        . ' setpriv --reuid vgpu-mediator --regid vgpu-mediator --clear-groups vgpu-mediator'
        . ' --config=/etc/vgpu-stub/mediator.conf --socket-path=/tmp/run/socket >/tmp/run.log 2>&1 & pid=$!;'
        . ' for i in 1 2 3 4 5 6 7 8 9 10; do test -S /tmp/run/socket.status && break; sleep 0.5; done;'
        . ' vgpu-mediator status --socket-path=/tmp/run/socket; kill $pid; wait $pid; rm -r /tmp/run';
    succeeds "$suite: change the configuration", 'echo "# changed" >>/etc/vgpu-stub/mediator.conf';
    return;
}

sub test_own_test {
    my ($suite) = @_;
    succeeds "$suite: the packages' own test", 'tar -C /tmp -xf /mnt/session/vgpu-stub_0.0.8.tar.xz;'
        . ' /tmp/vgpu-stub-0.0.8/debian/tests/dumps; /tmp/vgpu-stub-0.0.8/debian/tests/library';
    return;
}

# The test that "Testsuite: autopkgtest-pkg-dkms" runs. It installs the package with apt
# and builds the module for every kernel with a headers package. The layer has only the
# files of such a package, so install a dummy one.
sub test_autopkgtest {
    my ($suite, $release) = @_;
    my $share = $chroot->path('../share');
    my ($status, $output) = Packages::run("cd $share && rm -f *_0.0.9_*.deb && mkdir -p headers/DEBIAN"
        . ' && printf "%s\n" "Package: linux-headers-test" "Version: 1" "Architecture: all"'
        . ' "Maintainer: test <test@localhost>" "Description: test" >headers/DEBIAN/control'
        . ' && dpkg-deb --build headers headers.deb && dpkg-scanpackages . >Packages');
    is $status, 0, "$suite: a repository of packages" or diag $output;
    $output = succeeds "$suite: autopkgtest of DKMS", 'dpkg --install /mnt/session/headers.deb;'
        . ' rm -rf /etc/apt/sources.list.d/* /var/lib/apt/lists/*;'
        . ' echo "deb [trusted=yes] file:/mnt/session ./" >/etc/apt/sources.list; apt-get -q update;'
        . ' cd /tmp; /usr/lib/dkms/dkms-autopkgtest vgpu-stub-dkms';
    like $output, qr/^I: PASS (?:\S+ )?\Q$release\E/m, "$suite: it built the module" or diag $output;
    return;
}

sub test_upgrade {
    my ($suite, $release, $module) = @_;
    succeeds "$suite: upgrade", 'dpkg --install /mnt/session/*_0.0.9_*.deb';
    my @status = grep { /vgpu/ } split /\n/, succeeds("$suite: dkms status", 'dkms status');
    like "@status", qr{^vgpu-stub/0\.0\.9, \Q$release\E, x86_64: installed[^,]*$},
        "$suite: DKMS has only the new version";
    like succeeds("$suite: modinfo", "modinfo /$module"), qr/^version: +0\.0\.9$/m,
        "$suite: the module is the new one";
    like succeeds("$suite: the mediator's configuration", 'cat /etc/vgpu-stub/mediator.conf'), qr/^# changed$/m,
        "$suite: ... is kept";
    is_deeply [grep { /0\.0\.8/ && !m{^(?:tmp|mnt)/} } ours()], [], "$suite: nothing of the old version is left";
    return;
}

sub test_purge {
    my ($suite, undef, $module) = @_;
    succeeds "$suite: remove", 'dpkg --remove vgpu-stub-dkms vgpu-stub-mediator vgpu-stub-tools libvgpu-stub-dev libvgpu-stub0';
    ok !-e $chroot->path($module), "$suite: the module is gone";
    succeeds "$suite: purge", 'dpkg --purge vgpu-stub-dkms vgpu-stub-mediator vgpu-stub-tools libvgpu-stub-dev libvgpu-stub0';
    is_deeply [grep { !m{^tmp/} } ours()], [], "$suite: nothing is left behind";
    return;
}

# Other distributions, without a package
sub test_make_install {
    succeeds 'make install', 'cp -r /mnt/src/include /mnt/src/guest-driver /mnt/src/dkms.conf /tmp'
        . ' && make -C /tmp/guest-driver install DESTDIR=/tmp/root';
    ok -s $chroot->path("tmp/root/usr/src/vgpu-stub-$_"), "make install: $_" for
        map { project_version() . "/$_" } driver_source();
    ok -s $chroot->path('tmp/root/usr/lib/udev/rules.d/60-vgpu-stub.rules'), 'make install: the rule for udev';
    succeeds 'make uninstall', 'make -C /tmp/guest-driver uninstall DESTDIR=/tmp/root';
    is_deeply [grep { m{^tmp/root/.*vgpu} } ours()], [], 'make uninstall leaves nothing';
    return;
}

for my $suite (sort keys %kernels) {
    my ($built, @debs) = build($suite);
    my ($kernel, $release) = kernel($kernels{$suite});
    my @about = ($suite, $release, "usr/lib/modules/$release/updates/dkms/vgpu_stub.ko");
    $chroot = Chroot->new("$suite-packages", "$kernel/layer");
    $chroot->copy_in(@debs, map { glob "$dirs{$_}/*.tar.xz" } @versions);
    test_install(@about);
    test_mediator(@about);
    test_own_test(@about);
    test_upgrade(@about);
    test_purge(@about);
    test_autopkgtest(@about);
}
test_make_install();

done_testing;
