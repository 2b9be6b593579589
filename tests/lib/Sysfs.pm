# SPDX-License-Identifier: GPL-2.0-or-later
#
# Stand-ins for /sys/bus/pci, to test vgpu-probe with kernels and faults that the test
# guests cannot produce. tests/guest covers a real kernel.
#
#   my @options = sysfs(slot => '0000:00:02.0', config => $bytes, FILE => TEXT…);
#   run_probe(@options);
#
# FILE => undef leaves out the file; driver => NAME binds the device to that driver.
package Sysfs;

use strict;
use warnings;
use Contract;
use Exporter 'import';
use File::Path qw(make_path remove_tree);
use Probe;

our @EXPORT = qw(sysfs config_bytes registers queue_registers);

my $count = 0;

# The configuration space of a dump's first device
sub config_bytes {
    my ($name, @edits) = @_;
    my $dump = edit_dump(base_dump($name), @edits);
    my $hex = join '', map { /^[0-9a-f]+:((?: [0-9a-f]{2})+)$/ ? $1 : () } split /\n/, $dump;
    return pack 'H*', $hex =~ s/ //gr;
}

# BAR0 after a reset, except for the given registers
sub registers {
    my %other = @_;
    my $bar0 = "\0" x contract('BAR0_SIZE');
    for my $name (qw(MAGIC VERSION FEATURES STATUS BAD_ACCESS)) {
        substr $bar0, contract("REG_$name"), 4, pack 'V', $other{$name} // contract($name);
    }
    return $bar0;
}

# The same of a device with queues; QUEUE_STATUS and its like are of the last one
sub queue_registers {
    my ($queues, %other) = @_;
    my %value = (VERSION => contract('VERSION_QUEUES'), FEATURES => contract('FEATURE_QUEUES'),
        QUEUES => $queues, VECTORS => $queues + 1, COMMAND_SETS => 3, EVENT_VECTOR => contract('VECTOR_NONE'),
        map({ ($_ => contract($_)) }
            qw(QUEUE_SIZE_MAX LIST_MAX BUFFERS_MAX BUFFER_SEGMENTS_MAX SEGMENTS_MAX TRANSFER_MAX)), %other);
    my $bar0 = registers(%value);
    # what is not to be read would be seen
    substr $bar0, contract($_), contract("${_}_SIZE"), "\xee" x contract("${_}_SIZE") for qw(WIN_QUEUE WIN_DOORBELL);
    for my $n (0 .. $queues - 1) {
        my $at = contract('WIN_QUEUE') + $n * contract('QUEUE_STRIDE');
        substr $bar0, $at, contract('QUEUE_STRIDE'), "\0" x contract('QUEUE_STRIDE');
        substr $bar0, $at + contract('QUEUE_VECTOR'), 4, pack 'V', contract('VECTOR_NONE');
    }
    for my $name (grep { !/^(?:MAGIC|VERSION|FEATURES|STATUS|BAD_ACCESS)$/ } keys %value) {
        my $at = $name =~ /^QUEUE_(?!SIZE_MAX)/ ?
            contract('WIN_QUEUE') + ($queues - 1) * contract('QUEUE_STRIDE') + contract($name) : contract("REG_$name");
        substr $bar0, $at, 4, pack 'V', $value{$name};
    }
    return $bar0;
}

sub files_of {
    my ($config) = @_;
    my ($vendor, $device) = unpack 'vv', $config;
    my ($revision, $class) = (ord(substr $config, 8), unpack 'V', substr($config, 9, 3) . "\0");
    my ($sub_vendor, $sub_device) = unpack 'vv', substr $config, 0x2c, 4;
    my $bar0 = unpack('V', substr $config, 0x10, 4) & ~0xf;
    return (
        vendor => sprintf('0x%04x', $vendor), device => sprintf('0x%04x', $device),
        class => sprintf('0x%06x', $class), revision => sprintf('0x%02x', $revision),
        subsystem_vendor => sprintf('0x%04x', $sub_vendor),
        subsystem_device => sprintf('0x%04x', $sub_device),
        resource => sprintf("0x%016x 0x%016x 0x%016x\n", $bar0, $bar0 + contract('BAR0_SIZE') - 1, 0x40200)
            . "0x0000000000000000 0x0000000000000000 0x0000000000000000\n" x 12,
        irq => '0', enable => '0', power_state => 'unknown',
        modalias => sprintf('pci:v%08Xd%08Xsv%08Xsd%08Xbc12sc00i00', $vendor, $device, $sub_vendor, $sub_device),
    );
}

sub sysfs {
    my %given = (slot => '0000:00:02.0', @_);
    my $config = delete $given{config} // config_bytes('conventional');
    my $top = $given{top} // scratch_dir() . '/sysfs' . $count++;
    my $dir = "$top/devices/" . delete $given{slot};
    my $driver = delete $given{driver};
    delete $given{top};
    make_path($dir);
    my %files = (files_of($config), config => $config, %given);
    for my $name (grep { defined $files{$_} } keys %files) {
        my ($folder) = "$dir/$name" =~ m{(.*)/};
        make_path($folder);
        write_file("$dir/$name", $name =~ m{^(?:config|resource0?|vgpu_stub/registers)$} ? $files{$name} : "$files{$name}\n");
    }
    symlink "../../drivers/$driver", "$dir/driver" if $driver;
    return ('-A', 'linux-sysfs', '-O', "sysfs.path=$top");
}

1;
