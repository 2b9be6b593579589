# SPDX-License-Identifier: GPL-2.0-or-later
#
# Helpers for the vgpu-probe tests: build dumps, run the program, parse its output.
#
# Environment:
#   PROBE   the executable, default BUILD/tools/vgpu-probe
package Probe;

use strict;
use warnings;
use Contract;
use Files;
use Exporter 'import';
use File::Temp qw(tempdir);
use JSON::PP;

our @EXPORT = qw(probe_path probe_dir read_file write_file scratch_dir
    run_command run_probe base_dump edit_dump read_corpus contract_checks flatten);

my $scratch = tempdir('vgpu-probe-test-XXXXXX', TMPDIR => 1, CLEANUP => 1);

sub probe_path { return $ENV{PROBE} // build_dir() . '/tools/vgpu-probe' }
sub probe_dir { return top_dir() . '/tests/probe' }
sub scratch_dir { return $scratch }

# Run a command with empty standard input, or the text in { stdin => … }. Return the
# exit status, standard output and standard error; if a signal ended the command, the
# status is 128 plus the signal's number.
sub run_command {
    my $options = ref $_[0] ? shift : {};
    my @command = @_;
    my $stdin = write_file("$scratch/stdin", $options->{stdin} // '');
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDIN, '<', $stdin or die $!;
        open STDOUT, '>', "$scratch/stdout" or die $!;
        open STDERR, '>', "$scratch/stderr" or die $!;
        exec @command or die "$command[0]: $!";
    }
    waitpid $pid, 0;
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    return ($status, read_file("$scratch/stdout"), read_file("$scratch/stderr"));
}

sub run_probe {
    my $options = ref $_[0] ? shift : {};
    return run_command($options, probe_path(), @_);
}

sub base_dump {
    my ($name) = @_;
    return read_file(probe_dir() . "/dumps/$name.dump");
}

# Edit the first device of a dump: "OFFSET=BYTE,BYTE" or "OFFSET=BYTE{N}" (hexadecimal)
# sets bytes, "cut=N" keeps the first N bytes, "slot=SLOT" changes its slot, "crlf" ends
# lines with CR LF, and "unended" removes the last newline.
sub edit_dump {
    my ($text, @edits) = @_;
    my ($title, $hex, $rest) =
        $text =~ /\A([^\n]*\n)((?:[0-9a-f]+:(?: [0-9a-f]{2})+\n)*)(.*)\z/s or die;
    my @bytes = map { hex } map { /(?<= )[0-9a-f]{2}\b/g } split /\n/, $hex;
    for my $edit (@edits) {
        if (my ($offset, $new, $times) = $edit =~ /^([0-9a-f]+)=([0-9a-f,]+)(?:\{(\d+)\})?$/) {
            my @new = (map { hex } split /,/, $new) x ($times // 1);
            splice @bytes, hex $offset, scalar @new, @new;
        } elsif ($edit =~ /^cut=(\d+)$/) {
            $#bytes = $1 - 1;
        } elsif (my ($slot) = $edit =~ /^slot=(.*)$/) {
            $title =~ s/^\S+/$slot/;
        }
    }
    my $dump = $title . hex_block(@bytes) . $rest;
    $dump =~ s/\n/\r\n/g if grep { $_ eq 'crlf' } @edits;
    $dump =~ s/\n\z// if grep { $_ eq 'unended' } @edits;
    return $dump;
}

sub hex_block {
    my @bytes = @_;
    my $text = '';
    for (my $i = 0; $i < @bytes; $i += 16) {
        my $last = $i + 15 < $#bytes ? $i + 15 : $#bytes;
        $text .= sprintf("%02x:", $i) . join('', map { sprintf " %02x", $_ } @bytes[$i .. $last]) . "\n";
    }
    return $text;
}

# Expand "\\n", "\\xNN" and "C{N}" (character C, N times)
sub unescape {
    my ($text) = @_;
    $text =~ s/(.)\{(\d+)\}/$1 x $2/ge;
    $text =~ s/\\x([0-9a-f]{2})/chr hex $1/ge;
    return $text =~ s/\\n/\n/gr;
}

sub make_dump {
    my ($base, $edits) = @_;
    return unescape($edits) if $base eq 'text';
    my ($first, @others) = map { base_dump($_) } split /\+/, $base;
    return join "\n", edit_dump($first, split ' ', $edits), @others;
}

# The contract's checks for a form of the device, with queues or without, that need a
# byte at or after $from
sub contract_checks {
    my ($form, $from, $queues) = @_;
    my @rows = grep { $_->{offset} < 0x100 && $_->{offset} + $_->{width} > $from } config_rows($form, $queues);
    return map { lc tr/_/-/r } map { $_->{name} } grep { is_checked($_) } @rows;
}

sub is_checked {
    my ($row) = @_;
    return $row->{class} =~ /^(?:FIXED|ERROR)$/
        || $row->{name} =~ /^(?:PMCSR_POWER_STATE|BAR0_ADDRESS|MSIX_TABLE_SIZE)$/;
}

# The checks of a corpus row; @NAME and ?@NAME expand to a group of checks
sub expand_checks {
    my ($text, $groups, $base) = @_;
    my ($form) = ((grep { uc($base // '') =~ /^$_/ } config_forms()), 'CONVENTIONAL');
    my $queues = ($base // '') =~ /-queues/;
    $text =~ s/\?from\((\w+)\)/join ' ', map { "?$_" } contract_checks($form, hex $1, $queues)/e;
    while ($text =~ s/(\??)@(\w+)/join ' ', map { $1 . $_ } @{ $groups->{$2} }/e) { }
    return split ' ', $text;
}

# Parse tests/probe/corpus; that file documents the format
sub read_corpus {
    my (@rows, %groups);
    for my $line (split /\n/, read_file(probe_dir() . '/corpus')) {
        if ($line =~ /^@(\w+)\s*=\s*(.*)/) {
            $groups{$1} = [expand_checks($2, \%groups)];
        }
        next if $line =~ /^(?:[#@]|\s*$)/;
        my ($name, $base, $edits, $status, $checks) = map { s/^\s+|\s+$//gr } split /\|/, $line;
        my @checks = expand_checks($checks // '', \%groups, $base);
        push @rows, {
            name => $name, base => $base, dump => make_dump($base, $edits), status => $status,
            fail => [sort grep { !/^\?/ } @checks],
            unknown => [sort map { s/^\?//r } grep { /^\?/ } @checks],
        };
    }
    return @rows;
}

sub hex_rows {
    my ($hex) = @_;
    return map { [sprintf('0x%02x', $_ * 16), substr $hex, $_ * 32, 32] } 0 .. (length($hex) - 1) / 32;
}

# Flatten JSON to lines "path = value"; an object without nested values is one line.
# Array elements with an id are named by it, so that a line makes sense on its own.
sub flatten {
    my ($value, $path) = @_;
    if (ref $value eq 'HASH' && grep { ref } values %$value) {
        return map { flatten($value->{$_}, ($path // '') . ".$_") } sort keys %$value;
    }
    if (ref $value eq 'ARRAY') {
        return map { flatten($value->[$_], $path . '[' . element_name($value->[$_], $_) . ']') } 0 .. $#$value;
    }
    return map { "$path\[$_->[0]] = $_->[1]" } hex_rows($value) if $path =~ /\.config$/ && defined $value;
    return "$path = " . JSON::PP->new->allow_nonref->canonical->ascii->encode($value);
}

sub element_name {
    my ($element, $number) = @_;
    return ref $element eq 'HASH' ? $element->{id} // $number : $number;
}

1;
