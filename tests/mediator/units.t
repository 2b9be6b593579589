#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The units of vgpu-mediator for systemd, as "make install-mediator" installs them: systemd
# accepts them, their exposure is low, and their filter allows every system call that the
# supervisor and its workers make. "make uninstall-mediator" leaves nothing but a
# configuration that was changed.
#
# Needs: setup-test setup-probe mediator
use strict;
use warnings;
use Contract;
use Files;
use Mediator;
use Test::More;

alarm 300;
my $mediator = Mediator->new;
my $root = "$mediator->{dir}/root";
my $units = "$root/usr/lib/systemd/system";

sub make {
    my ($target) = @_;
    my $output = qx(make -s -C ${\ top_dir()}/host-mediator $target O=$mediator->{dir} DESTDIR=$root PREFIX=/usr 2>&1);
    is $?, 0, "make $target" or diag $output;
    return;
}

sub files {
    chomp(my @files = qx(cd $root && find . ! -type d | sort));
    return map { s{^\./}{}r } @files;
}

sub test_install {
    make('install');
    is_deeply [files()], ['etc/vgpu-stub/mediator.conf', 'usr/lib/systemd/system/vgpu-mediator.service',
        'usr/lib/systemd/system/vgpu-mediator.socket', 'usr/lib/sysusers.d/vgpu-stub-mediator.conf',
        'usr/sbin/vgpu-mediator', 'usr/share/man/man8/vgpu-mediator.8'], 'the files';
    my ($status, $output) = $mediator->run("--config=$root/etc/vgpu-stub/mediator.conf", '--check-config');
    is $status, 0, 'the configuration that is installed has no fault' or diag $output;
    # each line that is a comment for its default is valid, too
    write_file("$mediator->{dir}/all.conf", read_file("$root/etc/vgpu-stub/mediator.conf") =~ s/^#(?=[\[a-z])//mgr);
    ($status, $output) = $mediator->run("--config=$mediator->{dir}/all.conf", '--check-config');
    is $status, 0, '... nor have the examples in it' or diag $output;
    return;
}

# The paths of a unit are those of the host, where the program is not installed
sub test_verify {
    my $service = read_file("$units/vgpu-mediator.service");
    like $service, qr{^ExecStart=/usr/sbin/vgpu-mediator --config=/etc/vgpu-stub/mediator\.conf }m, 'the paths';
    write_file("$units/vgpu-mediator.service", $service =~ s{=/usr/sbin}{=$root/usr/sbin}gr);
    my $output = qx(systemd-analyze verify --man=no $units/vgpu-mediator.service $units/vgpu-mediator.socket 2>&1);
    is $?, 0, 'systemd-analyze verify' or diag $output;
    is $output, '', '... has nothing to say';
    $output = qx(systemd-analyze security --offline=yes --threshold=20 $units/vgpu-mediator.service 2>&1);
    is $?, 0, 'systemd-analyze security: an exposure of at most 2.0' or diag $output;
    like qx(systemd-sysusers --dry-run --root=$root $root/usr/lib/sysusers.d/vgpu-stub-mediator.conf 2>&1),
        qr/^Creating user 'vgpu-mediator'/m, 'systemd-sysusers would create the user';
    return;
}

# The system calls of a filter, with those of its groups
sub expand {
    my ($group) = @_;
    return $group if $group !~ /^@/;
    my @lines = map { /^    (@?[\w-]+)/ ? $1 : () } qx(systemd-analyze syscall-filter '$group');
    ok @lines, "systemd knows $group";
    return map { expand($_) } grep { $_ ne $group } @lines;
}

sub test_filter {
    my %allowed = map { $_ => 1 } map { expand($_) } expand('@default'),
        map { split } read_file("$units/vgpu-mediator.service") =~ /^SystemCallFilter=(.*)$/mg;
    my $trace = "$mediator->{dir}/trace";
    my $program = $mediator->{program};
    # a sandbox forbids others to trace it, and so strace starts the supervisor
    write_file("$mediator->{dir}/traced", "#!/bin/sh\nexec strace -f -qq -o $trace $program \"\$@\"\n");
    chmod 0755, "$mediator->{dir}/traced" or die $!;
    local $mediator->{program} = "$mediator->{dir}/traced";
    $mediator->start("--socket-path=$mediator->{socket}");
    ok $mediator->ready($mediator->{socket}), 'the program runs with strace' or diag $mediator->log;
    my ($answer, $connection) = $mediator->hello($mediator->{socket}, 'traced');
    is $answer, 'OK', '... and a device connects';
    my ($supervisor) = read_file($trace) =~ /^(\d+) +\w/m;
    kill 'TERM', $supervisor;
    is $mediator->ends, 0, '... and it ends';
    # those before exec are strace's
    my %used = map { $_ => 1 } read_file($trace) =~ /^\d+ +(?:<\.\.\. )?(\w+)/mg;
    cmp_ok scalar(keys %used), '>', 30, 'the trace has system calls';
    ok $used{pivot_root}, '... of the sandbox, too' if $mediator->log =~ /namespaces:.* mount/;
    is_deeply [grep { !$allowed{$_} } sort keys %used], [], 'the filter of the unit allows all of them';
    my ($families) = read_file("$units/vgpu-mediator.service") =~ /^RestrictAddressFamilies=(.*)$/m;
    is_deeply [grep { $_ ne $families } read_file($trace) =~ / socket\((\w+)/g], [], '... and their sockets';
    return;
}

sub test_namespaces {
    my ($allowed) = read_file("$units/vgpu-mediator.service") =~ /^RestrictNamespaces=(.*)$/m;
    my %flag = (NEWUSER => 'user', NEWNET => 'net', NEWIPC => 'ipc', NEWNS => 'mnt');
    # strace may interrupt a line after the arguments
    my @used = map { $flag{$_} // $_ } read_file("$mediator->{dir}/trace") =~ /(?:unshare\(|setns\(\d+, )CLONE_(\w+)/g;
    cmp_ok scalar(@used), '>', 0, 'the trace has namespaces';
    my %allowed = map { $_ => 1 } split ' ', $allowed;
    is_deeply [grep { !$allowed{$_} } @used], [], 'workers may create their namespaces';
    return;
}

sub test_uninstall {
    write_file("$root/etc/vgpu-stub/mediator.conf", '# changed');
    make('install');
    is read_file("$root/etc/vgpu-stub/mediator.conf"), '# changed', 'a configuration that was changed is kept';
    make('uninstall');
    is_deeply [files()], ['etc/vgpu-stub/mediator.conf'], '... and also when the rest is removed';
    unlink "$root/etc/vgpu-stub/mediator.conf";
    make('install');
    make('uninstall');
    is_deeply [files()], [], 'one that was not is removed';
    return;
}

test_install();
test_verify();
test_filter();
test_namespaces();
test_uninstall();

done_testing;
