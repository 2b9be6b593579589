#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/setup/install-packages: how it calls apt and sudo, and when it asks the user.
# apt, dpkg and sudo are stand-ins; older-packages.t uses the real ones.
#
# Needs: setup-test
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Environment;

my $script = top_dir() . '/tests/setup/install-packages';
my $dir = tempdir(CLEANUP => 1);
my ($told, $kept) = ("$dir/told", "$dir/kept");
my @packages = group('guest');

sub group {
    my ($name) = @_;
    open my $file, '<', top_dir() . '/tests/setup/packages' or die $!;
    while (<$file>) {
        next unless /^$name: (.*)/;
        my @packages = sort split ' ', $1;
        return @packages;
    }
    die "no group $name";
}

# apt-get records its calls. Its output comes from the files in $ANSWERS: "keep" and
# "plain" are the output of a simulation with and without our preferences. It fails if
# that output has an error.
my $programs = stand_ins(
    'apt-get' => <<'SHELL',
for word; do case $word in -* | *::*) ;; *) break ;; esac; done
echo "apt-get $*" >>$TOLD
plan=plain
case $* in *Preferences=*) plan=keep; cp $(sed 's/.*Preferences=\([^ ]*\).*/\1/' <<<"$*") $KEPT ;; esac
case " $* " in
*" update "*) cat $ANSWERS/update; ! grep -q ^Err $ANSWERS/update ;;
*" --simulate "*) cat $ANSWERS/$plan; ! grep -q ^E: $ANSWERS/$plan ;;
*" install "*) ! grep -q ^E: $ANSWERS/$plan ;;
esac
SHELL
    'dpkg-query' => <<'SHELL',
[ "${!#}" != '${db:Status-Status} ${source:Package} ${Version}\n' ] || { echo "installed glib2.0 2.74"; exit; }
grep -qx "${!#}" $ANSWERS/installed && echo -n installed
SHELL
    id => 'echo $USER_ID',
    sudo => 'echo "sudo $*" >>$TOLD; [ $SUDO = works ] && exec "$@"',
);

# Run install-packages, on a terminal if the case has keys to press
sub install {
    my (%case) = (user => 0, sudo => 'works', installed => [], update => '', keep => '', plain => '', yes => '', @_);
    my $answers = tempdir(CLEANUP => 1);
    write_file("$answers/$_", $case{$_}) for qw(update keep plain);
    write_file("$answers/installed", join '', map { "$_\n" } @{ $case{installed} });
    unlink $told, $kept;
    local @ENV{qw(PATH ANSWERS TOLD KEPT USER_ID SUDO YES XDG_CACHE_HOME)}
        = ($ENV{PATH} =~ m{/bin:} ? "$programs:$ENV{PATH}" : $ENV{PATH}, $answers, $told, $kept, @case{qw(user sudo yes)}, "$answers/cache");
    my $command = "$script guest";
    $command = "(sleep 1; echo $case{keys}) | script -qec '$command' /dev/null" if $case{keys};
    my ($status, $output) = run_command($command);
    ok !-e "$answers/cache", '... creates no directory' if @{ $case{installed} };
    return ($status, $output =~ s/\r//gr);
}

sub slurp {
    my ($path) = @_;
    local $/;
    open my $file, '<', $path or return '';
    return scalar <$file>;
}

# A directory with all programs of this machine and our stand-ins, except one
sub path_without {
    my ($name) = @_;
    my $links = tempdir(CLEANUP => 1);
    symlink $_, $links . s{.*/}{/}r for glob "$programs/* /usr/bin/* /usr/sbin/*";
    unlink "$links/$name";
    return $links;
}

sub installs { return scalar grep { / -y install / } split /\n/, slurp($told) }

my ($status, $output) = install(installed => \@packages);
is "$status $output", '0 ', 'nothing is missing: prints nothing';
is slurp($told), '', '... and calls nothing';

my $by_hand = "apt-get update && apt-get install --no-install-recommends @packages";
for my $sudo ('sudo that fails', 'no sudo') {
    local $ENV{PATH} = $sudo eq 'no sudo' ? path_without('sudo') : $ENV{PATH};
    ($status, $output) = install(user => 1000, sudo => 'fails');
    is $status, 1, "not root, and $sudo: exit status";
    like $output, qr/\Ainstall-packages: installing packages needs root[^\n]*: \Q$by_hand\E\n\z/, '... prints the command to run';
    is installs(), 0, '... installs nothing';
}

($status, $output) = install(user => 1000);
is $status, 0, 'not root, and sudo works: exit status' or diag $output;
like slurp($told), qr/^sudo env .*apt-get .* -y install @packages$/m, '... installs with sudo';

($status, $output) = install();
is $status, 0, 'root: exit status' or diag $output;
like $output, qr/^installing: @packages$/m, '... lists the packages';
is installs(), 1, '... installs them';
like slurp($kept), qr/\APackage: src:glib2\.0\nPin: version 2\.74\nPin-Priority: 1001\n/,
    '... pins installed packages to their version';

# An unreachable archive
my $unreachable = "Err:1 http://archive bookworm InRelease\n  Temporary failure resolving 'archive'\n";
($status, $output) = install(update => $unreachable, keep => "E: Unable to locate package cpio\n",
    plain => "E: Unable to locate package cpio\n");
is $status, 1, 'no network: exit status';
like $output, qr/^install-packages: .* cannot reach the archives \(Err:1 http:\/\/archive .*$/m, '... the error says so';
is installs(), 0, '... installs nothing';
($status, $output) = install(update => $unreachable);
is $status, 0, 'an unreachable source that is not needed: exit status';

# Installing requires changes to installed packages
my @upgrade = (keep => "E: Unable to correct problems, you have held broken packages.\n",
    plain => "Inst libc6 [2.36-9] (2.36-9+deb12u1 Debian:12 [amd64])\nRemv old [1.0]\nInst gcc (4:12 Debian [amd64])\n");
my $listed = qr/^    upgrade libc6 from 2\.36-9 to 2\.36-9\+deb12u1\n    remove old$/m;
($status, $output) = install(@upgrade);
is $status, 1, 'an upgrade is needed, no terminal: exit status';
like $output, $listed, '... lists the changes';
like $output, qr/^install-packages: nothing was installed; set YES=1 to allow these changes\n\z/m, '... and says how to allow them';
is installs(), 0, '... installs nothing';
($status, $output) = install(@upgrade, yes => 1);
is $status, 0, 'an upgrade is needed, YES=1: exit status' or diag $output;
like $output, $listed, '... lists the changes';
is installs(), 1, '... installs the packages';
($status, $output) = install(@upgrade, keys => 'n');
is $status, 1, 'an upgrade is needed, the user declines: exit status';
like $output, qr/^Continue\? \[y\/N\]/m, '... it asked';
is installs(), 0, '... installs nothing';
($status, $output) = install(@upgrade, keys => 'y');
is $status, 0, 'an upgrade is needed, the user agrees: exit status' or diag $output;
is installs(), 1, '... installs the packages';

done_testing;
