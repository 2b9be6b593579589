#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-mediator as a service of systemd in a full Debian: socket activation, the user and
# the group, a device that connects, reload, the status, and the sandbox inside of what the
# unit restricts.
#
# Needs: setup-demo setup-chroot setup-snapshots device debian-vm mediator
# Slow: boots a full Debian
use strict;
use warnings;
use Contract;
use DebianVm;
use File::Temp 'tempdir';
use Files;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $root = "$dir/root";

# Sends HELLO, prints the type of the answer, and stays connected until its input ends
my $client = <<'END';
use IO::Socket::UNIX;
my $s = IO::Socket::UNIX->new(Peer => '/run/vgpu-stub/mediator.sock') or die "connect: $!\n";
syswrite $s, pack('V v v V V v v V v v V a64', 96, 1, 0, 1, 0, 1, 1, 3, 1, 0, 0, 'web');
sysread $s, my $answer, 16;
printf "type %x\n", (unpack 'V v', $answer)[1];
$| = 1;
sleep $ARGV[0];
END

sub libraries {
    return map { m{=> (/\S*(?:inih|jansson|seccomp)\S*) } ? $1 : () } qx(ldd ${\ build_dir()}/mediator/vgpu-mediator);
}

# A disk that is a tar file with the program, its libraries and units
sub pack_disk {
    system('make', '-s', '-C', top_dir() . '/host-mediator', 'install', 'O=' . build_dir() . '/mediator',
        "DESTDIR=$root", 'PREFIX=/usr') == 0 or die 'make install';
    system('install', '-D', '-t', "$root/usr/local/lib", libraries()) == 0 or die 'install';
    write_file("$root/usr/local/lib/client", $client);
    system("tar -C $root -cf $dir/disk --owner=0 --group=0 . && truncate -s %1M $dir/disk") == 0 or die 'tar';
    return "$dir/disk";
}

DebianVm::use_disk(build_dir() . '/debian-vm', '');
my $vm = DebianVm->new('-drive', 'if=virtio,format=raw,file=' . pack_disk());

sub succeeds {
    my ($name, $command) = @_;
    my ($status, @output) = $vm->run($command);
    is $status, 0, $name or diag map {"$_\n"} @output;
    return join "\n", @output;
}

succeeds('install', 'tar -xf /dev/vdc -C / --no-overwrite-dir && ldconfig && systemd-sysusers && systemctl daemon-reload');
succeeds('start the socket', 'systemctl start vgpu-mediator.socket');
is succeeds('its owner', 'stat -c "%a %G" /run/vgpu-stub/mediator.sock'), '660 vgpu-mediator', '... is the group';
is succeeds('the service', 'systemctl show -P ActiveState vgpu-mediator.service'), 'inactive', '... is not started yet';
like succeeds('a device connects', 'timeout 100 perl /usr/local/lib/client 0'), qr/^type 8001$/m, '... and is answered';
is succeeds('the service', 'systemctl show -P ActiveState vgpu-mediator.service'), 'active', '... was started for it';
my $log = succeeds('its log', 'SYSTEMD_COLORS=0 journalctl -o cat -u vgpu-mediator');
like $log, qr/^VM web: connected, worker \d+$/m, '... names the VM';
like $log, qr/^sandbox: limits, seccomp, Landlock: \d+, namespaces: user mount net ipc$/m,
    'workers reach the whole sandbox inside the unit' or diag $log;
succeeds('reload', 'systemctl reload vgpu-mediator && sleep 1');
like succeeds('its log', 'SYSTEMD_COLORS=0 journalctl -o cat -u vgpu-mediator'), qr/^the configuration was read again$/m, '... says so';
like succeeds('the status', 'vgpu-mediator status'), qr/^web +0 /m, '... has the VM';
succeeds('a fault in the file', 'echo nonsense >>/etc/vgpu-stub/mediator.conf');
my ($status) = $vm->run('systemctl reload vgpu-mediator');
isnt $status, 0, '... makes the reload fail';
is succeeds('the service', 'systemctl show -P ActiveState vgpu-mediator.service'), 'active', '... which goes on';
succeeds('repair it', 'sed -i /nonsense/d /etc/vgpu-stub/mediator.conf');
succeeds('a device stays connected while the service restarts',
    'perl /usr/local/lib/client 100 >/tmp/out & sleep 3; systemctl restart vgpu-mediator; kill $!');
like succeeds('another one', 'timeout 100 perl /usr/local/lib/client 0'), qr/^type 8001$/m, '... is answered';
succeeds('stop', 'systemctl stop vgpu-mediator.service vgpu-mediator.socket');
is succeeds('the result', 'systemctl show -P Result vgpu-mediator.service'), 'success', '... is a success';
$vm->end->good;

done_testing;
