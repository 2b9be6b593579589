#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# "make setup-demo" on a Debian 12 whose libraries are older than the archive's: it
# installs the missing packages and leaves installed ones unchanged. The packages come
# from Debian's archives; the test edits dpkg's status file to make the libraries look
# older.
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

# Lower the version of the packages, of others from the same source, and of dependencies
# on them
sub make_older {
    my (@packages) = @_;
    return succeeds("older: @packages", "for version in \$(dpkg-query -W -f '\${Version}\\n' @packages | sort -u); do"
        . " VERSION=\$version perl -pi -e 's/ \\Q\$ENV{VERSION}\\E(?=\\)|\$)/\$&~older/g' $status_file; done");
}

sub installed {
    return { map { /^(\S+) (.*)/ } split /\n/,
        succeeds('list the packages', q(dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n')) };
}

# Compare the packages that were installed before with their state now
sub same_as {
    my ($before, $name) = @_;
    my $now = installed();
    is_deeply { map { $_ => $now->{$_} } keys %$before }, $before, $name;
    return $now;
}

succeeds 'copy the tree', 'mkdir /root/tree && cd /mnt/src && cp -r'
    . ' Makefile dkms.conf guest-driver guest-tools include qemu-device tests /root/tree'
    . " && cp $status_file /root/status";
my $make = 'cd /root/tree && make -s';

# gcc needs exactly one version of gcc-12-base
make_older('gcc-12-base');
my $before = installed();
my ($status, $output) = $chroot->run("$make setup-demo");
isnt $status, 0, 'an upgrade is needed, no terminal: make setup-demo fails';
like $output, qr/^    upgrade gcc-12-base from \S+~older to /m, '... lists the changes';
like $output, qr/set YES=1 to allow these changes$/m, '... and says how to allow them';
is_deeply installed(), $before, '... changes nothing';

succeeds 'restore the status file', "cp /root/status $status_file";
make_older(qw(libc6 libglib2.0-0 libmount1 libudev1));
$before = installed();
succeeds 'make setup-demo', "$make setup-demo";
my $now = same_as($before, '... leaves installed packages unchanged');
ok $now->{$_}, "... $_ is installed" for qw(gcc qemu-system-x86 libjansson-dev);
ok !$now->{$_}, "... $_ is not" for qw(libc6-dev libglib2.0-dev libpci-dev libudev-dev);

{
    local $ENV{CHROOT_NETWORK} = '';
    is succeeds('make setup-demo again, without network', "$make setup-demo"), '',
        '... does nothing';
}
succeeds 'build vgpu-probe with the unpacked headers', "$make tools && build/tools/vgpu-probe --version";
succeeds 'pkg-config finds glib', "$make --eval='glib:; echo \"#include <glib.h>\" |"
    . " gcc -Werror -c -x c -o /dev/null \$\$(pkg-config --cflags glib-2.0) -' glib";

# The user upgrades the machine, and installs one of the packages
succeeds 'upgrade the libraries', "sed -i 's/~older//g' $status_file";
succeeds 'install libpci-dev by hand', 'apt-get install -q -y --no-install-recommends libpci-dev';
succeeds 'make setup-demo', "$make setup-demo";
$now = installed();
ok $now->{$_}, "... $_ is installed now" for qw(libc6-dev libglib2.0-dev);
ok !-e $chroot->path('root/.cache/vgpu-stub/dev'), '... the unpacked headers are gone';

done_testing;
