#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# All JSON that vgpu-probe writes is valid according to the schema that is installed with
# it: for every dump of the corpus, errors, live devices, lists and differences.
#
# Needs: setup-demo setup-probe device tools
use strict;
use warnings;
use JSON::PP;
use Test::More;
use Contract;
use Probe;
use Sysfs;

my $folder = scratch_dir() . '/json';
mkdir $folder or die $!;
my $count = 0;

sub keep {
    my ($name, @arguments) = @_;
    my (undef, $out) = run_probe('--json', @arguments);
    write_file(sprintf('%s/%03d %s', $folder, $count++, $name =~ s{/}{_}gr), $out);
    return;
}

for my $row (read_corpus()) {
    keep($row->{name}, '-d', ':', '-F', write_file(scratch_dir() . '/dump', $row->{dump}));
}
my $dumps = probe_dir() . '/dumps';
keep('bad usage', '--nonsense');
keep('no file', '-F', '/no/such');
keep('a name that is not UTF-8', '-F', "/no/such/\xff\xe4\xc3");
keep('a name that is UTF-8', '-F', "/no/such/\xc3\xa4\"\\\n");
keep('no device', '-d', 'dead:beef');
keep('no PCI', '-A', 'linux-sysfs', '-O', 'sysfs.path=/no/such');
keep('this machine', '-d', ':');
keep('sysfs', sysfs());
keep('registers', '--mmio', sysfs(resource0 => registers()));
keep('registers of queues', '--mmio', sysfs(config => config_bytes('conventional-queues'), resource0 => queue_registers(1)));
keep('registers unknown', '--mmio', sysfs());
keep('list', '--list-checks');
keep('diff', 'diff', "$dumps/conventional.dump", "$dumps/endpoint.dump");
keep('no diff', 'diff', "$dumps/endpoint.dump", "$dumps/endpoint.dump");
keep('host', 'host');
keep('host error', 'host', 'one', 'more');
keep('diff error', 'diff', "$dumps/endpoint.dump", '/no/such');

my $validator = <<'PYTHON';
import json, os, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for name in sorted(os.listdir(sys.argv[2])):
    with open(os.path.join(sys.argv[2], name), encoding="ascii") as file:
        try:
            errors = [e.message for e in validator.iter_errors(json.load(file))]
        except ValueError as e:
            errors = [str(e)]
    print(name + "\t" + "; ".join(errors)[:300])
PYTHON

my $schema = top_dir() . '/guest-tools/vgpu-probe/vgpu-probe.schema.json';
my ($status, $out, $err) = run_command('/usr/bin/python3', '-c', $validator, $schema, $folder);
is $status, 0, 'the validator ran' or diag $err;
my @lines = split /\n/, $out;
is scalar(@lines), $count, 'it validated every output';
for my $line (@lines) {
    my ($name, $error) = split /\t/, $line, 2;
    is $error, '', "$name: valid";
}

(undef, $out) = run_probe('--json', '-F', "/no/such/\xff\xe4\xc3");
like decode_json($out)->{error}, qr{^/no/such/\x{ff}\x{e4}\x{c3}: }, 'a name that is not UTF-8 is read as Latin-1';

done_testing;
