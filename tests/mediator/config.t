#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The configuration file of vgpu-mediator: every fault is one line with the file, the line
# and what is allowed; options override it; SIGHUP reads it again. Sockets of VMs, and
# sockets that systemd passes.
#
# Needs: setup-test mediator
use strict;
use warnings;
use Contract;
use Files;
use IO::Socket::UNIX;
use Mediator;
use POSIX ();
use Socket;
use Test::More;

alarm 300; # a message that never comes ends the test
my $mediator = Mediator->new(SANITIZE => 1);
my $file = "$mediator->{dir}/mediator.conf";
my $socket = $mediator->{socket};
my $vm_socket = "$mediator->{dir}/web.sock";

sub check {
    my ($text) = @_;
    write_file($file, $text);
    my ($status, $output) = $mediator->run("--config=$file", '--check-config');
    return ($status, $output =~ s/^vgpu-mediator: \Q$file\E:?//mgr);
}

sub is_fault {
    my ($text, $line, $expected) = @_;
    my ($status, $output) = check($text);
    is $status, 2, "a fault: $expected";
    like $output, qr/\A$line: $expected[^\n]*\n\z/, '... in one line, with its number';
    return;
}

sub test_faults {
    my $long = 'x' x 200;
    is_fault("[mediator]\n\nconnections = 0\n", 3, 'connections = 0: allowed are numbers from 1 to 256');
    is_fault("[mediator]\nconnections = 257", 2, 'connections = 257: allowed');
    is_fault("[mediator]\nsocket = run/x\n", 2, 'socket = run/x: allowed is an absolute path');
    is_fault("[mediator]\nsocket = /" . 'x' x 107 . "\n", 2, 'socket = /x+: allowed .* up to 107 bytes');
    is_fault("[mediator]\nowner = no-such-user\n", 2, 'owner = no-such-user: allowed is a user');
    is_fault("[mediator]\ngroup = -1\n", 2, 'group = -1: allowed is a group');
    is_fault("[mediator]\nweight = 1\n", 2, 'weight: allowed in \[mediator\] are socket,');
    is_fault("[defaults]\nweight = 1001\n", 2, 'weight = 1001: allowed are numbers from 1 to 1000');
    is_fault("[defaults]\nweight = 1\n weight = 2\n", 3, 'weight is given twice');
    is_fault("[defaults]\nsocket = /x\n", 2, 'socket: allowed in \[defaults\] are weight,');
    is_fault("[vm a]\nmemory = 1T\n", 2, 'memory = 1T: allowed are bytes');
    is_fault("[vm a]\nbytes = 99999999999G\n", 2, 'bytes = 9+G: allowed are bytes');
    is_fault("[vm a]\ncommand-time-ms = 1s\n", 2, 'command-time-ms = 1s: allowed are numbers');
    is_fault("[vm a]\ncolour = blue\n", 2, 'colour: allowed in \[vm NAME\] are');
    is_fault("[vm]\nweight = 1\n", 2, 'weight in \[vm\]: allowed sections are');
    is_fault("[vms]\nweight = 1\n", 2, 'weight in \[vms\]: allowed sections are');
    is_fault("weight = 1\n", 1, 'weight in \[\]: allowed sections are');
    is_fault("[vm a]\nweight\n", 2, 'allowed is a section in brackets, KEY = VALUE');
    is_fault("[vm a\n", 1, 'allowed is a section in brackets');
    is_fault("# $long\n", 1, 'too long: allowed are 197 bytes');
    is_fault('[vm ' . 'x' x 47 . "]\n", 1, 'too long: .* 49 in the name of a section');
    is_fault(join('', map {"[vm $_]\nweight = 1\n"} 1 .. 257), 514, 'more than 256 VMs');
    my ($status, $output) = check("[defaults]\nweight = 0\n\ncommands = x\n");
    is $output =~ tr/\n//, 2, 'all faults are reported';
    ($status, $output) = $mediator->run('--config=/nonexistent', '--check-config');
    is $status, 2, 'a file that does not exist';
    like $output, qr{cannot open the configuration /nonexistent: No such file}, '... is named';
    return;
}

sub test_good {
    my ($status, $output) = check(<<'END');
# a comment
[mediator]
socket = /run/vgpu-stub/mediator.sock
owner = root
group = 0
connections = 256

[vm web server]
    weight = 1000
    bytes = 16M
    memory: 8G ; another comment
    command-time-ms = 0
[defaults]
commands=64
[vm db]
END
    is $status, 0, 'a good file' or diag $output;
    is $output, '', '... and no message';
    is((check(''))[0], 0, 'an empty file');
    is((check('[vm ' . 'x' x 46 . "]\nweight = 1"))[0], 0, 'the longest name of a VM');
    is(($mediator->run('--check-config'))[0], 2, '--check-config needs a file');
    return;
}

sub test_limit_and_reload {
    write_file($file, "[mediator]\nsocket = /nonexistent/socket\nconnections = 1\n");
    $mediator->start("--config=$file", "--socket-path=$socket");
    ok wait_for(sub { -S $socket }), 'an option overrides the file';
    my ($answer, $first) = $mediator->hello($socket, 'one');
    is $answer, 'OK', 'a connection';
    is +($mediator->hello($socket, 'two'))[0], 'BUSY', 'one more than the limit is refused';
    ok $mediator->wait_log(qr/connection closed: a message: BUSY: too many connections/),
        '... which is logged' or diag $mediator->log;

    # all but a line is good
    write_file($file, "[mediator]\nconnections = 2\nsockets = many\n");
    kill 'HUP', $mediator->{pid};
    ok $mediator->wait_log(qr/^vgpu-mediator: \Q$file\E:3: sockets: allowed/m), 'SIGHUP reads the file again';
    ok $mediator->wait_log(qr/the earlier configuration stays in use/), '... and a fault changes nothing';
    is +($mediator->hello($socket, 'two'))[0], 'BUSY', '... such as the limit';

    write_file($file, "[mediator]\nconnections = 2\n");
    kill 'HUP', $mediator->{pid};
    ok $mediator->wait_log(qr/the configuration was read again/), 'SIGHUP without a fault';
    my ($again, $second) = $mediator->hello($socket, 'two');
    is $again, 'OK', '... changes the limit';
    syswrite $first, pack('V v v V V', 16, 9, 0, 2, 0);
    is length(Mediator::receive($first, 24) // ''), 24, '... and connections go on';
    is $mediator->stop, 0, 'it ends';
    ok !-e $socket, '... and removes its socket';
    return;
}

sub test_vm_socket {
    write_file($file, <<"END");
[mediator]
socket = $socket
[vm web]
socket = $vm_socket
group = 0
END
    $mediator->start("--config=$file");
    ok $mediator->ready($vm_socket), 'a VM has its own socket' or diag $mediator->log;
    is sprintf('%o', (stat $vm_socket)[2] & oct 7777), '660', '... with its own group';
    is sprintf('%o', (stat $socket)[2] & oct 7777), '600', '... which the other one has not';
    my ($answer, $connection) = $mediator->hello($vm_socket, 'db');
    is $answer, 'OK', 'a device that claims another name';
    ok $mediator->wait_log(qr/^vgpu-mediator: VM web: its name is db in QEMU$/m), '... is logged';
    ok $mediator->wait_log(qr/^vgpu-mediator: VM web: connected, worker/m), '... and is the VM of the socket';
    is $mediator->stop, 0, 'it ends';
    ok !-e $vm_socket && !-e $socket, '... and removes both sockets';
    return;
}

# As systemd does it
sub pass_sockets {
    my (@sockets) = @_;
    # the two ends could overlap
    POSIX::dup2(fileno $sockets[$_], 20 + $_) // die $! for 0 .. $#sockets;
    POSIX::dup2(20 + $_, 3 + $_) // die $! for 0 .. $#sockets;
    @ENV{qw(LISTEN_PID LISTEN_FDS)} = ($$, scalar @sockets);
    return;
}

sub test_systemd {
    my $notify = "$mediator->{dir}/notify";
    socket my $states, AF_UNIX, SOCK_DGRAM, 0 or die $!;
    bind $states, pack_sockaddr_un($notify) or die "$notify: $!";
    my @sockets = map { IO::Socket::UNIX->new(Local => $_, Listen => 8) // die $! } $socket, $vm_socket;
    $mediator->spawn(sub { $ENV{NOTIFY_SOCKET} = $notify; pass_sockets(@sockets) }, "--config=$file");
    recv $states, my $state, 100, 0;
    is $state, 'READY=1', 'systemd is told when it is ready';
    for my $case ([$socket, 'other'], [$vm_socket, 'web']) {
        my ($answer, $connection) = $mediator->hello($case->[0], 'other');
        is $answer, 'OK', "a socket that systemd passed, for $case->[1]";
        ok $mediator->wait_log(qr/VM $case->[1]: connected/), '... is used';
    }
    is $mediator->stop, 0, 'it ends';
    recv $states, $state, 100, 0;
    is $state, 'STOPPING=1', '... which systemd is told';
    ok -S $socket && -S $vm_socket, '... and the sockets stay';

    socket my $datagrams, AF_UNIX, SOCK_DGRAM, 0 or die $!;
    $mediator->spawn(sub { pass_sockets($datagrams) });
    is $mediator->ends, 1, 'a socket that is of no use';
    like $mediator->log, qr/cannot use descriptor 3: it is not a Unix stream socket that listens/, '... is named';
    $mediator->spawn(sub { $ENV{LISTEN_PID} = 1; $ENV{LISTEN_FDS} = 1 });
    is $mediator->ends, 2, 'sockets for another process are not used';
    like $mediator->log, qr/there is no socket to listen on/, '... and there is no other';
    unlink $socket, $vm_socket;
    return;
}

sub test_fd {
    my $listener = IO::Socket::UNIX->new(Local => $socket, Listen => 8) // die $!;
    $mediator->spawn(sub { pass_sockets($listener); delete $ENV{LISTEN_FDS} }, '--fd=3');
    my ($answer, $connection) = $mediator->hello($socket, 'one');
    is $answer, 'OK', '--fd with a socket that listens';
    is $mediator->stop, 0, '... until SIGTERM';
    ok -S $socket, '... and the socket stays';
    return;
}

sub test_owner {
  SKIP: {
        skip 'only root can give files away', 3 if $>;
        unlink $socket;
        $mediator->start("--socket-path=$socket", '--owner=65534', '--group=65533');
        ok $mediator->ready($socket), '--owner and --group';
        my ($mode, $owner, $group) = (stat $socket)[2, 4, 5];
        is "$owner:$group", '65534:65533', '... are set';
        is sprintf('%o', $mode & oct 7777), '660', '... and the mode';
        $mediator->stop;
    }
    return;
}

test_faults();
test_good();
test_limit_and_reload();
test_vm_socket();
test_systemd();
test_fd();
test_owner();
unlike $mediator->log, qr/Sanitizer|runtime error/, 'sanitizers found nothing';

done_testing;
