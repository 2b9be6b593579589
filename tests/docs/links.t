#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# README.md, CONTRIBUTING.md and docs/ refer only to existing files, headings and make
# targets.
#
# Needs: setup-test
use strict;
use warnings;
use File::Basename;
use Test::More;
use Contract;
use Files;

my $top = top_dir();
my @pages = ('README.md', 'CONTRIBUTING.md', map { s{^\Q$top\E/}{}r } glob "$top/docs/*.md");

sub text_of {
    my ($path) = @_;
    return read_file("$top/$path");
}

# The anchor that GitHub and GitLab give a heading
sub anchor_of {
    my ($heading) = @_;
    return lc($heading) =~ s/[^a-z0-9 _-]//gr =~ tr/ /-/r;
}

sub has_anchor {
    my ($page, $anchor) = @_;
    return scalar grep { anchor_of($_) eq $anchor } text_of($page) =~ /^#+ (.+)$/mg;
}

sub path_from {
    my ($page, $link) = @_;
    my $path = dirname($page) . "/$link";
    1 while $path =~ s{[^/.]+/\.\./}{};
    return $path =~ s{^\./}{}r;
}

my %targets = map { $_ => 1 } text_of('Makefile') =~ /^([a-z0-9-]+%?):/mg;

sub is_target {
    my ($name) = @_;
    return $targets{$name} || grep { /%$/ && index($name, s/%//r) == 0 } keys %targets;
}

for my $page (@pages) {
    my $text = text_of($page);
    for my $link ($text =~ /\]\(([^)\s]+)\)/g) {
        next if $link =~ /^https?:/;
        my ($path, $anchor) = split /#/, $link;
        my $target = $path eq '' ? $page : path_from($page, $path);
        ok -e "$top/$target", "$page: $link exists";
        ok has_anchor($target, $anchor), "$page: $link has the heading" if defined $anchor;
    }
    for my $path ($text =~ m{`((?:tests|include|qemu-device|guest-driver|guest-tools)/[\w./-]*\w)`}g) {
        ok -e "$top/$path", "$page: $path exists";
    }
    for my $name ($text =~ /`make ([a-z][a-z0-9.-]*)/g, $text =~ /^ {4}make ([a-z][a-z0-9.-]*)/mg) {
        ok is_target($name), "$page: make $name is a target";
    }
}

done_testing;
