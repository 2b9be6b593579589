# SPDX-License-Identifier: GPL-2.0-or-later
#
# Boot the test guest and read its transcript:
#
#   use Guest;
#   my $guest = boot('check', @qemu_arguments);    run a scenario of initramfs/scenarios
#   boot_until_off(…)     the same for a guest that turns itself off, with status 125
#   my @express = ('-machine', express_machine());    q35, or virt on arm64
#   my ($status, @lines) = $guest->command('lspci');
#   ($status, @lines) = $guest->command($same);    the next run of the same command
#   $guest->good;    test the exit status, and that the transcript is complete and clean
#
#   local $ENV{GUEST} = pack_guest('name', $kernel, $module);
#       a guest with another kernel (a directory of tests/setup/kernel) and module
#
# If the guest prints a line "host# COMMAND", QEMU's monitor runs COMMAND.
package Guest;

use strict;
use warnings;
use Exporter 'import';
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use Test::More;
use Contract;

our @EXPORT = qw(boot boot_until_off pack_guest express_machine);

# Reports that no kernel log may have; lockdep and KASAN print WARNING or BUG
my $trouble = qr/BUG:|KASAN|UBSAN|Oops|WARNING|Call Trace|Kernel panic|unreferenced object/;

# The PCI Express machine of the architecture under test (VM_ARCH)
sub express_machine {
    return ($ENV{VM_ARCH} // '') eq 'aarch64' ? 'virt' : 'q35';
}

sub boot {
    my $self = run_guest(@_);
    diag_transcript($self) if $self->{status};
    return $self;
}

sub boot_until_off {
    local $ENV{VM_MAY_END} = 1;
    return run_guest(@_);
}

sub run_guest {
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
    return bless {
        scenario => $scenario,
        status => $status,
        lines => \@lines,
        commands => parse_commands(@lines),
    }, 'Guest';
}

sub pack_guest {
    my ($name, $kernel, $module) = @_;
    my $guest = build_dir() . "/guests/$name";
    my $tools = build_dir() . '/tools';
    make_path($guest);
    system("ln -sf $kernel/image/vmlinux $kernel/image/bzImage $guest") == 0
        or die "cannot write to $guest";
    system(top_dir() . '/tests/guest/build-initramfs', "$kernel/image", $module, $tools,
        "$guest/initramfs") == 0 or die "cannot pack $guest";
    return $guest;
}

# The monitor's answer, without its echo and prompts
sub tell_monitor {
    my ($socket, $command) = @_;
    my $monitor = IO::Socket::UNIX->new(Peer => $socket) or die "$socket: $!";
    print {$monitor} "$command\n";
    $monitor->shutdown(1);
    return map { s/\r?\n$//r } grep { !/^QEMU |^\(qemu\)/ } <$monitor>;
}

# command => list of its runs, each with an exit status and the lines printed
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

# The status is 'not ended' or 'not run' if the command did not finish
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

# Reports that say nothing about the driver: their first line, their last, what else they
# have, and what they do not have. DMA debugging cannot count more than seven buffers that share a page.
# lockdep finds a lock-order inversion in 6.1's pciehp, at the first hot-plug or unplug,
# and turns itself off after its first report.
my @known = (
    [qr/DMA-API: exceeded 7 overlapping mappings/, qr/end trace/, qr/add_dma_entry/],
    [qr/possible circular locking/, qr{</TASK>}, qr/reset_lock\)\{.*, at: pciehp_(?:un)?configure_device/,
        qr/vgpu/],
);

sub without_known {
    my @lines = @_;
    my @clean;
    while (@lines) {
        my $length = known_length(@lines);
        push @clean, $lines[0] unless $length;
        splice @lines, 0, $length || 1;
    }
    return @clean;
}

# How many lines from the first one on are a known report
sub known_length {
    my @lines = @_;
    my ($report) = grep { $lines[0] =~ $_->[0] } @known or return 0;
    my ($end) = grep { $lines[$_] =~ $report->[1] } 0 .. $#lines;
    return 0 unless defined $end && grep { /$report->[2]/ } @lines[0 .. $end];
    return 0 if $report->[3] && grep { /$report->[3]/ } @lines[0 .. $end];
    return $end + 1;
}

# The kernel and init may log after the scenario's last line, while they power off
sub good {
    my ($self) = @_;
    is $self->{status}, 0, "$self->{scenario}: the guest's exit status";
    my ($last) = grep { !/^\[ *\d+\.\d{6}\] / } reverse @{ $self->{lines} };
    is $last, "[scenario $self->{scenario} ends: 0]",
        "$self->{scenario}: the transcript is complete";
    my @trouble = grep { /$trouble/ } without_known(@{ $self->{lines} });
    is "@trouble", '', "$self->{scenario}: no kernel warning";
}

1;
