#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every fault in the lists of "make mutants" can still be injected: its file and its
# tests exist, and its expression changes the file.
#
# Needs: setup-test
use strict;
use warnings;
use Test::More;
use Contract;
use Files;

my $top = top_dir();
my %seen;

sub check_fault {
    my ($list, %fault) = @_;
    my $name = "$list: " . ($fault{fault} // 'a fault without a name');
    my @tests = split / /, $fault{test} // '';
    ok !$seen{$name}++, "$name: the name is unique";
    is join(' ', grep { !-f "$top/$_" } @tests), '', "$name: its tests exist";
    ok scalar @tests, "$name: it names tests";
    my $before = -f "$top/$fault{in}" ? read_file("$top/$fault{in}") : '';
    local $_ = $before;
    eval $fault{edit}; ## no critic (ProhibitStringyEval)
    is $@, '', "$name: the expression is valid Perl";
    ok $_ ne $before, "$name: it changes $fault{in}";
    return;
}

for my $path (glob "$top/tests/mutants/*.list") {
    my ($list) = $path =~ m{([^/]+)\.list$};
    my @paragraphs = grep { /^fault / } split /\n{2,}/, read_file($path);
    ok scalar @paragraphs, "$list has faults";
    check_fault($list, map { /^(\w+) +(.*)/ } split /\n/) for @paragraphs;
}

done_testing;
