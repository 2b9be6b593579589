#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every command in README.md and docs/ has a row in tests/docs/commands that says how it
# is tested. This test runs the commands that need only a built tree or a guest, exactly
# as the documentation prints them.
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Contract;
use Vm;

my $top = top_dir();
my $prompt = qr/^(?:\$|\#|dom0\#|\(qemu\)) /;
# A line without a prompt is a command if it starts with one of these
my $program = qr/^(?:make|sudo|lspci|cat|grep|xe|build)\b/;

sub lines_of {
    my ($path) = @_;
    open my $file, '<', "$top/$path" or die "$path: $!";
    chomp(my @lines = <$file>);
    return @lines;
}

# The commands in a page's code blocks; a backslash at the end joins two lines
sub commands_of {
    my ($page) = @_;
    my (@commands, $open);
    for my $line (lines_of($page)) {
        my ($text) = $line =~ /^ {4,}(\S.*)/ or next;
        if ($open) {
            $commands[-1] .= ' ' . $text;
        } elsif ($text =~ s/$prompt// || $text =~ $program) {
            push @commands, $text;
        } else {
            next;
        }
        $open = $commands[-1] =~ s/ \\$//;
    }
    return map { s/\s+# .*//r } @commands;
}

sub rows {
    return map { [/^(.+?) \| (.+)$/] } grep { /^[^#]/ } lines_of('tests/docs/commands');
}

# In the guest, commands run as root, and the tools are in PATH
sub in_guest {
    my ($command) = @_;
    return $command =~ s/^sudo //r =~ s{build/tools/}{}r;
}

my %documented;
for my $page ('README.md', map { s{^\Q$top\E/}{}r } glob "$top/docs/*.md") {
    push @{ $documented{$_} }, $page for commands_of($page);
}
my @rows = rows();
is_deeply [sort map { $_->[1] } @rows], [sort keys %documented],
    'the list has each documented command once';

my (@guest, %monitor);
for my $row (@rows) {
    my ($how, $command) = @$row;
    $how = "test tests/vm/mediator.t run_documented('$command')" if $how eq 'vm';
    if ($how eq 'run') {
        chdir $top or die "$top: $!";
        my $output = qx(bash -o pipefail -c '${\ $command =~ s/'/'\\''/gr}' 2>&1 </dev/null);
        is $?, 0, "run: $command" or diag $output;
    } elsif ($how eq 'guest') {
        push @guest, $command;
    } elsif (my ($machine) = $how =~ /^monitor (\w+)$/) {
        push @{ $monitor{$machine} }, $command;
    } elsif (my ($file, $text) = $how =~ /^test (\S+) (.+)$/) {
        ok scalar(grep { index($_, $text) >= 0 } -e "$top/$file" ? lines_of($file) : ()),
            "$file has '$text', which covers: $command";
    } else {
        like $how, qr/^not \w/, "has a reason not to test it: $command";
    }
}

subtest guest => sub {
    my $vm = Vm->new(qw(-machine q35 -device vgpu-stub));
    for my $command (@guest) {
        my ($status, @output) = $vm->run(in_guest($command));
        is $status, 0, $command or diag map { "$_\n" } @output;
    }
    $vm->end->good;
};

my %root_port = (q35 => ['-device', 'pcie-root-port,id=rp0,chassis=1']);
for my $machine (sort keys %monitor) {
    subtest "monitor of $machine" => sub {
        my $vm = Vm->new('-machine', $machine, @{ $root_port{$machine} // [] });
        is $vm->hmp($_), '', $_ for @{ $monitor{$machine} };
        $vm->end->good;
    };
}

done_testing;
