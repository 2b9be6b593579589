#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-probe's --tap, --quiet and colours. Its options and checks are listed in the help,
# the manual page and the completions, which completion.t tries.
#
# Needs: setup-probe tools
use strict;
use warnings;
use Test::More;
use JSON::PP;
use TAP::Parser;
use Contract;
use Probe;

my $good = probe_dir() . '/dumps/conventional.dump';
my %dump = map { $_->{name} => $_->{dump} } read_corpus();
my $bad = write_file(scratch_dir() . '/bad', $dump{'several-broken'});
my $short = write_file(scratch_dir() . '/short', $dump{'cut-64'});

# TAP
sub parse_tap {
    my ($status, $out) = run_probe('--tap', @_);
    my $parser = TAP::Parser->new({ tap => $out });
    $parser->run;
    return ($status, $parser);
}

my ($status, $parser) = parse_tap('-F', $good);
is $status, 0, '--tap, good: exit status';
ok !$parser->has_problems, '--tap, good: no problems';
my $checks = decode_json((run_probe('--json', '-F', $good))[1])->{devices}[0]{checks};
is scalar($parser->passed), scalar(@$checks), '--tap, good: a line for each check';
($status, $parser) = parse_tap('-F', $bad);
is $status, 1, '--tap, bad: exit status';
is scalar($parser->failed), 1, '--tap, bad: one failure';
is_deeply [$parser->parse_errors], [], '--tap, bad: well-formed';
($status, $parser) = parse_tap('-F', $short);
is $status, 4, '--tap, incomplete: exit status';
ok $parser->has_problems, '--tap: an unknown result is not ok';
is scalar($parser->skipped), 0, '--tap: nothing is skipped';
my ($tap_status, $tap) = run_probe('--tap', '-F', '/no/such');
is $tap_status, 2, '--tap, no file: exit status';
like $tap, qr/\ATAP version 13\nBail out! /, '--tap, no file: bails out';

# --quiet
my ($quiet_status, $quiet) = run_probe('--quiet', '-F', $good);
is $quiet_status, 0, '--quiet, good: exit status';
is $quiet, '', '--quiet, good: no output';
($quiet_status, $quiet) = run_probe('--quiet', '-F', $bad);
is $quiet_status, 1, '--quiet, bad: exit status';
is $quiet, sprintf("0000:00:02.0 FAIL subsystem-id: expected 0x%04x, found 0x1100\n", contract('SUBSYSTEM_ID')),
    '--quiet, bad: only the finding';
my $twice = write_file(scratch_dir() . '/twice', base_dump('conventional') . "\n$dump{'several-broken'}");
like +(run_probe('--quiet', '-F', $twice))[1], qr/\A0000:00:02\.0 \(line 19\) FAIL subsystem-id: /, '--quiet: which device of the same slot';
like +(run_probe('--tap', '-F', $twice))[1], qr/^not ok \d+ - 0000:00:02\.0 \(line 19\) subsystem-id$/m, '--tap: which device of the same slot';
like +(run_probe('-v', '-F', $short))[1], qr/unknown .*\n\t +take the dump as root/,
    '-v: advice for what is unknown';

# colours
sub on_terminal {
    my ($environment, @arguments) = @_;
    my $command = join ' ', $environment, probe_path(), @arguments;
    my (undef, $out) = run_command('script', '-qec', $command, '/dev/null');
    return $out;
}
unlike +(run_probe('-F', $bad))[1], qr/\e/, 'no colours in a pipe';
like on_terminal('NO_COLOR=', '-F', $bad), qr/\e\[31mFAIL/, 'colours on a terminal';
unlike on_terminal('NO_COLOR=1', '-F', $bad), qr/\e/, 'no colours with NO_COLOR';
my (undef, $c_locale) = run_command('env', 'LC_ALL=C', probe_path(), '-F', $bad);
unlike $c_locale, qr/[^\n\t\x20-\x7e]/, 'only ASCII in the C locale';

# one table
my (undef, $list) = run_probe('--list-checks');
my %listed = map { (split /\t/)[0] => [split /\t/] } split /\n/, $list;
my (undef, $list_json) = run_probe('--list-checks', '--json');
my @all = @{ decode_json($list_json)->{all_checks} };
is_deeply [map { $_->{id} } @all], [map { (split /\t/)[0] } split /\n/, $list], '--list-checks: text and JSON agree';
is scalar(keys %listed), scalar(@all), '--list-checks: each ID once';
my @without = grep { !length $listed{$_}[5] } sort keys %listed;
is "@without", '', '--list-checks: advice for each';
my $man = read_file(build_dir() . '/tools/vgpu-probe.8');
my @untold = grep { $man !~ /^\.It Cm \Q$_\E /m } sort keys %listed;
is "@untold", '', 'the manual page lists each check';
my %in_contract = map { $_ => 1 } map { contract_checks($_, 0) } config_forms();
my $tests = join '', map { read_file(probe_dir() . "/$_") } qw(corpus live.t host.t);
my @unbroken = grep { !$in_contract{$_} && $tests !~ /(?<![?@\w-])\Q$_\E(?![\w-])/ } sort keys %listed;
is "@unbroken", '', 'each check fails in some test, and the contract\'s in flips.t';

# options
my (undef, $help) = run_probe('--help');
my %option;
$option{$1} = 1 while $help =~ /(?:^|[ ,])(--?[a-zA-Z][\w-]*)/mg;
my @options = grep { !/^-[A-Z]?[a-z]+-/ } sort keys %option;
my @in_man = map { s/\\//gr } map { /Fl (\S+)/g } $man =~ /^\.It (Fl .*)/mg;
is_deeply \@options, [sort map { "-$_" } @in_man], 'the help has the options of the manual page';
my $bash = read_file(top_dir() . '/guest-tools/vgpu-probe/completion/vgpu-probe.bash');
my $zsh = read_file(top_dir() . '/guest-tools/vgpu-probe/completion/_vgpu-probe');
for my $option (@options) {
    like $bash, qr/\Q$option\E(?![\w-])/, "$option: bash completes it";
    my $in_zsh = $option =~ /^-([a-zA-Z])\1*$/ ? "-$1" : $option;
    like $zsh, qr/\Q$in_zsh\E(?![\w-])/, "$option: zsh completes it";
}

done_testing;
