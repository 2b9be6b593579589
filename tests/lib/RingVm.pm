# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest of tests/bench/ring: a vgpu-stub and its peers in one machine.
#
#   my $vm = RingVm->new($folder);      packs the guest there and boots it; see BenchVm.pm
#   $vm->count_notifications($depth)    requests, doorbells, interrupts
#   $vm->end
#
# A target is a name of tests/bench/ring/main.c, nvme, memcpy-host, or wake-host.
package RingVm;

use strict;
use warnings;
use Contract;
use Files;
use IO::Socket::UNIX;
use POSIX ();
use Time::HiRes 'sleep';
use parent 'BenchVm';

my $sys = '/sys/bus/pci/devices/0000:00';
my @helpers;

END { kill 'TERM', @helpers if @helpers }

# A process that answers the guest
sub start_helper {
    my ($work) = @_;
    my $pid = fork // die "fork: $!";
    if ($pid) {
        push @helpers, $pid;
        return;
    }
    $work->();
    POSIX::_exit(1);
}

sub echo_messages {
    my ($listener) = @_;
    my $vm = $listener->accept;
    while (sysread $vm, my $message, 1 << 16) {
        syswrite $vm, $message;
    }
    return;
}

sub start_helpers {
    my ($dir) = @_;
    unlink "$dir/echo", "$dir/ivshmem";
    my $listener = IO::Socket::UNIX->new(Local => "$dir/echo", Listen => 1) or die "$dir/echo: $!";
    start_helper(sub { echo_messages($listener) });
    start_helper(sub { exec "$dir/ivshmem-peer", "$dir/ivshmem" });
    for (1 .. 100) {
        return if -e "$dir/ivshmem";
        sleep 0.1;
    }
    die "ivshmem-peer does not start\n";
}

# VFIO takes ivshmem's interrupts and needs an IOMMU; iommu=pt keeps the others' DMA
# as it is without one
sub new {
    my ($class, $dir) = @_;
    BenchVm::pack_guest($dir);
    start_helpers($dir);
    local @ENV{qw(GUEST VM_MEMORY VM_TIMEOUT KERNEL_OPTIONS)} = ($dir, 1024, 7200, 'intel_iommu=on iommu=pt');
    my $self = $class->SUPER::new('-machine', 'q35', '-device', 'intel-iommu',
        '-name', 'bench,debug-threads=on', '-pidfile', "$dir/pid", '-D', "$dir/trace",
        '-device', 'vgpu-stub,queues=1,addr=4',
        (map { ('-blockdev', "null-co,node-name=null$_,size=1073741824,read-zeroes=on") } 0, 1),
        '-device', 'virtio-blk-pci,drive=null0,addr=5', '-device', 'nvme,serial=1,drive=null1,addr=6',
        '-device', 'virtio-serial-pci,addr=7', '-chardev', "socket,id=echo,path=$dir/echo",
        '-device', 'virtserialport,chardev=echo', '-chardev', "socket,id=ivshmem,path=$dir/ivshmem",
        '-device', 'ivshmem-doorbell,chardev=ivshmem,vectors=1,addr=8', '-device', 'edu,addr=9');
    $self->{trace} = "$dir/trace";
    $self->{dir_of_programs} = $dir;
    chomp($self->{qemu} = read_file("$dir/pid"));
    $self->load_drivers;
    return $self;
}

sub load_drivers {
    my ($self) = @_;
    $self->guest('modprobe -a virtio_pci virtio_blk virtio_console vfio_iommu_type1 vfio_pci');
    $self->guest("echo vfio-pci >$sys:08.0/driver_override; echo 0000:00:08.0 >/sys/bus/pci/drivers_probe");
    $self->guest("echo 1 >$sys:09.0/enable");
    my $group = $self->guest("basename \$(readlink $sys:08.0/iommu_group)");
    my ($port) = $self->guest('ls /dev/vport*');
    $self->{targets} = {
        vgpu => ['vgpu', '/dev/vgpu_stub0'],
        uring => ['uring', '/dev/vgpu_stub0'],
        block => ['block', '/dev/vda'],
        nvme => ['block', '/dev/nvme0n1'],
        echo => ['echo', $port],
        ivshmem => ['ivshmem', "$group,0000:00:08.0"],
        edu => ['edu', "$sys:09.0/resource0"],
        'edu-sleep' => ['edu-sleep', "$sys:09.0/resource0"],
        map { $_ => [/(.*?)(?:-host)?$/, '-'] } qw(memcpy memcpy-host wake wake-host),
    };
    return;
}

# memcpy and wake also run on the host
sub measure {
    my ($self, $target, $depth, $size, $milliseconds) = @_;
    return $self->SUPER::measure($target, $depth, $size, $milliseconds) if $target !~ /-host$/;
    my $before = $self->usage;
    my $line = qx($self->{dir_of_programs}/ring-bench @{[$self->arguments($target, $depth, $size, $milliseconds)]});
    die "ring-bench fails on the host\n" if $?;
    return $self->figures($line, $size, $before);
}

sub trace_events {
    my ($self, $state) = @_;
    $self->hmp("trace-event $_ $state") for qw(vgpu_stub_mmio_write vgpu_stub_interrupt);
    return;
}

sub count_notifications {
    my ($self, $depth) = @_;
    my ($first, $last) = (contract('WIN_DOORBELL'), contract('WIN_MSIX') - 1);
    my $start = -s $self->{trace} // 0;
    $self->trace_events('on');
    my $done = $self->measure('vgpu', $depth, 0, 200)->{done};
    $self->trace_events('off');
    my $trace = substr read_file($self->{trace}), $start;
    my $doorbells = grep { $first <= hex && hex() <= $last } $trace =~ /vgpu_stub_mmio_write addr 0x(\w+)/g;
    my $interrupts = () = $trace =~ /vgpu_stub_interrupt /g;
    return ($done, $doorbells, $interrupts);
}

1;
