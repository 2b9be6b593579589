#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# virsh starts virtual machines that have the device: with the device loaded into
# Debian's QEMU and with it in QEMU's tree, on both machines and under a root port;
# with a wrong name it says what is wrong. A console is in BUILD/log.
use strict;
use warnings;
use Test::More;
use Contract;
use Guest;

my $here = top_dir() . '/tests/libvirt';
exec "$here/with-libvirtd", $^X, (map { "-I$_" } @INC), $0 unless $ENV{LIBVIRT_INSIDE}++;

my $build = build_dir();
my $preloaded = "$build/device/qemu-vgpu-stub";
my $in_tree = "$build/qemu-7.2/qemu-system-x86_64";

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
    my ($probed, @probe) = $guest->command('vgpu-probe');
    is $probed, 0, 'vgpu-probe passes';
    diag $probe[-1] // '';
    return;
}

sub runs {
    my ($name, $emulator, $machine, $place, $slot, $controller) = @_;
    my $console = "$build/log/libvirt-$name.log";
    my $device = qq({"driver":"vgpu-stub",$place});
    unlink $console;
    my ($status, $text) = define(NAME => $name, EMULATOR => $emulator, MACHINE => $machine,
        DEVICE => $device, CONTROLLER => $controller, CONSOLE => $console);
    is $status, 0, 'virsh defines it' or diag $text;
    ($status, $text) = virsh('start', $name);
    is $status, 0, 'virsh starts it' or return diag $text;
    like read_file("/var/log/libvirt/qemu/$name.log"), qr/^-device '\Q$device\E'/m,
        'the device is on the command line that libvirt logs';
    ok wait_for_end($name), 'it runs, and ends by itself';
    shows($slot, Guest::transcript('demo', 0, split /\n/, read_file($console)));
    virsh('undefine', $name);
    return;
}

my @machines = (
    ['preloaded-pc', $preloaded, 'pc', '"bus":"pci.0","addr":"0x1e"', '00:1e.0'],
    ['preloaded-q35', $preloaded, 'q35', '"bus":"pcie.0","addr":"0x1e"', '00:1e.0'],
    ['in-tree-pc', $in_tree, 'pc', '"bus":"pci.0","addr":"0x1e"', '00:1e.0'],
    ['in-tree-root-port', $in_tree, 'q35', '"bus":"pci.1","addr":"0x0"', '01:00.0',
        q(<controller type='pci' model='pcie-root-port' index='1'/>)],
);
for my $machine (@machines) {
    subtest $machine->[0] => sub { runs(@$machine) };
}

subtest 'a wrong name' => sub {
    my ($status, $text) = define(NAME => 'wrong', EMULATOR => $in_tree, MACHINE => 'pc',
        DEVICE => '{"driver":"vgpu-stubb"}', CONSOLE => "$build/log/libvirt-wrong.log");
    is $status, 0, 'virsh defines it: libvirt does not look into the argument';
    ($status, $text) = virsh('start', 'wrong');
    is $status, 1, 'virsh does not start it';
    like $text, qr/'vgpu-stubb' is not a valid device model name/, "and passes on QEMU's line";
    diag $text;
};

done_testing;
