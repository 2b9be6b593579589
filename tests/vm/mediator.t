#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-mediator as a service of systemd in a full Debian, with the commands and files of
# docs/mediator.md: socket activation, users and groups, reload, the status, the socket of a
# VM, and the sandbox inside of what the unit restricts.
#
# Needs: setup-demo setup-chroot setup-snapshots device debian-vm mediator
# Slow: boots a full Debian
use strict;
use warnings;
use Contract;
use DebianVm;
use File::Temp 'tempdir';
use Files;
use JSON::PP;
use MIME::Base64;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $root = "$dir/root";

# client SECONDS [SOCKET [NAME]]: sends HELLO, prints the type of the answer, and stays
# connected for a time
my $client = <<'END';
use IO::Socket::UNIX;
my ($seconds, $path, $name) = @ARGV;
my $s = IO::Socket::UNIX->new(Peer => $path // '/run/vgpu-stub/mediator.sock') or die "connect: $!\n";
syswrite $s, pack('V v v V V v v V v v V a64', 96, 1, 0, 1, 0, 1, 1, 3, 1, 0, 0, $name // 'web');
sysread $s, my $answer, 16;
printf "type %x\n", (unpack 'V v', $answer)[1];
$| = 1;
sleep $seconds;
END

sub libraries {
    return map { m{=> (/\S*(?:inih|jansson|seccomp)\S*) } ? $1 : () } qx(ldd ${\ build_dir()}/mediator/vgpu-mediator);
}

# A disk that is a tar file with the program, its libraries and units
sub pack_disk {
    system("cd ${\ top_dir()} && make install-mediator PREFIX=/usr DESTDIR=$root BUILD=${\ build_dir()} >/dev/null") == 0
        or die 'make install-mediator';
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
    return join("\n", @output) =~ s/\e\[[\d;]*m//gr; # notices of the journal are bold
}

# A command of docs/mediator.md; tests/docs/commands lists them
sub run_documented {
    my ($command) = @_;
    return succeeds($command, $command);
}

# The lines that docs/mediator.md shows, from one on
sub block {
    my ($first) = @_;
    my ($lines) = read_file(top_dir() . '/docs/mediator.md') =~ /^    \Q$first\E\n((?:    .*\n)+)/m or die $first;
    return $lines =~ s/^    //gmr;
}

sub write_in_guest {
    my ($path, $text) = @_;
    return succeeds("write $path", "echo ${\ encode_base64($text, '')} | base64 -d >>$path");
}

sub client {
    my ($user, @arguments) = @_;
    my ($status, @output) = $vm->run("setpriv --reuid $user --regid $user --init-groups"
        . " timeout 100 perl /usr/local/lib/client @arguments 2>&1");
    return "@output";
}

sub state { my ($unit) = @_; return succeeds($unit, "systemctl show -P ActiveState $unit") }

sub test_activation {
    succeeds('start the socket', 'systemctl start vgpu-mediator.socket');
    is succeeds('its owner', 'stat -c "%a %G" /run/vgpu-stub/mediator.sock'), '660 vgpu-mediator', '... is the group';
    is state('vgpu-mediator.service'), 'inactive', '... is not started yet';
    is client('root', 0), 'type 8001', 'a device connects, and is answered';
    is state('vgpu-mediator.service'), 'active', '... was started for it';
    my $log = run_documented('journalctl -u vgpu-mediator');
    like $log, qr/: VM web: connected, worker \d+$/m, '... names the VM';
    like $log, qr/: sandbox: limits, seccomp, Landlock: \d+, namespaces: user mount net ipc$/m,
        'workers reach the whole sandbox inside the unit' or diag $log;
    return;
}

sub test_group {
    is client('libvirt-qemu', 0), 'connect: Permission denied', 'another user cannot connect';
    run_documented('adduser libvirt-qemu vgpu-mediator');
    is client('libvirt-qemu', 0), 'type 8001', '... but a member of the group';
    return;
}

sub test_reload {
    run_documented('systemctl reload vgpu-mediator');
    succeeds('wait', 'sleep 1');
    like succeeds('its log', 'journalctl -u vgpu-mediator'), qr/: the configuration was read again$/m, '... says so';
    write_in_guest('/etc/vgpu-stub/mediator.conf', "nonsense\n");
    my ($status) = $vm->run('systemctl reload vgpu-mediator');
    isnt $status, 0, 'a fault in the file makes the reload fail';
    is state('vgpu-mediator.service'), 'active', '... which goes on';
    succeeds('repair it', 'sed -i /nonsense/d /etc/vgpu-stub/mediator.conf');
    return;
}

sub test_status {
    like run_documented('vgpu-mediator status'), qr/^web +0 /m, 'the status has the VM';
    my $json = decode_json(run_documented('vgpu-mediator status --json'));
    is_deeply [map { $_->{name} } @{ $json->{vms} }], ['web'], '... also in JSON';
    my $directory = '/var/lib/prometheus/node-exporter';
    succeeds('what node_exporter creates', "mkdir -p $directory");
    run_documented('vgpu-mediator status --prometheus --output=/var/lib/prometheus/node-exporter/vgpu.prom');
    like succeeds('the file', "cat $directory/vgpu.prom"), qr/^vgpu_mediator_vm_workers_total\{vm="web"\} 2$/m,
        '... has the workers of the VM';
    return;
}

sub test_restart {
    succeeds('a device stays connected while the service restarts',
        'perl /usr/local/lib/client 100 >/tmp/out & sleep 3; systemctl restart vgpu-mediator; kill $!');
    is client('root', 0), 'type 8001', 'another one is answered';
    return;
}

# A socket that only one user may open, which says who the VM is
sub test_own_socket {
    my $path = '/run/vgpu-stub/web.sock';
    write_in_guest('/etc/systemd/system/vgpu-mediator-web.socket',
        block('# cat /etc/systemd/system/vgpu-mediator-web.socket'));
    run_documented('cat /etc/systemd/system/vgpu-mediator-web.socket');
    write_in_guest('/etc/vgpu-stub/mediator.conf', "[vm web]\n" . block('[vm web]'));
    run_documented('systemctl stop vgpu-mediator.socket vgpu-mediator.service');
    run_documented('systemctl enable --now vgpu-mediator-web.socket');
    run_documented('systemctl start vgpu-mediator');
    is client('libvirt-qemu', 0, $path), 'connect: Permission denied', 'another user cannot open the socket of a VM';
    is client('vm-web', 0, $path, 'db'), 'type 8001', '... but the user of that VM';
    like succeeds('its log', 'journalctl -u vgpu-mediator'), qr/: VM web: its name is db in QEMU$/m, '... whatever it says';
    is client('libvirt-qemu', 0), 'type 8001', 'the common socket is still there';
    return;
}

sub test_enable_and_stop {
    run_documented('systemctl enable --now vgpu-mediator.socket vgpu-mediator.service');
    is succeeds('both are enabled', 'systemctl is-enabled vgpu-mediator.socket vgpu-mediator.service'),
        "enabled\nenabled", '... and are';
    succeeds('stop', 'systemctl stop vgpu-mediator.service vgpu-mediator.socket vgpu-mediator-web.socket');
    is succeeds('the result', 'systemctl show -P Result vgpu-mediator.service'), 'success', '... is a success';
    return;
}

succeeds('install', 'tar -xf /dev/vdc -C / --no-overwrite-dir && ldconfig && systemctl daemon-reload');
succeeds('users', 'useradd --system libvirt-qemu && useradd --system vm-web');
run_documented('systemd-sysusers');
test_activation();
test_group();
test_reload();
test_status();
test_restart();
test_own_socket();
test_enable_and_stop();
like run_documented('vgpu-mediator --self-test-sandbox'), qr/refused/, 'the sandbox refuses';
$vm->end->good;

done_testing;
