#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# virsh starts VMs with the device on pc, on q35, below a root port and with a mediator,
# and reports a wrong device name. The consoles are logged to BUILD/log.
#
# Environment:
#   QEMU_VGPU   an emulator that has the device, default Debian's with the device
#               preloaded
#
# Needs: setup-demo setup-libvirt guest mediator
use strict;
use warnings;
use Test::More;
use Contract;
use Guest;
use Mediator;

my $here = top_dir() . '/tests/libvirt';
exec "$here/with-libvirtd", $^X, (map { "-I$_" } @INC), $0 unless $ENV{LIBVIRT_INSIDE}++;

my $build = build_dir();
my $emulator = $ENV{QEMU_VGPU} // "$build/device/qemu-vgpu-stub";
my $prefix = $ENV{QEMU_VGPU} ? 'in-tree' : 'preloaded';

sub read_file {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/ = undef;
    return <$file> =~ s/\r//gr;
}

# virsh's status and what it printed
sub virsh {
    my (@arguments) = @_;
    open my $output, '-|', 'sh', '-c', 'exec virsh -q -c qemu:///system "$@" 2>&1', 'sh',
        @arguments or die "virsh: $!";
    local $/ = undef;
    my $text = <$output>;
    close $output;
    return ($? >> 8, $text);
}

sub define {
    my (%values) = @_;
    my $path = "/run/$values{NAME}.xml";
    $values{BUILD} = $build;
    my $xml = read_file("$here/domain.xml") =~ s/\@([A-Z]+)\@/$values{$1} \/\/ ''/ger;
    open my $file, '>', $path or die "$path: $!";
    print {$file} $xml;
    close $file or die "$path: $!";
    return virsh('define', $path);
}

sub wait_for_end {
    my ($name) = @_;
    for (1 .. 120) {
        my (undef, $state) = virsh('domstate', $name);
        return 1 if $state =~ /shut off/;
        sleep 1;
    }
    virsh('destroy', $name);
    return 0;
}

sub shows {
    my ($slot, $guest) = @_;
    $guest->good;
    my (undef, @lspci) = $guest->command('lspci -d 1af4:1111 -v');
    like $lspci[0], qr/^\Q$slot\E Processing accelerators: Red Hat, Inc\. Device 1111/,
        "lspci shows it in $slot";
    is scalar(grep { /^\tKernel driver in use: vgpu_stub$/ } @lspci), 1, 'bound';
    my ($probed, @probe) = $guest->command('vgpu-probe -v');
    is $probed, 0, 'vgpu-probe passes' or diag @probe;
    return;
}

sub runs {
    my ($name, $machine, $place, $slot, %more) = @_;
    my $console = "$build/log/libvirt-$name.log";
    my $device = qq({"driver":"vgpu-stub",$place});
    unlink $console;
    my ($status, $text) = define(NAME => $name, EMULATOR => $emulator, MACHINE => $machine,
        DEVICE => $device, CONSOLE => $console, %more);
    is $status, 0, 'virsh defines it' or diag $text;
    ($status, $text) = virsh('start', $name);
    is $status, 0, 'virsh starts it' or return diag $text;
    like read_file("/var/log/libvirt/qemu/$name.log"), qr/^-device '\Q$device\E'/m,
        'the device is on the command line that libvirt logs';
    ok wait_for_end($name), 'the VM runs and shuts down';
    shows($slot, Guest::transcript('demo', 0, split /\n/, read_file($console)));
    virsh('undefine', $name);
    return;
}

my $mediator = Mediator->built('/run');
my @machines = (
    ["$prefix-pc", 'pc', '"bus":"pci.0","addr":"0x1e"', '00:1e.0'],
    ["$prefix-q35", 'q35', '"bus":"pcie.0","addr":"0x1e"', '00:1e.0'],
    ["$prefix-root-port", 'q35', '"bus":"pci.1","addr":"0x0"', '01:00.0',
        CONTROLLER => q(<controller type='pci' model='pcie-root-port' index='1'/>)],
    ["$prefix-mediator", 'q35', '"bus":"pcie.0","addr":"0x1e","mediator":"vgpu-mediator"', '00:1e.0',
        MEMORY => q(<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>),
        CHARDEV => q(<qemu:arg value='-chardev'/>)
            . "<qemu:arg value='socket,id=vgpu-mediator,path=$mediator->{socket},reconnect=1'/>"],
);
$mediator->serve;
for my $machine (@machines) {
    subtest $machine->[0] => sub { runs(@$machine) };
}

subtest 'a wrong name' => sub {
    my ($status, $text) = define(NAME => 'wrong', EMULATOR => $emulator, MACHINE => 'pc',
        DEVICE => '{"driver":"vgpu-stubb"}', CONSOLE => "$build/log/libvirt-$prefix-wrong.log");
    is $status, 0, 'virsh defines it: libvirt does not check the argument';
    ($status, $text) = virsh('start', 'wrong');
    is $status, 1, 'virsh does not start it';
    like $text, qr/'vgpu-stubb' is not a valid device model name/, "and prints QEMU's error";
};

is $mediator->stop, 0, 'the mediator ends';
like $mediator->log, qr/VM $prefix-mediator: connected/, 'the mediator served its VM';
done_testing;
