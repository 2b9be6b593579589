#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The form of the device that vgpu-probe checks against: it follows from the bridges
# around the device if they are known, otherwise from its own Express capability.
#
# Needs: setup-probe tools
use strict;
use warnings;
use JSON::PP;
use Test::More;
use Contract;
use Probe;
use Sysfs;

my $count = 0;

# A bridge in a slot, to a bus; its Express port type, or undef
sub bridge {
    my ($slot, $secondary, $type) = @_;
    my $bytes = "\0" x 256;
    substr $bytes, 0, 12, pack 'vvvvCCv', 0x1b36, 0x000c, 0x0107, 0x0010, 0, 0, 0x0604;
    substr $bytes, 0x0e, 1, "\x01";
    substr $bytes, 0x18, 3, pack 'CCC', 0, $secondary, $secondary;
    substr $bytes, 0x34, 1, "\x40";
    substr $bytes, 0x40, 4, defined $type ? pack 'CCv', 0x10, 0, 0x42 & ~0xf0 | $type << 4 : pack 'CCv', 0x0d, 0, 0;
    return [$slot, $bytes];
}

sub dump_of {
    my ($slot, $bytes) = @{ $_[0] };
    my @lines = map { sprintf "%02x: %s\n", 16 * $_, join ' ', unpack '(H2)*', substr $bytes, 16 * $_, 16 } 0 .. 15;
    return "$slot PCI bridge: x\n" . join('', @lines) . "\n";
}

sub with_domain { return $_[0] =~ /:.*:/ ? $_[0] : "0000:$_[0]" }

# Form and failed checks of our device in a dump and in a stand-in for sysfs
sub forms_of {
    my ($base, $slot, @bridges) = @_;
    my $dump = join '', edit_dump(base_dump($base), "slot=$slot"), "\n", map { dump_of($_) } @bridges;
    my @sysfs = sysfs(slot => "0000:$slot", config => config_bytes($base), reset => '', reset_method => 'flr',
        top => scratch_dir() . '/forms' . $count++);
    my ($top) = $sysfs[3] =~ /=(.*)/;
    sysfs(slot => with_domain($_->[0]), config => $_->[1], top => $top) for @bridges;
    my @found;
    for my $options (['-F', write_file(scratch_dir() . '/dump', $dump)], \@sysfs) {
        my $device = decode_json((run_probe('--json', @$options))[1])->{devices}[0];
        push @found, join ' ', "$device->{form}:", map { $_->{id} } grep { $_->{result} eq 'fail' } @{ $device->{checks} };
    }
    is $found[1], $found[0], "$base at $slot: machine and dump agree";
    return $found[0];
}

my ($root, $up, $down, $to_pci, $from_pci) = (4, 5, 6, 7, 8);
is forms_of('conventional', '00:02.0'), 'conventional:', 'no bridge: conventional';
is forms_of('integrated', '00:02.0'), 'integrated endpoint:', 'no bridge: integrated';
is forms_of('endpoint', '01:00.0'), 'endpoint:', 'no bridge: endpoint';
is forms_of('endpoint', '01:00.0', bridge('00:03.0', 1, $root)), 'endpoint:', 'below a root port';
is forms_of('endpoint', '03:00.0', bridge('00:03.0', 1, $root), bridge('01:00.0', 2, $up), bridge('02:00.0', 3, $down)),
    'endpoint:', 'below a switch';
is forms_of('integrated', '00:02.0', bridge('00:03.0', 1, $root)), 'integrated endpoint:', 'next to a root port';
is forms_of('conventional', '02:00.0', bridge('00:03.0', 1, $root), bridge('01:00.0', 2, $to_pci)), 'conventional:',
    'below a bridge to PCI';
is forms_of('conventional', '01:00.0', bridge('00:03.0', 1, undef)), 'conventional:', 'below a conventional bridge';

for my $queues ('conventional', 'integrated', 'endpoint') {
    my $form = $queues =~ s/integrated/integrated endpoint/r;
    is forms_of("$queues-queues", '00:02.0'), "$form:", "no bridge: $queues with queues";
}
is forms_of('endpoint-queues', '01:00.0', bridge('00:03.0', 1, $root)), 'endpoint:', 'with queues below a root port';
is forms_of('integrated-queues', '00:02.0', bridge('00:03.0', 1, $root)), 'integrated endpoint:',
    'with queues next to a root port';
is forms_of('conventional-queues', '02:00.0', bridge('00:03.0', 1, $root), bridge('01:00.0', 2, $to_pci)),
    'conventional:', 'with queues below a bridge to PCI';

# devices on the wrong bus
like forms_of('conventional-queues', '01:00.0', bridge('00:03.0', 1, $root)),
    qr/^endpoint: msix-next .*\bexp-id\b.*\bexpress\b/, 'MSI-X and no Express capability below a root port';
like forms_of('endpoint-queues', '02:00.0', bridge('01:00.0', 2, $to_pci)),
    qr/^conventional: msix-next .*\bcap-unlisted\b/, 'MSI-X and an Express capability below a bridge to PCI';
is forms_of('integrated', '01:00.0', bridge('00:03.0', 1, $root)), 'endpoint: exp-type lnkcap lnksta',
    'an integrated endpoint below a root port';
is forms_of('integrated', '03:00.0', bridge('00:03.0', 1, $root), bridge('01:00.0', 2, $up), bridge('02:00.0', 3, $down)),
    'endpoint: exp-type lnkcap lnksta', 'an integrated endpoint below a switch';
is forms_of('integrated', '01:00.0', bridge('0001:00:03.0', 1, $root)), 'integrated endpoint:',
    'a root port in another domain does not count';
is forms_of('endpoint', '00:02.0', bridge('00:03.0', 1, $root)), 'integrated endpoint: exp-type lnkcap lnksta',
    'an endpoint next to a root port';
like forms_of('conventional', '01:00.0', bridge('00:03.0', 1, $from_pci)), qr/^endpoint: .*\bexp-id\b.*\bexpress\b/,
    'no Express capability below a bridge to Express';
like forms_of('endpoint', '02:00.0', bridge('01:00.0', 2, $to_pci)), qr/^conventional: cap-pointer .*\bcap-unlisted\b/,
    'an Express capability below a bridge to PCI';

done_testing;
