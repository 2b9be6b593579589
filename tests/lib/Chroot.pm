# SPDX-License-Identifier: GPL-2.0-or-later
#
# A session in a throw-away Debian root file system (tests/setup/in-chroot):
#
#   my $chroot = Chroot->new('bookworm', $layer...);   layers: directories to overlay
#   my ($status, $output) = $chroot->run('shell commands');
#   $chroot->copy_in($path...);                to /mnt/session in the file system
#   $chroot->path('usr/src/x')                 path of a changed file, from outside
#   $chroot->files                             files added or changed so far
#   $chroot->deleted                           files removed so far
#
# The session ends when the object is destroyed.
package Chroot;

use strict;
use warnings;
use Contract qw(top_dir build_dir);
use File::Find;
use File::Path qw(make_path);
use File::Temp qw(tempdir);

sub new {
    my ($class, $name, @layers) = @_;
    my $parent = build_dir() . '/sessions';
    make_path($parent);
    my $dir = tempdir(DIR => $parent);
    make_path("$dir/share");
    return bless { name => $name, dir => $dir, layers => join(':', @layers) }, $class;
}

sub run {
    my ($self, $script) = @_;
    local $ENV{CHROOT_LAYERS} = $self->{layers};
    my @command = (top_dir() . '/tests/setup/in-chroot', $self->{name}, $self->{dir});
    my $pid = open my $out, '-|';
    defined $pid or die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        open STDIN, '<', '/dev/null';
        exec @command, 'sh', '-ec', $script or die "$command[0]: $!";
    }
    my $output = do { local $/; <$out> } // '';
    close $out;
    return ($? >> 8, $output);
}

sub copy_in {
    my ($self, @paths) = @_;
    system('cp', @paths, "$self->{dir}/share") == 0 or die "cannot copy @paths";
    return;
}

sub path {
    my ($self, $path) = @_;
    return "$self->{dir}/changes/$path";
}

# overlayfs marks a removed file with a character device 0, 0 (a whiteout)
sub _walk {
    my ($self, $wanted) = @_;
    my $top = "$self->{dir}/changes";
    return unless -d $top;
    my @found;
    find({ no_chdir => 1, wanted => sub {
        my @stat = lstat;
        push @found, substr($_, length($top) + 1)
            if $_ ne $top && ((-c _ && !$stat[6]) xor $wanted eq 'files');
    } }, $top);
    @found = sort @found;
    return @found;
}

sub files   { return $_[0]->_walk('files') }
sub deleted { return $_[0]->_walk('deleted') }

sub DESTROY {
    my ($self) = @_;
    system 'rm', '-rf', $self->{dir};
    return;
}

1;
