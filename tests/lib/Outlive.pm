# SPDX-License-Identifier: GPL-2.0-or-later
#
# Guests that work, with verified data, while their mediator's processes are killed:
#
#   my $mediator = supervisor($directory, OPTION...);      start one there; a Mediator
#   my @vms = guests($mediator->{socket}, shared => 2, framed => 2);    boot them
#   my $vm = guest($mediator->{socket}, $path, $name, $uri);    one; the directory GUEST has
#                                   the program chardev. With $uri it waits for a migration.
#   start_in('full', @vms)          start a command of chardev in them
#   my @lines = end_in('full', $vm)    end it, and return what it printed
#   start_work(@vms)                the same with 'outlive'
#   my @gaps = end_work(@vms);      checks what they report, and returns times without a
#                                   completion (us), longest first; shorter ones than 5 ms
#                                   are left out
#   end_guests(@vms)                shut them down, and check that
#   oldest_worker($mediator)        its process ID, or undef
#   workers_are($mediator, $count)  wait until it has that many workers
package Outlive;

use strict;
use warnings;
use Chardev;
use Contract;
use Exporter 'import';
use Mediator;
use Test::More;
use Vm;

our @EXPORT = qw(supervisor guest guests start_in end_in start_work end_work end_guests oldest_worker workers_are);

sub supervisor {
    my ($dir, @options) = @_;
    return Mediator->built($dir)->serve(@options);
}

# $uri: from which it migrates here
sub guest {
    my ($socket, $path, $name, $uri) = @_;
    my @arguments = ('-machine', 'q35', '-device', 'vgpu-stub,queues=1', '-name', $name);
    local @ENV{qw(VM_MEDIATOR VM_PATH VM_TIMEOUT)} = ($socket, $path, 7200);
    my $vm = $uri ? Vm->incoming($uri, @arguments) : Vm->new(@arguments);
    @$vm{qw(path name)} = ($path, $name);
    return $vm;
}

sub guests {
    my ($socket, %count) = @_;
    local $ENV{GUEST} = chardev_guest();
    my @vms;
    for my $path (sort keys %count) {
        push @vms, map { guest($socket, $path, "$path$_") } 1 .. $count{$path};
    }
    return @vms;
}

# Start chardev's command in each guest
sub start_in {
    my ($program, @vms) = @_;
    for my $vm (@vms) {
        my ($status) = $vm->run("chardev $program >/tmp/$program 2>&1 & echo \$! >/tmp/pid");
        die "chardev $program does not start" if $status;
    }
    return;
}

# End it in one of them; the lines that it has printed
sub end_in {
    my ($program, $vm) = @_;
    my (undef, @lines) = $vm->run('kill -TERM $(cat /tmp/pid); while kill -0 $(cat /tmp/pid) 2>/dev/null;'
        . " do usleep 100000; done; cat /tmp/$program");
    return @lines;
}

sub start_work { my (@vms) = @_; return start_in('outlive', @vms) }

sub end_work {
    my (@vms) = @_;
    my @gaps;
    for my $vm (@vms) {
        my @lines = end_in('outlive', $vm);
        my ($submitted, $ended) = ($lines[0] // '') =~ /^submitted (\d+), ended (\d+), failed 0, .* wrong 0, twice 0, lost 0$/;
        ok $ended && $submitted == $ended, "$vm->{path}: every command ended once, well and with the right data"
            or diag "the program ends with: ", $lines[0] // "nothing";
        note "$vm->{path}: ", $lines[0] // "nothing";
        push @gaps, ($lines[1] // '') =~ /(\d+)/g;
    }
    @gaps = sort { $b <=> $a } @gaps;
    return @gaps;
}

# QEMU has told of each end of a connection
sub end_guests {
    my (@vms) = @_;
    for my $vm (@vms) {
        truncate "$vm->{dir}/stderr", 0 or die "$vm->{dir}/stderr: $!";
        $vm->end->good;
    }
    return;
}

# The kernel lists children in the order of their births
sub oldest_worker {
    my ($mediator) = @_;
    my ($worker) = $mediator->workers;
    return $worker;
}

sub workers_are {
    my ($mediator, $count) = @_;
    return wait_for(sub { $mediator->workers == $count });
}

1;
