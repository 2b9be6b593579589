#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# "vgpu-mediator status" as text, as JSON that jq reads, and as metrics that Prometheus's
# own parser accepts. Names that would break a format, VMs whose worker crashes, and
# readers that do not read.
#
# Needs: setup-test setup-status mediator
use strict;
use warnings;
use Files;
use IO::Socket::UNIX;
use JSON::PP;
use Mediator;
use Test::More;

alarm 300; # a message that never comes ends the test
my $mediator = Mediator->new(SANITIZE => 1);
my $socket = $mediator->{socket};
my $parse = <<'END';
import sys
from prometheus_client.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    for s in family.samples:
        print(family.type, s.name, s.labels.get("vm", ""), s.labels.get("quantile", ""), s.value, sep="|")
END

sub status {
    my (@options) = @_;
    my ($exit, $output) = $mediator->run('status', "--socket-path=$socket", @options);
    is $exit, 0, "status @options" or diag $output;
    return $output;
}

sub vms {
    my $json = decode_json(status('--json'));
    return map { $_->{name} => $_ } @{ $json->{vms} };
}

# name|vm => value
sub metrics {
    write_file("$mediator->{dir}/metrics", status('--prometheus'));
    write_file("$mediator->{dir}/parse", $parse);
    # not another Python, which has no packages of Debian
    my @lines = qx(/usr/bin/python3 $mediator->{dir}/parse <$mediator->{dir}/metrics);
    is $?, 0, "Prometheus's parser accepts it";
    return map { chomp; my ($type, $name, $vm, $quantile, $value) = split /\|/; ("$name|$vm$quantile" => $value + 0) }
        @lines;
}

sub test_work {
    my ($exit, $out) = $mediator->device('work');
    is $exit, 0, 'a device works' or diag $out;
    my %vms = vms();
    my $vm = $vms{test};
    ok $vm, 'its VM is there' or return;
    cmp_ok $vm->{commands}, '>', 10, '... with commands';
    cmp_ok $vm->{failed}, '>', 0, '... and those that failed';
    cmp_ok $vm->{bytes}, '>', 1000, '... and bytes';
    cmp_ok $vm->{busy_seconds}, '>', 0, '... for which a worker was busy';
    cmp_ok $vm->{busy_seconds}, '<', 60, '... not longer than the test';
    cmp_ok $vm->{latency_ns}{p50}, '>', 0, '... and a latency';
    cmp_ok $vm->{latency_ns}{p50}, '<=', $vm->{latency_ns}{p99}, '... that grows';
    cmp_ok $vm->{latency_ns}{p99}, '<', 10_000_000_000, '... but not beyond reason';
    cmp_ok $vm->{workers}, '>', 0, '... and workers';
    my %metrics = metrics();
    is $metrics{'vgpu_mediator_vm_commands_total|test'}, $vm->{commands}, 'the same for Prometheus';
    is $metrics{'vgpu_mediator_vm_busy_seconds_total|test'}, $vm->{busy_seconds}, '... with the time';
    ok exists $metrics{'vgpu_mediator_vm_latency_seconds|test0.99'}, '... with percentiles';
    like status(), qr/^test +0 /m, 'the table has it, too';
    return;
}

sub test_framed {
    my %before = vms();
    my ($exit, $out) = $mediator->device('framed');
    is $exit, 0, 'a device on the framed path' or diag $out;
    my %after = vms();
    cmp_ok $after{test}{commands}, '>', $before{test}{commands}, '... is counted';
    cmp_ok $after{test}{faults}, '>', $before{test}{faults}, '... with its faults';
    return;
}

