# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest of tests/bench/mediator, with its peers: a vgpu-stub with a mediator and one
# without, a virtio-blk and a vhost-user-blk that read from null-co, and edu.
#
#   MediatorVm::start_mediator($folder)         for all guests
#   my $vm = MediatorVm->new($folder, $name, $shared);      boot it; see BenchVm.pm. The
#                                               mediator uses the shared path, or the framed
#   $vm->idle($seconds)     a hash: wakeups (a second, of its worker), resident (KiB) and
#                           of these guest_pages (KiB)
#
# ->usage also has worker (us of CPU time of the worker or of qemu-storage-daemon),
# and how often threads went to sleep: host_sleeps and worker_sleeps.
package MediatorVm;

use strict;
use warnings;
use Contract;
use Files;
use JSON::PP;
use Time::HiRes 'sleep';
use parent 'BenchVm';

my $sys = '/sys/bus/pci/devices/0000:00';
my ($mediator, @daemons, @guests, %known_worker);

# Also if the benchmark dies
END {
    local $?;
    eval { $_->leave } for grep { $_->{pid} } @guests;
    kill 'TERM', @daemons if @daemons;
    waitpid $_, 0 for @daemons;
}

# Start a program that creates a socket
sub start_daemon {
    my ($socket, $log, @command) = @_;
    unlink $socket;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDERR, '>', $log or die "$log: $!";
        open STDOUT, '>&', \*STDERR or die "$log: $!";
        exec @command or die "$command[0]: $!";
    }
    push @daemons, $pid;
    for (1 .. 100) {
        return $pid if -S $socket;
        sleep 0.1;
    }
    die "$command[0] does not start, see $log\n";
}

sub start_mediator {
    my ($dir) = @_;
    $mediator = start_daemon("$dir/mediator", "$dir/mediator.log",
        build_dir() . '/mediator/vgpu-mediator', "--socket-path=$dir/mediator");
    return;
}

sub start_storage {
    my ($dir, $name) = @_;
    my $socket = "$dir/vhost-user-$name";
    return start_daemon($socket, "$dir/storage-$name.log", 'qemu-storage-daemon',
        '--blockdev', 'null-co,node-name=null,size=1073741824,read-zeroes=on',
        '--export', "type=vhost-user-blk,id=null,node-name=null,addr.type=unix,addr.path=$socket");
}

sub memory {
    my ($shared) = @_;
    return () if !$shared;
    return ('-object', 'memory-backend-memfd,id=ram,size=512M,share=on', '-machine', 'memory-backend=ram');
}

# vhost-user needs shared memory
sub peers {
    my ($dir, $name, $shared) = @_;
    return () if !$shared;
    return ('-device', 'vgpu-stub,queues=1,addr=5',
        '-blockdev', 'null-co,node-name=null,size=1073741824,read-zeroes=on',
        '-device', 'virtio-blk-pci,drive=null,addr=6,serial=virtio',
        '-chardev', "socket,id=vhost-user,path=$dir/vhost-user-$name",
        '-device', 'vhost-user-blk-pci,chardev=vhost-user,num-queues=1,addr=7',
        '-device', 'edu,addr=8');
}

sub new {
    my ($class, $dir, $name, $shared) = @_;
    my $storage = $shared ? start_storage($dir, $name) : undef;
    local @ENV{qw(GUEST VM_MEMORY VM_TIMEOUT)} = ($dir, 512, 7200);
    my $self = $class->SUPER::new('-machine', 'q35', memory($shared),
        '-name', "$name,debug-threads=on", '-pidfile', "$dir/pid-$name",
        '-chardev', "socket,id=med,path=$dir/mediator,reconnect=1",
        '-device', 'vgpu-stub,queues=1,mediator=med,addr=4', peers($dir, $name, $shared));
    push @guests, $self;
    @{$self}{qw(dir_of_sockets name)} = ($dir, $name);
    $self->{storage} = $storage;
    chomp($self->{qemu} = read_file("$dir/pid-$name"));
    $self->find_worker;
    $shared ? $self->use_peers : $self->use_mediator('framed');
    return $self;
}

# The guests start one after the other, so the new worker is that of this one
sub find_worker {
    my ($self) = @_;
    for (1 .. 100) {
        my ($worker) = grep { !$known_worker{$_}++ } split ' ', read_file("/proc/$mediator/task/$mediator/children");
        return $self->{worker} = $worker if $worker;
        sleep 0.1;
    }
    die "the device does not connect to the mediator\n";
}

# The device file of the vgpu-stub in a slot, and of the virtio disk in one
sub node { my ($self, $slot) = @_; return '/dev/' . $self->guest("ls $sys:$slot.0/misc") }
sub disk { my ($self, $slot) = @_; return '/dev/' . $self->guest("ls $sys:$slot.0/virtio*/block") }

# What the mediator reports of this guest
sub status {
    my ($self) = @_;
    my $json = qx(@{[build_dir()]}/mediator/vgpu-mediator status --json --socket-path=$self->{dir_of_sockets}/mediator);
    my ($vm) = grep { $_->{name} eq $self->{name} } @{ decode_json($json)->{vms} };
    return $vm;
}

# The device falls back to other paths, so look which one it has
sub use_mediator {
    my ($self, $path) = @_;
    $self->{targets}{$path} = ['vgpu', $self->node('04')];
    $self->measure($path, 1, 0, 50);
    my $status = $self->status;
    die "the mediator does not execute the commands of '$self->{name}' on the $path path\n"
        if $status->{path} ne $path || !$status->{commands};
    return;
}

sub use_peers {
    my ($self) = @_;
    $self->use_mediator('shared');
    $self->guest('modprobe -a virtio_pci virtio_blk');
    $self->guest("echo 1 >$sys:08.0/enable");
    $self->{targets}{embedded} = ['vgpu', $self->node('05')];
    $self->{targets}{virtio} = ['block', $self->disk('06')];
    $self->{targets}{vhost} = ['block', $self->disk('07')];
    $self->{targets}{poll} = ['edu-sleep', "$sys:08.0/resource0"];
    return;
}

sub sleeps {
    my ($task) = @_;
    my ($count) = (eval { read_file("$task/status") } // '') =~ /^voluntary_ctxt_switches:\s*(\d+)/m;
    return $count // 0;
}

# Of the processes besides QEMU only the one that the measurement uses does anything
sub usage {
    my ($self) = @_;
    my $usage = $self->SUPER::usage;
    $usage->{$_} = 0 for qw(worker host_sleeps worker_sleeps);
    for my $thread (map { glob "/proc/$_/task/*" } grep {defined} $self->{worker}, $self->{storage}) {
        $usage->{worker} += BenchVm::thread_us($thread);
        $usage->{worker_sleeps} += sleeps($thread);
    }
    for my $thread (glob "/proc/$self->{qemu}/task/*") {
        $usage->{host_sleeps} += sleeps($thread) if (eval { read_file("$thread/comm") } // 'CPU') !~ /^CPU/;
    }
    return $usage;
}

sub idle {
    my ($self, $seconds) = @_;
    my $task = "/proc/$self->{worker}/task/$self->{worker}";
    my $before = sleeps($task);
    sleep $seconds;
    my ($status, $wakeups) = (read_file("$task/status"), (sleeps($task) - $before) / $seconds);
    my ($resident, $shared) = map { $status =~ /^$_:\s*(\d+) kB/m ? $1 : 0 } qw(VmRSS RssShmem);
    return { wakeups => $wakeups, resident => $resident, guest_pages => $shared };
}

1;
