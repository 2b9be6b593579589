# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run commands in unusual environments:
#
#   my ($status, $output) = run_command('shell command');
#   ($status, $output) = on_small_disk($kib, 'command');   with a disk of $kib KiB on /mnt
#   ($status, $output) = in_namespace("--mount", "command");  see unshare(1)
#   ($status, $output) = offline('command');               no network
#   local $ENV{PATH} = stand_ins(name => 'shell script'...) . ":$ENV{PATH}";
#   local @ENV{qw(LOCPATH LC_ALL)} = decimal_comma();
#
# $output is standard output and standard error combined.
package Environment;

use strict;
use warnings;
use Exporter 'import';
use Files;
use File::Temp qw(tempdir);

our @EXPORT = qw(run_command in_namespace on_small_disk offline stand_ins decimal_comma write_file);

sub run_command {
    my ($command) = @_;
    my $pid = open my $out, '-|';
    defined $pid or die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        open STDIN, '<', '/dev/null';
        exec 'sh', '-c', $command or die "sh: $!";
    }
    my $output = do { local $/; <$out> } // '';
    close $out;
    return ($? & 127 ? "signal $?" : $? >> 8, $output);
}

# Namespaces need root, or a kernel with unprivileged user namespaces
sub in_namespace {
    my ($kind, $command) = @_;
    my @map = $> == 0 ? () : '--map-root-user';
    local $ENV{COMMAND} = $command;
    return run_command("exec unshare $kind @map sh -c \"\$COMMAND\"");
}

sub on_small_disk {
    my ($kib, $command) = @_;
    return in_namespace('--mount', "mount -t tmpfs -o size=${kib}k tmpfs /mnt && { $command\n}");
}

sub offline {
    my ($command) = @_;
    return in_namespace('--net', $command);
}

# Return a directory with these programs
sub stand_ins {
    my (%programs) = @_;
    my $dir = tempdir(CLEANUP => 1);
    for my $name (keys %programs) {
        write_file("$dir/$name", "#!/bin/bash\n$programs{$name}\n");
        chmod 0755, "$dir/$name";
    }
    return $dir;
}

sub decimal_comma {
    my $dir = tempdir(CLEANUP => 1);
    write_file("$dir/source", <<'LOCALE');
LC_NUMERIC
decimal_point ","
thousands_sep "."
grouping 3;3
END LC_NUMERIC
LOCALE
    # localedef warns about each category that the source leaves out
    system "localedef --force --no-archive -i $dir/source $dir/comma >$dir/log 2>&1";
    my $shown = qx(LOCPATH=$dir LC_ALL=comma bash -c 'printf %.1f 1,5');
    die "localedef cannot build the locale, see $dir/log" unless $shown eq '1,5';
    return ($dir, 'comma');
}

1;