sub test_names {
    my @names = ('a"b\\c', "caf\xc3\xa9", "bad\xff", '{}', 'x' x 63);
    my @open = map { ($mediator->hello($socket, $_))[1] } @names;
    my %vms = vms();
    my %metrics = metrics();
    for my $name ('a"b\\c', "caf\x{e9}", 'bad?', '{}', 'x' x 63) {
        is $vms{$name}{devices}, 1, 'a name in JSON';
        utf8::encode(my $bytes = $name);
        is $metrics{"vgpu_mediator_vm_devices|$bytes"}, 1, '... and for Prometheus';
    }
    is_deeply [sort map { $_->{path} } @vms{'{}', 'bad?'}], ['-', '-'], 'no path before the first queue';
    return;
}

sub test_crash {
    my ($answer, $connection) = $mediator->hello($socket, 'crash');
    my ($worker) = $mediator->workers;
    kill 'ABRT', $worker; # sanitizers handle SIGSEGV
    ok $mediator->wait_log(qr/^vgpu-mediator: VM crash: worker \d+ was killed by signal 6/m),
        'the death of a worker is logged with the name of the VM';
    my %vms = vms();
    is $vms{crash}{crashes}, 1, '... and counted';
    is $vms{crash}{devices}, 0, '... and it is not connected';
    ($answer, $connection) = $mediator->hello($socket, 'crash');
    %vms = vms();
    is $vms{crash}{workers}, 2, 'its next worker is counted';

    kill 'STOP', $mediator->workers;
    close $connection;
    ok $mediator->wait_log(qr/^vgpu-mediator: VM crash: worker \d+ is killed: its connection ended$/m),
        'a worker that does not end is killed';
    ok wait_for(sub { !$mediator->workers }), '... and gone';
    %vms = vms();
    is $vms{crash}{kills}, 1, '... and counted';
    return;
}

sub test_readers {
    is sprintf('%o', (stat "$socket.status")[2] & oct 7777), '600', "the status socket is the owner's";
    my @readers = map { IO::Socket::UNIX->new(Peer => "$socket.status") // die $! } 1 .. 300;
    my ($answer, $connection) = $mediator->hello($socket, 'other');
    is $answer, 'OK', 'readers that do not read do not stop it';
    close $_ for @readers;
    my %vms = vms();
    is $vms{other}{devices}, 1, '... and it answers the next one';
    return;
}

sub test_output {
    my $file = "$mediator->{dir}/vgpu.prom";
    write_file($file, 'old');
    is status('--prometheus', "--output=$file"), '', '--output';
    like read_file($file), qr/\A# HELP vgpu_mediator_uptime_seconds/, '... replaces the file';
    is sprintf('%o', (stat $file)[2] & oct 7777), '644', '... which others can read';
    is_deeply [glob "$file.*"], [], '... and leaves no other';
    my ($exit, $output) = $mediator->run('status', "--socket-path=$socket", '--output=/nonexistent/file');
    is $exit, 1, 'a file that cannot be written';
    like $output, qr{cannot create a file beside /nonexistent/file: No such file}, '... is reported';
    return;
}

sub test_jq {
    my $out = qx($mediator->{program} status --socket-path=$socket --json | jq -r '.vms[] | select(.name == "crash") | .kills');
    is $out, "1\n", 'jq reads it';
    return;
}

sub test_failures {
    my ($exit, $output) = $mediator->run('status', '--socket-path=/nonexistent/x');
    is $exit, 1, 'no mediator';
    like $output, qr{cannot connect to the mediator at /nonexistent/x\.status: No such file}, '... is reported';
    is(($mediator->run('status', '--nothing'))[0], 2, 'bad usage');
    is(($mediator->run('status', 'more'))[0], 2, '... and an argument');
    is(($mediator->run('status', '--help'))[0], 0, '--help');
    return;
}

$mediator->start("--socket-path=$socket");
ok $mediator->ready($socket), 'it listens' or diag $mediator->log;
test_work();
test_framed();
test_crash();
test_names();
test_readers();
test_output();
test_jq();
test_failures();
is $mediator->stop, 0, 'it ends';
ok !-e "$socket.status", '... and removes the status socket';
unlike $mediator->log, qr/Sanitizer|runtime error/, 'sanitizers found nothing';

done_testing;
