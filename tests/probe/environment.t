#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-probe in odd environments: output that cannot be written, closed standard files,
# few descriptors, a root without /proc, /dev and /sys. Control characters in names
# and files do not reach the terminal.
#
# Needs: setup-probe tools
use strict;
use warnings;
use File::Path 'make_path';
use JSON::PP;
use Test::More;
use Contract;
use Probe;
use Sysfs;

my $good = probe_dir() . '/dumps/conventional.dump';
my $bad = write_file(scratch_dir() . '/bad', edit_dump(base_dump('conventional'), 'a=12,00'));

# A run with a shell's redirections
sub run_with {
    my ($redirections, @arguments) = @_;
    return run_command('sh', '-c', "exec \"\$0\" \"\$@\" $redirections", probe_path(), @arguments);
}

my @modes = (['-F', $good], ['-v', '-xxxx', '-F', $good], ['--quiet', '-F', $bad], ['--json', '-F', $good],
    ['--tap', '-F', $good], ['report', '-F', $good], ['diff', $good, $bad], ['--json', 'diff', $good, $bad],
    ['--help'], ['--version'], ['-A', 'help'], ['-O', 'help'], ['--list-checks'], ['--list-checks', '--json'],
    ['--json', '-F', '/no/such'], ['--tap', '-F', '/no/such'], ['host', '/bin/true'], [sysfs()]);
for my $mode (@modes) {
    for my $redirection ('>/dev/full', '>&-') {
        my ($status, $out, $err) = run_with($redirection, @$mode);
        is "$status $out", '2 ', "@$mode $redirection: exit status";
        like $err, qr/^vgpu-probe: cannot write to standard output: /m, "@$mode $redirection: the message";
    }
    my ($status) = run_with('>/dev/full 2>&-', @$mode);
    is $status, 2, "@$mode, no standard error: exit status";
}
my (undef, $whole) = run_probe('-F', $good);
is +(run_with('<&-', '-F', $good))[1], $whole, 'no standard input, which is not needed';
is +(run_with('2>&-', '-F', $good))[1], $whole, 'no standard error, which is not needed';
like +(run_with('<&-', '-F', '-'))[2], qr/\Avgpu-probe: standard input: Bad file descriptor\n\z/, 'no standard input to read';

# options that print text print the same with --json, --tap and --quiet
my @texts = (['--help'], ['--version'], ['-A', 'help'], ['-O', 'help']);
for my $text (@texts) {
    my (undef, $plain) = run_probe(@$text);
    for my $form ('--json', '--tap', '--quiet') {
        my ($status, $out, $err) = run_probe($form, @$text);
        is "$status $err", '0 ', "$form @$text: exit status";
        is $out, $plain, "$form @$text: the same text";
    }
}
for my $form ('--tap', '--quiet') {
    is +(run_probe($form, '--list-checks'))[0], 2, "$form --list-checks: refused";
}

# few descriptors: reading a dump needs one
my ($status, $out) = run_command('sh', '-c', 'ulimit -n 4 && exec "$0" "$@"', probe_path(), '-F', $good);
is "$status $out", "0 $whole", 'four descriptors';
($status, $out, my $err) = run_command('sh', '-c', 'ulimit -n 4 && exec "$0" "$@"', probe_path(), sysfs());
is "$status $err", '0 ', 'four descriptors, a device';

# a root that contains only the program
my $root = scratch_dir() . '/root';
my ($loader) = (run_command('readelf', '-l', probe_path()))[1] =~ /interpreter: (.*)\]/;
my @libraries = map { m{(/\S+) \(} ? $1 : () } split /\n/, (run_command($loader, '--list', probe_path()))[1];
for my $file (probe_path(), $loader, @libraries) {
    my ($folder) = "$root$file" =~ m{(.*)/};
    make_path($folder);
    run_command('cp', '-L', $file, $folder);
}
my @chroot = ($> ? ('unshare', '-r') : (), 'chroot', $root, probe_path());
run_command('cp', $good, "$root/dump");
my $title = qr/\A[^\n]*\n/;    # without pci.ids, it differs
($status, $out, $err) = run_command(@chroot, '-F', '/dump');
is "$status $err", '0 ', 'an empty root: exit status';
is $out =~ s/$title//r, $whole =~ s/$title//r, 'an empty root: the same report, without names';
($status, $out, $err) = run_command(@chroot);
is $status, 3, 'an empty root, no dump: no device';
like $err, qr/the kernel shows no PCI device at all/, 'an empty root, no dump: the message';

# device names and file names
my $ids = write_file(scratch_dir() . '/ids', "1af4  Red\eHat\n\t1111  A\e[31mb\xc2\x9b\x7fc \xc3\xa4\nC 12  Class\aX\n\t00  Sub\bY\n");
(undef, $out) = run_probe('-v', '-i', $ids, '-F', $good);
unlike $out, qr/[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]/, '-i: no control characters';
like $out, qr/A\?\[31mb\?\?\?c \xc3\xa4/, '-i: other characters are kept';
is +(run_probe('-F', "/no/\esuch\nfile"))[2], "vgpu-probe: /no/?such?file: No such file or directory\n",
    'an error: no control characters';

done_testing;
