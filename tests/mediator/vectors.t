#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Messages of the mediator's protocol, good and bad, as in vectors/: each is accepted, or
# gets the specified fault, one line in the log and a closed connection. No descriptor is
# leaked. Sanitizers watch.
#
# Needs: setup-test
use strict;
use warnings;
use Contract;
use File::Basename;
use File::Temp 'tempdir';
use Test::More;
use Vectors;

my $top = top_dir();
my $dir = tempdir(CLEANUP => 1);
my $source = "$top/host-mediator";
my @vectors = Vectors::paths($top);

# Standard output and the number of lines in the log
sub receive {
    my ($chunk, %vector) = @_;
    my ($fds, $at) = $vector{descriptors} =~ /^(\d+)(?: at (\d+))?$/ or die 'descriptors';
    open my $bytes, '>:raw', "$dir/bytes" or die $!;
    print $bytes $vector{bytes};
    close $bytes or die $!;
    my @args = (@vector{qw(from state asked)}, $fds, $at // 0, $chunk);
    my $out = qx(timeout 60 $dir/receive @args <$dir/bytes 2>$dir/log);
    is $?, 0, 'exit status' or diag qx(cat $dir/log);
    my ($lines) = $out =~ s/^(\d+) lines\n//m ? $1 : die "no result: $out";
    return ($out, $lines);
}

system('gcc', '-std=gnu11', '-g', '-O1', '-Wall', '-Wextra', '-Werror', '-D_GNU_SOURCE',
    '-fsanitize=address,undefined', '-fno-sanitize-recover=all', "-I$top/include", "-I$source",
    '-o', "$dir/receive", "$top/tests/mediator/receive.c", "$top/tests/mediator/send.c",
    map { "$source/$_.c" } qw(message channel channel-send)) == 0 or die 'gcc';

my @results;
for my $path (@vectors) {
    my $name = basename($path);
    my %vector = Vectors::read_vector($path);
    push @results, @{ $vector{expect} };
    my $expected = join '', map {"$_\n"} @{ $vector{expect} };
    my @chunks = length $vector{bytes} > 1000 ? (1 << 20, 16, 4096) : (1 << 20, 1, 16, 7);
    for my $chunk (@chunks) {
        my ($out, $lines) = receive($chunk, %vector);
        is $out, $expected, "$name, $chunk bytes at a time";
        is $lines, $expected =~ /^open$/m ? 0 : 1, '... and the lines of the log';
    }
}
cmp_ok scalar @vectors, '>=', 100, 'there are vectors';

# Every fault that a message can have is in a vector
my %faults = map { $_ => 1 } map { /BAD_\w+/g } @results;
ok $faults{"BAD_$_"}, "BAD_$_ has a vector" for qw(LENGTH TYPE DESCRIPTORS RESERVED SERIAL STATE VALUE TIMEOUT);

# Every message and answer has a good one
my $spec = do { local (@ARGV, $/) = ("$top/docs/specs/vgpu-mediator.rst"); <> };
while ($spec =~ /^0x00\w\w   ([A-Z_]+) .* (\w+|\d+, 1 descriptor)  +\S[^=\n]*$/mg) {
    my ($message, $answer) = ($1, $2);
    my $file = "$top/tests/mediator/vectors/good-" . lc($message) =~ tr/_/-/r;
    ok -e $file, "$message has a good vector";
    ok((grep { $_ eq "answer to $message" } @results), '... and so has its answer') if $answer ne 'notice';
}

done_testing;
