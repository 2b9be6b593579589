#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# "make setup-demo" on a Debian 12 whose libraries are older than the archive's: it
# installs what is missing and changes nothing that is installed. The packages come
# from Debian's archives; the libraries are older by what dpkg's status says.
#
# Needs: setup-chroot
# Slow: installs from the archives into a root file system
use strict;
use warnings;
use Test::More;
use Contract;
use Chroot;

my $chroot = Chroot->new('bookworm-older');
local $ENV{CHROOT_NETWORK} = 1;
my $status_file = '/var/lib/dpkg/status';

sub succeeds {
    my ($name, $script) = @_;
    my ($status, $output) = $chroot->run($script);
    is $status, 0, $name or diag $output;
    return $output;
}

# Packages, with all that is built from the same source and what depends on them
sub make_older {
    my (@packages) = @_;
    return succeeds("older: @packages", "for version in \$(dpkg-query -W -f '\${Version}\\n' @packages | sort -u); do"
        . " VERSION=\$version perl -pi -e 's/ \\Q\$ENV{VERSION}\\E(?=\\)|\$)/\$&~older/g' $status_file; done");
}

sub installed {
    return { map { /^(\S+) (.*)/ } split /\n/,
        succeeds('the packages are listed', q(dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n')) };
}

# Those that were installed before, as they are now
sub same_as {
    my ($before, $name) = @_;
    my $now = installed();
    is_deeply { map { $_ => $now->{$_} } keys %$before }, $before, $name;
    return $now;
}

succeeds 'the tree is copied', 'mkdir /root/tree && cd /mnt/src && cp -r'
    . ' Makefile dkms.conf guest-driver guest-tools include qemu-device tests /root/tree'
    . " && cp $status_file /root/status";
my $make = 'cd /root/tree && make -s';

# gcc needs exactly one version of gcc-12-base
make_older('gcc-12-base');
my $before = installed();
my ($status, $output) = $chroot->run("$make setup-demo");
isnt $status, 0, 'an upgrade cannot be avoided, no terminal: make setup-demo fails';
like $output, qr/^    upgrade gcc-12-base from \S+~older to /m, '... what would change is listed';
like $output, qr/to agree, set YES=1$/m, '... and how to agree';
is_deeply installed(), $before, '... nothing was changed';

succeeds 'the status is restored', "cp /root/status $status_file";
make_older(qw(libc6 libglib2.0-0 libmount1 libudev1));
$before = installed();
succeeds 'make setup-demo', "$make setup-demo";
my $now = same_as($before, '... what was installed is unchanged');
ok $now->{$_}, "... $_ is installed" for qw(gcc qemu-system-x86 libjansson-dev);
ok !$now->{$_}, "... $_ is not" for qw(libc6-dev libglib2.0-dev libpci-dev libudev-dev);

{
    local $ENV{CHROOT_NETWORK} = '';
    is succeeds('make setup-demo once more, without network', "$make setup-demo"), '',
        '... has nothing to do';
}
succeeds 'vgpu-probe is built with the unpacked headers', "$make tools && build/tools/vgpu-probe --version";
succeeds 'glib is found by pkg-config', "$make --eval='glib:; echo \"#include <glib.h>\" |"
    . " gcc -Werror -c -x c -o /dev/null \$\$(pkg-config --cflags glib-2.0) -' glib";

# The user upgrades the machine, and installs one of the packages
succeeds 'the libraries are new', "sed -i 's/~older//g' $status_file";
succeeds 'libpci-dev is installed by hand', 'apt-get install -q -y --no-install-recommends libpci-dev';
succeeds 'make setup-demo', "$make setup-demo";
$now = installed();
ok $now->{$_}, "... $_ is installed now" for qw(libc6-dev libglib2.0-dev);
ok !-e $chroot->path('root/.cache/vgpu-stub/dev'), '... and no headers are unpacked';

done_testing;
