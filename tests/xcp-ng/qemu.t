#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Check with a real QEMU what qemu-device/xcp-ng/qemu-wrapper assumes about QEMU and
# the device: the device's properties, the slots, and the device's section in a saved
# state. tests/intree/xcp-ng.t checks how it detects a QEMU with the device.
#
# As on XCP-ng, the machine has a network card in the slot of xenopsd's first one, and
# the display in slot 2, after all other arguments.
#
# Needs: setup-device device
use strict;
use warnings;
use Test::More;
use Contract;
use Dom0;
use IO::Socket::UNIX;
use Qtest;

my $qemu = top_dir() . '/tests/lib/qemu-under-test';
my @machine = qw(-machine pc -m 16);
my @before = ('-device', 'rtl8139,addr=4');
my @behind = ('-device', 'VGA,addr=2');

$ENV{BUILD} = build_dir();
my $dom0 = Dom0->new;

sub properties {
    my ($device) = @_;
    return map { /^  ([\w-]+)=/ ? $1 : () } qx('$qemu' -device $device,help);
}

# The arguments that the wrapper adds for a list, a reference
sub added {
    my ($list, @arguments) = @_;
    $dom0->device_model_args($list);
    my $result = $dom0->start(Dom0::DOMID, @arguments);
    return [@{ $result->{arguments} }[1 + @arguments .. $#{ $result->{arguments} }]];
}

sub starts {
    my (@device) = @_;
    my $command = join ' ', map { "'$_'" } $qemu, @machine, '-nodefaults', '-S', '-display',
        'none', '-monitor', 'stdio', @before, @device, @behind;
    my $output = qx(echo quit | $command 2>&1);
    return ($? == 0, $output);
}

# The wrapper accepts only one of the device's properties. If this fails for a new
# property of the device, decide here and in the wrapper whether to accept it.
sub test_properties {
    my %has = map { $_ => 1 } properties('vgpu-stub');
    ok $has{addr}, 'the device has the property addr';
    for my $property (sort keys %has) {
        is_deeply added(qq(["-device","vgpu-stub,$property=1e"])),
            $property eq 'addr' ? ['-device', 'vgpu-stub,addr=1e'] : [],
            "the property $property";
    }
    my @common = grep { $_ ne 'dma_mask' } properties('edu');
    is_deeply [sort keys %has], [sort @common, qw(queues mediator mediator-timeout)],
        'the wrapper refuses queues and any other mediator, which other devices lack';
}

# Something has to listen; the VM's QEMU connects before it runs
sub test_mediator {
    my $socket = "$dom0->{root}/run/vgpu-stub/mediator.sock";
    $dom0->write('run/vgpu-stub/log', '');
    $dom0->program('usr/sbin/vgpu-mediator', "#!/bin/sh\nexit 0\n");
    $dom0->write(Dom0::EMULATOR, "vgpu-stub\0mediator-timeout");
    my $list = '["-device","vgpu-stub,addr=1e,mediator=vgpu-mediator"]';
    my $device = added($list);
    is scalar @$device, 4, 'the wrapper adds the mediator';
    ok !(starts(@$device))[0], 'without a listener QEMU would not start';
    my $listener = IO::Socket::UNIX->new(Local => $socket, Listen => 1) or die $!;
    my ($started, $output) = starts(@$device);
    ok $started, "QEMU starts with @$device" or diag $output;
    $listener->blocking(0);
    ok $listener->accept, 'and has connected';
    return;
}

sub test_slots {
    my ($started, $output) = starts('-device', 'vgpu-stub');
    ok !$started, 'without a slot QEMU does not start';
    like $output, qr/slot 2 function 0 not available for VGA, in use by vgpu-stub/,
        'because the device is in the slot of the display';
    for my $property ('', map { sprintf ',addr=%x', $_ } 0x18 .. 0x1f) {
        my $device = added(qq(["-device","vgpu-stub$property"]));
        is scalar @$device, 2, "the wrapper accepts '$property'";
        ($started, $output) = starts(@$device);
        ok $started, "and QEMU starts with @$device" or diag $output;
    }
}

# With the QMP command that XCP-ng uses
sub save {
    my ($state, @device) = @_;
    my $vm = Qtest->new(@machine, @device);
    save_vm($vm, $state);
    return;
}

sub save_vm {
    my ($vm, $state) = @_;
    $vm->qmp('xen-save-devices-state', { filename => $state, live => JSON::PP::false });
    $vm->quit;
    return;
}

# A guest can write any bytes to the display's palette, which is saved
sub plant {
    my ($vm, $bytes) = @_;
    $vm->send_command('outb 0x3c8 0');
    $vm->send_command(sprintf 'outb 0x3c9 0x%x', ord) for split //, $bytes . "\0\0";
    return;
}

# 'completed', or QEMU's last error
sub move {
    my ($state, $from, $to) = @_;
    my $vm = Qtest->new(@machine, @$from);
    $vm->migrate("exec:cat >'$state'");
    $vm->quit;
    local $SIG{PIPE} = 'IGNORE';
    $vm = Qtest->new(@machine, @$to, '-incoming', 'defer');
    return eval {
        $vm->qmp('migrate-incoming', { uri => "exec:cat '$state'" });
        $vm->poll('query-migrate', sub { ($_[0]{status} // '') eq 'completed' })->{status};
    } // $@;
}

sub test_state {
    my $state = "$dom0->{root}/state";
    my @saved = ('-device', 'vgpu-stub,addr=1d');
    save($state, @saved);
    my $device = added('["-device","vgpu-stub,addr=1e"]', '-loadvm', $state);
    is_deeply $device, \@saved, 'the slot is found in a saved state';
    save($state, @saved, '-global', 'migration.send-section-footer=off');
    is_deeply added('["-device","vgpu-stub,addr=1e"]', '-loadvm', $state), \@saved,
        'and in one without footers, as machine types before 2.4 write it';
    save($state);
    is_deeply added('["-device","vgpu-stub"]', '-loadvm', $state), [],
        'no slot is found in the state of a VM without the device';

    is move($state, \@saved, $device), 'completed', 'QEMU loads the state with this slot';
    like move($state, \@saved, []), qr/Unknown savevm section .*0000:00:1d\.0\/vgpu-stub/,
        'QEMU does not load it without the device';
    like move($state, \@saved, ['-device', 'vgpu-stub,addr=1e']), qr/Unknown savevm section/,
        'nor with the device in another slot';
}

# What a guest writes does not change the slot
sub test_planted {
    my $state = "$dom0->{root}/state";
    my $name = '0000:00:1f.0/vgpu-stub';
    for my $planted ($name, pack 'CNC/aNN', 4, 99, $name, 0, 1) {
        my $vm = Qtest->new(@machine, @before, '-device', 'vgpu-stub,addr=1d', @behind);
        plant($vm, $planted);
        save_vm($vm, $state);
        cmp_ok index(Qmp::slurp($state), $planted), '>', 0, 'the state contains the planted bytes';
        is_deeply added('["-device","vgpu-stub,addr=1d"]', '-loadvm', $state),
            ['-device', 'vgpu-stub,addr=1d'], 'the real slot is chosen';
    }
    my $vm = Qtest->new(@machine, @behind);
    plant($vm, $name);
    save_vm($vm, $state);
    is_deeply added('["-device","vgpu-stub,addr=1f"]', '-loadvm', $state), [],
        'a planted name is not taken for the device';
    return;
}

test_properties();
test_slots();
test_mediator();
test_state();
test_planted();

done_testing;
