#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# "make demo" with a filled cache and an empty build directory, in unusual user
# environments: no network, other locales, awks, umasks and time zones, CDPATH
# exported, HOME unset.
#
# Needs: guest
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Environment;

my $top = top_dir();
chomp(my $cache = qx($top/tests/setup/cache-dir));
my ($locales, $locale) = decimal_comma();

my @hosts = (
    {
        name => 'a decimal comma, busybox awk, umask 077',
        awk => 'busybox awk',
        umask => '077',
        env => { LOCPATH => $locales, LC_ALL => $locale, CDPATH => "/:$top", TZ => 'Asia/Kathmandu' },
    },
    {
        name => 'no HOME, mawk, umask 000',
        awk => 'mawk',
        umask => '000',
        env => { HOME => undef, XDG_CACHE_HOME => $cache =~ s{/vgpu-stub$}{}r, TZ => 'America/St_Johns',
            LANG => 'xx_XX.UTF-8' },
    },
);

for my $host (@hosts) {
    my $build = tempdir(CLEANUP => 1);
    my %env = (%{ $host->{env} }, PATH => stand_ins(awk => "exec $host->{awk} \"\$@\"") . ":$ENV{PATH}");
    delete local @ENV{ qw(MAKEFLAGS BUILD LC_ALL LANG), keys %env };
    for my $name (keys %env) {
        $ENV{$name} = $env{$name} if defined $env{$name};
    }
    my ($status, $output) = offline("umask $host->{umask}; make -s --no-print-directory -C $top BUILD=$build demo");
    is $status, 0, "$host->{name}: make demo" or diag $output;
    like $output, qr/^demo: success: /m, '... the demo succeeds';
    like $output, qr/^The guest ran under (?:KVM|TCG)/m, '... it prints the accelerator';
    unlike $output, qr/invalid number|command not found|cannot |: line \d+:|warning/i, '... and no error or warning';
    delete @ENV{ keys %env };
}

done_testing;
