#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-run's command line on a machine without a device: what is refused, and that help,
# manual page and completion name the same options.
#
# Needs: setup-probe tools
use strict;
use warnings;
use JSON::PP;
use Test::More;
use Contract;
use Probe;

my $run = build_dir() . '/tools/vgpu-run';
my $source = top_dir() . '/guest-tools/vgpu-run';
my $null = '/dev/null is not a vgpu-stub device';

sub run_tool { return run_command($run, @_) }

# Every error is one line that names the tool, and JSON says the same
sub is_error {
    my ($expected, $message, $name, @arguments) = @_;
    my ($status, $out, $err) = run_tool(@arguments);
    is $status, $expected, "$name: exit status";
    is $out, '', "$name: nothing on standard output";
    is $err, "vgpu-run: $message\n", "$name: says so";
    my ($json_status, $json_out) = run_tool(@arguments, '--json');
    is $json_status, $expected, "$name: exit status with --json";
    is_deeply eval { decode_json($json_out) }, { version => Contract::project_version(),
        error => $message, exit_status => $expected }, "$name: says so in JSON";
    return;
}

is_error 2, 'no operation: nop, copy, fill or crc; see --help', 'no operation';
is_error 2, q{unknown operation 'move': nop, copy, fill or crc}, 'another operation', 'move';
is_error 2, q{unexpected argument 'fill'; see --help}, 'two operations', 'copy', 'fill';
is_error 2, 'unknown option --nonsense; see --help', 'a long option', 'nop', '--nonsense';
is_error 2, 'unknown option -x; see --help', 'a short option', 'nop', '-vx';
is_error 2, "unknown operation '?[31m': nop, copy, fill or crc", 'an escape sequence', "\e[31m";
for my $option ('-s', '--size', '-d', '--depth', '-n', '--count', '-D', '--device') {
    my ($status, undef, $err) = run_tool('nop', $option);
    is $status, 2, "$option without an argument: exit status";
    is $err, "vgpu-run: option $option needs an argument; see --help\n",
        "$option without an argument: says so";
}

my %limit = (size => 1 << 30, depth => 256, count => 1_000_000_000_000);
for my $name (sort keys %limit) {
    my $range = "not from 1 to $limit{$name}";
    my %bad = (map({ ($_ => $range) } 0, '00', $limit{$name} + 1, '18446744073709551616', '9' x 40),
        map({ ($_ => 'not a number; see --help') } '', '-1', '+1', ' 1', '1 ', '0x10', '1.5', '1e3', 'K',
            '1KiB', '1k', '1T'),
        '1K' => $name eq 'size' ? undef : 'not a number; see --help',
        '2G' => $name eq 'size' ? $range : 'not a number; see --help',
        '17179869184G' => $name eq 'size' ? $range : 'not a number; see --help');
    for my $number (sort grep { defined $bad{$_} } keys %bad) {
        my ($status, undef, $err) = run_tool('copy', "--$name=$number", '-D', '/dev/null');
        is "$status $err", "2 vgpu-run: --$name $number: $bad{$number}\n", "--$name='$number'";
    }
    for my $number (1, '01', $limit{$name}, $name eq 'size' ? ('1K', '1G') : ()) {
        my ($status, undef, $err) = run_tool('copy', "--$name=$number", '-D', '/dev/null');
        is "$status $err", "3 vgpu-run: $null\n", "--$name=$number is taken";
    }
}

is_error 3, $null, 'another device', 'nop', '-D', '/dev/null';
is_error 3, 'cannot open /no/such: No such file or directory', 'no such file', 'nop', '-D', '/no/such';
is_error 3, 'cannot open /: Is a directory', 'a folder', 'nop', '-D', '/';
is_error 3, 'this machine has no vgpu-stub device (1af4:1111): start QEMU with -device vgpu-stub',
    'no device', 'nop';
my ($status, $out, $err) = run_tool('nop', '-j', '-D', "/\xff");
is decode_json($out)->{error}, 'not UTF-8, see standard error', 'a name that JSON cannot hold';
is $err, "vgpu-run: cannot open /\xff: No such file or directory\n", '... is on standard error';
is +(run_tool('nop', '--quiet', '-D', '/dev/null'))[2], "vgpu-run: $null\n", '--quiet prints errors';

# help and version
my ($help_status, $help) = run_tool('--help');
is $help_status, 0, '--help: exit status';
like $help, qr/\AUsage: vgpu-run /, '--help: usage';
is_deeply [run_tool('--version')], [0, 'vgpu-run ' . Contract::project_version() . "\n", ''], '--version';
for my $request ('--help', '--version', 'nop --json -D /dev/null') {
    ($status, undef, $err) = run_command('sh', '-c', "$run $request >/dev/full");
    is $status, 2, "$request to a full disk: exit status";
    like $err, qr/^vgpu-run: cannot write to standard output: No space left on device$/m, '... and why';
    ($status, undef, $err) = run_command('sh', '-c', "$run $request >&-");
    is $status, 2, "$request with standard output closed: exit status";
    like $err, qr/^vgpu-run: cannot write to standard output: Bad file descriptor$/m, '... and why';
}

# one list of options
my %option;
$option{$1} = 1 while $help =~ /(?:^|[ ,])(--?[a-zA-Z][\w-]*)/mg;
my @options = sort keys %option;
my $man = read_file("$source/vgpu-run.1");
my %in_man = map { (my $name = $_) =~ s/\\//g; ("-$name" => 1) } map { /Fl ([\\\w-]+)/g }
    grep { /^\.It Fl/ } split /\n/, $man;
is_deeply [sort keys %in_man], \@options, 'the manual page has the options of the help';
my %completion = (bash => read_file("$source/completion/vgpu-run.bash"),
    zsh => read_file("$source/completion/_vgpu-run"));
for my $shell (sort keys %completion) {
    my @missing = grep { $completion{$shell} !~ /(?<![\w-])\Q$_\E(?![a-zA-Z-])/ } @options;
    is "@missing", '', "$shell completes every option";
}

sub complete {
    my ($words, $current) = @_;
    my (undef, $printed, $errors) = run_command('bash', '-c', <<"SH");
. $source/completion/vgpu-run.bash
COMP_WORDS=($words); COMP_CWORD=$current; _vgpu_run; printf '%s\\n' "\${COMPREPLY[\@]}"
SH
    return join ' ', sort split /\n/, $printed . $errors;
}

is complete('vgpu-run c', 1), 'copy crc', 'bash: an operation';
is complete('vgpu-run copy --ver', 2), '--verify --version', 'bash: an option';
is complete('vgpu-run nop -D /etc/host', 3), join(' ', sort glob '/etc/host*'), 'bash: a file';
is complete('vgpu-run nop --depth ""', 3), '', 'bash: no word for a number';

done_testing;
