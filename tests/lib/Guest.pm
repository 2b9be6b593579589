# SPDX-License-Identifier: GPL-2.0-or-later
#
# Boot the test guest and read its transcript:
#
#   use Guest;
#   my $guest = boot('check', @qemu_arguments);    a scenario of initramfs/
#   my @express = ('-machine', express_machine());    q35, on arm64 virt
#   my ($status, @lines) = $guest->command('lspci');
#   ($status, @lines) = $guest->command($same);    the next run of the same
#   $guest->good;    tests: the verdict is good, the transcript whole and clean
#
#   local $ENV{GUEST} = pack_guest('name', $kernel, $module);
#       a guest of another kernel (a folder of tests/setup/kernel) and module
#
# A line "host# COMMAND" of the guest's is done by QEMU's monitor.
package Guest;

use strict;
use warnings;
use Exporter 'import';
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use Test::More;
use Contract;

our @EXPORT = qw(boot pack_guest express_machine);

# What no kernel log may hold; lockdep's and KASAN's findings are a WARNING or a BUG
my $trouble = qr/BUG:|KASAN|UBSAN|Oops|WARNING|Call Trace|Kernel panic|unreferenced object/;

# The machine with PCI Express of the architecture under test (VM_ARCH)
sub express_machine {
    return ($ENV{VM_ARCH} // '') eq 'aarch64' ? 'virt' : 'q35';
}

sub boot {
    my ($scenario, @arguments) = @_;
    my $vm = top_dir() . '/tests/guest/vm';
    my $socket = tempdir(CLEANUP => 1) . '/monitor';
    local $ENV{BUILD} = build_dir();
    open my $console, '-|', $vm, $scenario, @arguments,
        '-monitor', "unix:$socket,server=on,wait=off" or die "$vm: $!";
    my @lines;
    while (my $line = <$console>) {
        $line =~ s/\r?\n$//;
        push @lines, $line;
        push @lines, tell_monitor($socket, $1) if $line =~ /^host# (.*)/;
    }
    close $console;
    return transcript($scenario, $? >> 8, @lines);
}

sub transcript {
    my ($scenario, $status, @lines) = @_;
    my $self = bless {
        scenario => $scenario,
        status => $status,
        lines => \@lines,
        commands => parse_commands(@lines),
    }, 'Guest';
    diag_transcript($self) if $self->{status};
    return $self;
}

sub pack_guest {
    my ($name, $kernel, $module) = @_;
    my $guest = build_dir() . "/guests/$name";
    my $probe = build_dir() . '/tools/vgpu-probe';
    make_path($guest);
    system("ln -sf $kernel/image/vmlinux $kernel/image/bzImage $guest") == 0
        or die "cannot write to $guest";
    system(top_dir() . '/tests/guest/build-initramfs', "$kernel/image", $module, $probe,
        "$guest/initramfs") == 0 or die "cannot pack $guest";
    return $guest;
}

# What the monitor answers, its echo and prompts aside
sub tell_monitor {
    my ($socket, $command) = @_;
    my $monitor = IO::Socket::UNIX->new(Peer => $socket) or die "$socket: $!";
    print {$monitor} "$command\n";
    $monitor->shutdown(1);
    return map { s/\r?\n$//r } grep { !/^QEMU |^\(qemu\)/ } <$monitor>;
}

# command => its runs in their order, each a status and the lines printed
sub parse_commands {
    my (%commands, $run);
    for (@_) {
        if (/^guest# (.*)/) {
            $run = { lines => [] };
            push @{ $commands{$1} }, $run;
        } elsif ($run && /^\[exit (\d+)\]$/) {
            $run->{status} = $1;
            undef $run;
        } elsif ($run) {
            push @{ $run->{lines} }, $_;
        }
    }
    return \%commands;
}

sub diag_transcript {
    my ($self) = @_;
    diag "the end of the transcript of $self->{scenario}:";
    my @lines = @{ $self->{lines} };
    diag "    $_" for @lines > 40 ? @lines[-40 .. -1] : @lines;
}

# The status is that of a command that never ended where it is not a number
sub command {
    my ($self, $command) = @_;
    my $run = shift @{ $self->{commands}{$command} // [] };
    return ($run->{status} // 'not ended', @{ $run->{lines} }) if $run;
    return ('not run');
}

sub commands {
    my ($self, $pattern) = @_;
    return grep { /$pattern/ } sort keys %{ $self->{commands} };
}

# Without what the kernel is known to find in itself: in 6.1, that its driver of
# Express slots takes two locks of its own in either order, at the first card that
# is plugged in. lockdep looks no further then.
sub without_known {
    my @lines = @_;
    my @clean;
    while (@lines) {
        my ($end) = $lines[0] =~ /possible circular locking/ ?
            grep { $lines[$_] =~ m{</TASK>} } 0 .. $#lines : ();
        my @report = splice @lines, 0, ($end // 0) + 1;
        push @clean, @report unless is_known(@report);
    }
    return @clean;
}

sub is_known {
    return 0 if grep { /vgpu/ } @_;
    return scalar grep { /reset_lock\)\{.*, at: pciehp_configure_device/ } @_;
}

# After the last line the kernel and the init system may still log, as they power off
sub good {
    my ($self) = @_;
    is $self->{status}, 0, "$self->{scenario}: the guest's verdict is good";
    my ($last) = grep { !/^\[ *\d+\.\d{6}\] / } reverse @{ $self->{lines} };
    is $last, "[scenario $self->{scenario} ends: 0]",
        "$self->{scenario}: the transcript is whole";
    my @trouble = grep { /$trouble/ } without_known(@{ $self->{lines} });
    is "@trouble", '', "$self->{scenario}: no kernel warning";
}

1;
