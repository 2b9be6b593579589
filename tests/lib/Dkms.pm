# SPDX-License-Identifier: GPL-2.0-or-later
#
# A root file system with DKMS, for tests that install and remove the driver in it:
#
#   for my $system (Dkms::systems()) {           Debian 12 and 13
#       my $dkms = Dkms->new($system);
#       my ($old, $new) = $dkms->kernels;        releases of two kernels
#       $dkms->run($script)                      exit status and output
#       $dkms->succeeds(NAME, $script)           test the exit status; returns the output
#       $dkms->fails(NAME, $script, $pattern)    test for status 1 and matching output
#       $dkms->install_headers($release)         install the header package with dpkg
#       $dkms->driver($release)                  VERSION VERMAGIC of the installed driver
#       $dkms->source($version)                  create a source tree of that version
#       $dkms->status                            lines of dkms status
#       $dkms->state                             checksums of all files of the driver
#       $dkms->ours                              changed files of the driver
package Dkms;

use strict;
use warnings;
use Test::More;
use Contract;
use parent 'Chroot';

my %systems = (
    'Debian 12' => ['bookworm', 'bookworm-6.1-older', 'bookworm-6.1-cloud'],
    'Debian 13' => ['trixie-dkms', 'trixie-6.12-cloud', 'backports-7.3-cloud'],
);

my @systems = sort keys %systems;

sub systems { return @systems }

# The release and the directory of a kernel in tests/setup/kernels
sub find_kernel {
    my ($name) = @_;
    chomp(my $dir = qx('@{[top_dir()]}/tests/setup/kernel' $name));
    die "no kernel $name" if $?;
    open my $file, '<', "$dir/release" or die "$dir/release: $!";
    chomp(my $release = <$file>);
    return ($release => $dir);
}

sub new {
    my ($class, $system) = @_;
    my ($root, @kernels) = @{ $systems{$system} };
    my $self = $class->SUPER::new($root);
    $self->{compressed} = $system eq 'Debian 13';
    for my $name (@kernels) {
        my ($release, $dir) = find_kernel($name);
        push @{ $self->{kernels} }, $release;
        $self->{folders}{$release} = $dir;
    }
    return $self;
}

sub kernels { return @{ $_[0]{kernels} } }
sub folder  { return $_[0]{folders}{$_[1]} }

sub succeeds {
    my ($self, $name, $script) = @_;
    my ($status, $output) = $self->run($script);
    is $status, 0, $name or diag $output;
    return $output;
}

sub fails {
    my ($self, $name, $script, $pattern) = @_;
    my ($status, $output) = $self->run($script);
    is $status, 1, "$name: exit status 1" or diag $output;
    like $output, $pattern, $name;
    return;
}

# Debian 13's header packages depend on the kernel image. Instead of installing it,
# create one module, compressed like the kernel's own modules.
sub install_headers {
    my ($self, $release) = @_;
    my $debs = "$self->{dir}/share/debs";
    mkdir $debs;
    system("cp $self->{folders}{$release}/debs/*.deb $debs") == 0 or die;
    my ($status, $output) = $self->run("mkdir -p /tmp/other /lib/modules/$release/kernel; cd /tmp/other;"
        . q( echo '#include <linux/module.h>' >other.c; echo 'MODULE_LICENSE("GPL");' >>other.c;)
        . ' echo obj-m := other.o >Kbuild; dpkg --force-depends --unpack /mnt/session/debs/*.deb;'
        . " make -C /lib/modules/$release/build M=/tmp/other modules; cp other.ko /lib/modules/$release/kernel;"
        . ($self->{compressed} ? " xz /lib/modules/$release/kernel/other.ko;" : '') . " depmod $release; rm -r /tmp/other");
    die $output if $status;
    return $self->succeeds("install the headers of $release",
        'dpkg --force-depends --configure --pending; rm /mnt/session/debs/*');
}

sub driver {
    my ($self, $release) = @_;
    my (undef, $output) = $self->run("modinfo -k $release -F version vgpu_stub;"
        . " modinfo -k $release -F vermagic vgpu_stub | cut -d ' ' -f 1");
    return $output =~ s/\n(?!$)/ /r =~ s/\n//r;
}

sub source {
    my ($self, $version) = @_;
    my $dir = "/root/vgpu-stub-$version";
    my ($status, $output) = $self->run("mkdir $dir; cd /mnt/src;"
        . " cp -r Makefile dkms.conf include guest-driver $dir;"
        . " sed -i 's/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$version\"/' $dir/dkms.conf");
    die $output if $status;
    return $dir;
}

sub status {
    my ($self) = @_;
    my (undef, $output) = $self->run('dkms status');
    return split /\n/, $output;
}

sub state {
    my ($self) = @_;
    my ($status, $output) = $self->run(STATE());
    die $output if $status || $output =~ /^sh: /;
    return $output;
}

# Names, links and contents, but no times. This is a script so that tests can also
# use it inside one run().
sub STATE {
    my $ours = "find /lib/modules/ /usr/src /var/lib/dkms -path '*vgpu*'";
    return "$ours ! -type f -printf '%p %y %l\\n' | sort; $ours -type f -print0 | sort -z | xargs -0 -r md5sum";
}

sub ours {
    my ($self) = @_;
    return grep { /vgpu/ && !m{^root/|^tmp/} } $self->files;
}

1;
