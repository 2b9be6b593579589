#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The driver does not trust completions. While the device must not access memory, this test
# writes into the rings what a faulty device could write: too many completions, one for a
# command that is not in flight, two for the same command, none at all. The driver names
# the queue and restarts it, the commands in flight end, and later ones work.
#
# Needs: setup-demo guest
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Files;
use Ring;
use Vm;

my $dir = tempdir(CLEANUP => 1);
my $size = $ENV{VM_MEMORY} // 512;
local $ENV{VM_MEMORY} = $size;
my $vm = Vm->new('-machine', 'q35,memory-backend=ram',
    '-object', "memory-backend-file,id=ram,size=${size}M,mem-path=$dir/ram,share=on",
    '-device', 'vgpu-stub,queues=1', '-D', "$dir/trace", '-trace', 'vgpu_stub_mmio_write');
open my $ram, '+<:raw', "$dir/ram" or die "$dir/ram: $!";

# Where the driver put the rings, as it told the device
my %written = read_file("$dir/trace") =~ /vgpu_stub_mmio_write addr (0x\w+) size 4 val (0x\w+)/g;
my ($sq, $cq, $index) = map { hex $written{ sprintf '0x%x', contract('WIN_QUEUE') + contract("QUEUE_${_}_LO") } }
    qw(SQ CQ INDEX);
my $entries = hex $written{ sprintf '0x%x', contract('WIN_QUEUE') + contract('QUEUE_SIZE') };

my $cq_tail = $index + Ring::index_offset('cq_tail');

sub put {
    my ($address, $bytes) = @_;
    sysseek $ram, $address, 0;
    syswrite $ram, $bytes;
    return;
}

sub word {
    my ($address) = @_;
    sysseek $ram, $address, 0;
    sysread $ram, my $bytes, 4;
    return unpack 'V', $bytes;
}

sub guest {
    my ($command) = @_;
    my ($status, @lines) = $vm->run($command);
    is $status, 0, $command;
    return @lines;
}

# Commands that the device does not execute; returns their IDs
sub submit {
    my ($count) = @_;
    guest('setpci -d 1af4:1111 COMMAND=0:4');
    guest("(vgpu-run nop -q -n $count -d $count; echo \$? >/tmp/status) >/tmp/errors 2>&1 & sleep 1");
    my $tail = word($index + Ring::index_offset('sq_tail'));
    return map { word($sq + 64 * ($_ % $entries) + 4) } $tail - $count .. $tail - 1;
}

sub complete {
    my (@ids) = @_;
    my $tail = word($cq_tail);
    put($cq + 16 * ($tail++ % $entries), pack 'V v v Q<', $_, 0, 0, 0) for @ids;
    put($cq_tail, pack 'V', $tail);
    return;
}

# Closing a file makes the driver look
sub is_noticed {
    my ($what, $message, @status) = @_;
    guest(': </dev/vgpu_stub0; sleep 1; setpci -d 1af4:1111 COMMAND=4:4');
    like join("\n", guest('dmesg -c')), qr/vgpu_stub 0000:[0-9a-f:.]+: queue 0: $message; restarting the queue/, "$what: the driver says so";
    is_deeply [guest('for i in 1 2 3 4 5; do [ -e /tmp/status ] && break; sleep 1; done; cat /tmp/status')], \@status,
        "$what: the commands in flight end" if @status;
    guest('rm -f /tmp/status; vgpu-run copy -v -q -n 600');
    return;
}

guest('dmesg -c >/dev/null');
put($cq_tail, pack 'V', word($cq_tail) + 7);
is_noticed('completions of no command', qr/more completions than commands in flight, CQ_TAIL 0x\w+/);

submit(1);
complete(0x1234567);
is_noticed('a wrong ID', qr/completion for a command that is not in flight, id 0x1234567/, 1);

my ($id) = submit(2);
complete($id, $id);
is_noticed('one command completed twice', qr/completion for a command that is not in flight, id 0x\w+/, 1);

submit(1);
complete(($entries - 1) x ($entries + 1));
is_noticed('more than a ring', qr/more completions than commands in flight, CQ_TAIL 0x\w+/, 1);

submit(1);
guest('kill -9 $(pidof vgpu-run); sleep 12; true');
is_noticed('no completion', qr/commands of a closed file do not end/);

$vm->end->good;
done_testing;
