#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# dpkg-buildpackage in a fresh clone: it builds the source and the binary packages,
# lintian finds nothing in them, the source package consists of the tracked files, and
# the clean target removes the build results. debian/build does the same.
#
# Needs: setup-deb
# Slow: builds packages
use strict;
use warnings;
use File::Find 'find';
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Packages qw(:DEFAULT succeeds);

my $dir = tempdir(CLEANUP => 1);
my $tree = repository($dir);
chdir $tree or die "$tree: $!";
my $version = project_version();

# Report every level: "pedantic" is the lowest, and "experimental" is separate
sub test_lintian {
    my ($changes) = @_;
    my $output = succeeds "lintian on $changes", "lintian -EvIL +pedantic --tag-display-limit 0"
        . " --fail-on error,warning,info,pedantic,experimental ../$changes";
    is_deeply [grep { /^[A-Z]: / && !/^N: / } split /\n/, $output], [], "it finds nothing in $changes";
    return;
}

sub test_binary {
    succeeds 'dpkg-buildpackage -b', 'dpkg-buildpackage --no-sign -b';
    is_deeply [sort grep { !/dbgsym/ } map { s{.*/}{}r } glob "$dir/*.deb"],
        ["libvgpu-stub-dev_${version}_amd64.deb", "libvgpu-stub0_${version}_amd64.deb",
        "vgpu-stub-dkms_${version}_all.deb",
        "vgpu-stub-mediator_${version}_amd64.deb", "vgpu-stub-tools_${version}_amd64.deb"], 'five packages';
    is succeeds('git status', 'git status --porcelain'), '', 'git ignores the build results';
    test_lintian("vgpu-stub_${version}_amd64.changes");
    return;
}

# dpkg-source leaves out the files of version control
sub test_source {
    succeeds 'dpkg-buildpackage -S, after a build', 'dpkg-buildpackage --no-sign -S';
    my @tracked = grep { !/\.gitignore$/ } split /\n/, succeeds('git ls-files', 'git ls-files');
    my $tar = "../vgpu-stub_$version.tar.xz";
    my @packed = map { s{^[^/]*/}{}r } grep { !m{/$} } split /\n/, succeeds('tar', "tar -tf $tar");
    is_deeply [sort @packed], [sort @tracked], 'the source package consists of the tracked files';
    test_lintian("vgpu-stub_${version}_source.changes");
    return;
}

# git does not report empty directories that are left
sub test_clean {
    mkdir "$tree/build" or die;
    open my $file, '>', "$tree/build/precious" or die;
    close $file;
    succeeds 'debian/rules clean', 'debian/rules clean';
    is succeeds('git status', 'git status --porcelain --ignored'), "!! build/\n",
        "the clean target removes everything except the project's own build directory";
    succeeds 'dpkg-buildpackage -S', 'dpkg-buildpackage --no-sign -S';
    unlike succeeds('tar', "tar -tf ../vgpu-stub_$version.tar.xz"), qr/precious/,
        'that directory is not in the source package';
    return;
}

sub test_version {
    my $changelog = 'debian/changelog';
    for my $suffix ('+deb12u1', '~bpo12+1', '-1') {
        succeeds "version $version$suffix", "sed -i '1s/(.*)/($version$suffix)/' $changelog"
            . ' && debian/rules override_dh_auto_configure';
    }
    for my $other ('9.9.9', "1$version", "${version}1", "$version.1") {
        my ($status, $output) = Packages::run("cd $tree && sed -i '1s/(.*)/($other)/' $changelog"
            . ' && debian/rules override_dh_auto_configure');
        isnt $status, 0, "a changelog with version $other does not build";
        like $output, qr/^debian\/changelog has version \Q$other\E, but dkms\.conf \Q$version\E: run/m,
            'the reason';
    }
    return;
}

sub test_build {
    my $out = "$dir/made";
    succeeds 'git checkout', 'git checkout -q .';
    succeeds 'debian/build', "debian/build '$out'";
    is_deeply [sort map { s{.*/}{}r } glob "$out/*.deb"], [sort map { s{.*/}{}r } glob "$dir/*.deb"],
        'it builds the same packages';
    ok -s "$out/vgpu-stub_$version.dsc", 'and the source package';
    my ($status, $output) = Packages::run("cd $tree && sed -i 's/^Description: driver/Description: Driver./'"
        . " debian/control && debian/build '$out'");
    isnt $status, 0, 'debian/build fails if lintian finds something';
    like $output, qr/^[IWEP]: vgpu-stub-dkms: /m, 'which it shows';
    return;
}

test_binary();
test_source();
test_clean();
test_version();
test_build();

chdir '/'; # so that File::Temp can remove the tree
done_testing;
