#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The release archive consists of the tracked files, is reproducible, and contains no
# user name.
#
# Needs: setup-test
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Packages qw(:DEFAULT succeeds);

my $dir = tempdir(CLEANUP => 1);
my $version = project_version();
my $tree = repository($dir);
chdir $tree or die "$tree: $!";

sub content {
    my ($archive) = @_;
    my @lines = split /\n/, succeeds('tar', "tar --numeric-owner -tvf $archive");
    return map { my ($mode, $owner, $path) = (split)[0, 1, 5]; [$mode, $owner, $path] } @lines;
}

sub test_files {
    my $output = succeeds 'source-archive', 'packaging/source-archive ../out';
    is $output, "$dir/out/vgpu-stub-$version.tar.xz\n", 'it prints the path of the archive';
    chomp $output;
    my @content = content($output);
    my @files = sort map { $_->[2] =~ s{^vgpu-stub-\Q$version\E/}{}r } grep { $_->[0] !~ /^d/ } @content;
    is_deeply \@files, [sort split /\n/, succeeds('git ls-files', 'git ls-files')], 'the tracked files';
    is_deeply [grep { $_->[1] ne '0/0' } @content], [], 'owner and group are 0';
    is_deeply [grep { $_->[0] !~ /^(?:drwxr-xr-x|-rw-r--r--|-rwxr-xr-x|l)/ } @content], [],
        'everyone can read them';
    is_deeply [grep { !m{/vgpu-stub-\Q$version\E\.tar\.xz$} } glob "$dir/out/{.[!.],}*"], [],
        'nothing else is left there';
    return;
}

sub test_same {
    succeeds 'change time stamps and modes, and add an untracked file',
        'touch new; find . -name .git -prune -o -exec touch {} + ; chmod -R go-rwx .';
    succeeds 'again', 'umask 077; TZ=Asia/Tokyo LC_ALL=C.UTF-8 packaging/source-archive ../again';
    is succeeds('cmp', "cmp ../out/vgpu-stub-$version.tar.xz ../again/vgpu-stub-$version.tar.xz"), '',
        'the archive is the same';
    return;
}

sub test_change {
    succeeds 'an uncommitted change', 'echo change >>NEWS; packaging/source-archive ../changed';
    like succeeds('tar', "tar -xOf ../changed/*.xz vgpu-stub-$version/NEWS"), qr/^change$/m, 'is in the archive';
    return;
}

sub test_version {
    my $output = succeeds 'another version', 'packaging/source-archive ../other 9.8.7';
    is $output, "$dir/other/vgpu-stub-9.8.7.tar.xz\n", 'it has the name';
    like succeeds('tar', 'tar -xOf ../other/*.xz vgpu-stub-9.8.7/dkms.conf'),
        qr/^PACKAGE_VERSION="9\.8\.7"$/m, 'and the version';
    is project_version(), $version, 'this tree keeps its own';
    my ($status, $log) = Packages::run("cd $tree && packaging/source-archive ../other x");
    is $status, 1, 'an invalid version';
    is_deeply [glob "$dir/other/.[!.]*"], [], 'leaves nothing';
    return;
}

# Inside another repository, which tracks nothing of it
sub test_unpacked {
    succeeds 'unpack', "mkdir in && tar -C in -xf ../out/vgpu-stub-$version.tar.xz";
    my ($status, $output) = Packages::run("$tree/in/vgpu-stub-$version/packaging/source-archive $dir/none");
    is $status, 1, 'an unpacked archive is not packed again';
    like $output, qr/^source-archive: \S+ is not a git repository: use the archive that/, 'the reason';
    ok !-e "$dir/none", 'nothing is created';
    return;
}

test_files();
test_same();
test_change();
test_version();
test_unpacked();

chdir '/'; # so that File::Temp can remove the tree
done_testing;
