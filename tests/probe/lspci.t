#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-probe compared with lspci: the first line of each device is identical, the options
# are the same, and each reads the other's dumps.
#
# Needs: setup-probe tools
use strict;
use warnings;
use Test::More;
use Contract;
use Probe;
use Sysfs;

sub titles { return grep { /^[0-9a-f]+:[0-9a-f:.]+ / && !/^[0-9a-f]+:(?: [0-9a-f]{2})+$/ } split /\n/, $_[0] }

sub same_titles {
    my ($name, @options) = @_;
    my ($status, $lspci, $err) = run_command('lspci', @options);
    is $status, 0, "$name: lspci accepts it" or diag $err;
    my (undef, $out) = run_probe('-d', ':', @options);
    is_deeply [titles($out)], [titles($lspci)], "$name: the same first lines";
    return;
}

my %dump = map { $_->{name} => $_->{dump} } read_corpus();
for my $name (qw(conventional endpoint class-swapped revision base-class several same-slot domain domains)) {
    my $file = write_file(scratch_dir() . "/$name", $dump{$name});
    same_titles($name, '-F', $file);
}
my $file = write_file(scratch_dir() . '/lspci', $dump{several});
same_titles("options @$_", @$_, '-F', $file) for ['-n'], ['-nn'], ['-D'], ['-v'], ['-nnD'], ['-k'],
    ['-s', '1:'], ['-i', '/usr/share/misc/pci.ids'];
same_titles('-v with a programming interface', '-v', '-F',
    write_file(scratch_dir() . '/prog-if', $dump{'prog-if'}));
same_titles('a USB controller, -v', '-v', '-F', write_file(scratch_dir() . '/usb',
    edit_dump(base_dump('conventional'), '9=30,03,0c')));
same_titles('functions in descending order', '-F', write_file(scratch_dir() . '/functions',
    join "\n", map { edit_dump(base_dump('conventional'), "slot=00:02.$_") } 7, 1, 0));
same_titles('this machine');
same_titles('this machine, -v', '-v');
same_titles('sysfs', sysfs());

# both can read what vgpu-probe prints
for my $name (qw(conventional endpoint several domain vendor-id cut-64 cut-255)) {
    my $first = scratch_dir() . '/first';
    write_file($first, $dump{$name});
    my (undef, $out) = run_probe('-xxxx', '-d', ':', '-F', $first);
    my $second = write_file(scratch_dir() . '/second', $out);
    my (undef, $again) = run_probe('-xxxx', '-d', ':', '-F', $second);
    is $again, $out, "$name: vgpu-probe reads what it wrote";
    my ($status, $by_lspci) = run_command('lspci', '-xxxx', '-F', $second);
    my (undef, $of_dump) = run_command('lspci', '-xxxx', '-F', $first);
    is $by_lspci, $of_dump, "$name: lspci reads what vgpu-probe wrote";
}

sub hex_bytes {
    my ($status, $out) = run_probe(@_, '-F', probe_dir() . '/dumps/endpoint.dump');
    return scalar(map { split ' ' } map { /^[0-9a-f]+:((?: [0-9a-f]{2})+)$/ ? $1 : () } split /\n/, $out);
}

is hex_bytes(), 256, 'the default is 256 bytes';
is hex_bytes('-x'), 64, '-x: 64 bytes';
is hex_bytes('-xxx'), 256, '-xxx: 256 bytes';
is hex_bytes('-xxxx'), 4096, '-xxxx: 4096 bytes';

my ($status, $out) = run_probe({ stdin => $dump{several} }, '-F', '-');
is $status, 0, '-F -: exit status';
is scalar(titles($out)), 2, '-F -: reads standard input';

sub lines_with {
    my ($pattern, $text) = @_;
    return join '', map { "$_\n" } grep { /$pattern/ } split /\n/, $text;
}

my $dump = probe_dir() . '/dumps/conventional.dump';
my (undef, $probe_v) = run_probe('-v', '-F', $dump);
my (undef, $lspci_v) = run_command('lspci', '-v', '-F', $dump);
is lines_with('Subsystem:', $probe_v), lines_with('Subsystem:', $lspci_v), '-v: the subsystem';
my (undef, $lspci_vv) = run_command('lspci', '-vv', '-F', $dump);
for my $register (['Command', 'Control'], ['Status', 'Status']) {
    my ($ours) = $probe_v =~ /$register->[0] +[0-9a-f]{4}  (.*)/;
    my ($theirs) = $lspci_vv =~ /$register->[1]: (.*)/;
    is join(' ', sort split ' ', $ours), join(' ', sort split ' ', $theirs =~ s/DEVSEL=\w+ //r),
        "-v: flags of $register->[0]";
}

for my $help ('-A', '-O') {
    my ($code, $text) = run_probe($help, 'help');
    my (undef, $theirs) = run_command('lspci', $help, 'help');
    is $code, 0, "$help help: exit status";
    is $text, $theirs, "$help help: the same as lspci's";
}
my @machine = sysfs();
my ($debug_status, $debug_out, $debug_err) = run_probe('-G', @machine);
is $debug_status, 0, '-G: exit status';
like $debug_err, qr/sysfs/, '-G: libpci prints debug output';
is $debug_out, (run_probe(@machine))[1], '-G: the report is unchanged';

done_testing;
