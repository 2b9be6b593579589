# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest with the program of tests/bench/ring; base class of RingVm and MediatorVm, which
# set {targets}: name => [the program's name of it, what it opens].
#
#   BenchVm::pack_guest($folder)        pack the guest there, and the program for the host
#   $vm->guest('command')               the first line that it prints; dies if it fails
#   $vm->measure($target, $depth, $size, $milliseconds)    a hash: done (requests), rate
#       (requests a second), megabytes (a second), p50 and p99 (us), and what ->usage has,
#       for a request
#   $vm->start_measuring(the same), $vm->measured     the same in two steps
#   $vm->usage      a hash: guest and host, us of CPU time of QEMU's threads for the guest's
#                   processors and of its others
package BenchVm;

use strict;
use warnings;
use Contract;
use Files;
use parent 'Vm';

sub pack_guest {
    my ($dir) = @_;
    local $ENV{BUILD} = build_dir();
    system(top_dir() . '/tests/bench/ring/pack-guest', $dir) == 0 or die "cannot pack the guest\n";
    return;
}

sub guest {
    my ($self, $command) = @_;
    my ($status, @lines) = $self->run($command);
    die "'$command' ends with $status in the guest: @lines\n" if $status;
    return $lines[0];
}

# A thread that has ended meanwhile has none
sub thread_us {
    my ($thread) = @_;
    my ($ns) = split ' ', eval { read_file("$thread/schedstat") } // 0;
    return $ns / 1000;
}

sub usage {
    my ($self) = @_;
    my %us = (guest => 0, host => 0);
    for my $thread (glob "/proc/$self->{qemu}/task/*") {
        my $name = eval { read_file("$thread/comm") } // next;
        $us{ $name =~ /^CPU/ ? 'guest' : 'host' } += thread_us($thread);
    }
    return \%us;
}

sub arguments {
    my ($self, $target, $depth, $size, $milliseconds) = @_;
    return join ' ', @{ $self->{targets}{$target} // die "no target $target\n" }, $depth, $size, $milliseconds;
}

sub start_measuring {
    my ($self, $target, $depth, $size, $milliseconds) = @_;
    my $command = 'ring-bench ' . $self->arguments($target, $depth, $size, $milliseconds);
    @{ $self->{measuring} }{qw(command size before)} = ($command, $size, $self->usage);
    $self->send_command($command);
    return;
}

sub measured {
    my ($self) = @_;
    my ($command, $size, $before) = @{ $self->{measuring} }{qw(command size before)};
    my ($status, @lines) = $self->result($command);
    die "'$command' ends with $status in the guest: @lines\n" if $status;
    return $self->figures($lines[0], $size, $before);
}

sub figures {
    my ($self, $line, $size, $before) = @_;
    my $after = $self->usage;
    my ($done, $ns, $p50, $p99) = split ' ', $line;
    return { done => $done, rate => $done / $ns * 1e9, megabytes => $done * $size / $ns * 1e3,
        p50 => $p50 / 1e3, p99 => $p99 / 1e3, map { $_ => ($after->{$_} - $before->{$_}) / $done } keys %{$after} };
}

sub measure {
    my ($self, @case) = @_;
    $self->start_measuring(@case);
    return $self->measured;
}

1;
