#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Compare the device's migration format with the recorded one (vmstate.json), using
# QEMU's own checker in both directions. After an intended change, record it again:
#
#   prove -Itests/lib tests/migration/vmstate.t :: --record
#
# Needs: setup-device device
use strict;
use warnings;
use File::Temp 'tempdir';
use JSON::PP;
use Test::More;
use Contract;
use Qmp;

my $reference = top_dir() . '/tests/migration/vmstate.json';
my $dir = tempdir(CLEANUP => 1);
my $json = JSON::PP->new->pretty->canonical;
my $source = `@{[top_dir()]}/tests/setup/qemu-source`;
chomp $source;
my $checker = "$source/scripts/vmstate-static-checker.py";

sub write_json {
    my ($path, $data) = @_;
    open my $file, '>', $path or die "$path: $!";
    print $file $json->encode($data);
    close $file or die "$path: $!";
    return $path;
}

# The parent's size is that of the structure in memory, which varies by version and is
# not migrated.
sub delete_parent_sizes {
    my ($description) = @_;
    for my $field (@{ $description->{Fields} // [] }) {
        delete $field->{size} if $field->{field} eq 'parent_obj';
    }
    delete_parent_sizes($_) for @{ $description->{Subsections} // [] };
    return;
}

# The device's part of a dump
sub dump_vmstate {
    local $ENV{BUILD} = build_dir();
    my $qemu = top_dir() . '/tests/lib/qemu-under-test';
    system("'$qemu' -machine q35 -nodefaults -display none -dump-vmstate '$dir/all' 2>'$dir/stderr'") == 0
        or die Qmp::slurp("$dir/stderr");
    my $vmstate = decode_json(Qmp::slurp("$dir/all"))->{'vgpu-stub'}
        or die 'the device has no migration format';
    delete_parent_sizes($vmstate->{Description});
    return { 'vgpu-stub' => $vmstate };
}

# The checker's findings from one format to the other
sub findings {
    my ($from, $to) = @_;
    my $output = `python3 '$checker' -s '$from' -d '$to' 2>&1`;
    return $? == 0 && $output eq '' ? '' : "status @{[$? >> 8]}: $output";
}

my $now = write_json("$dir/now", dump_vmstate());
write_json($reference, dump_vmstate()) if "@ARGV" eq '--record';
is findings($reference, $now), '', 'the recorded format can be loaded';
is findings($now, $reference), '', 'the recorded version can load the current format';
is Qmp::slurp($now), Qmp::slurp($reference), 'the format is the recorded one';

# The checker notices changes
my %broken = (
    'a missing field' => sub { pop @{ $_[0]{Description}{Fields} } },
    'a wider field' => sub { $_[0]{Description}{Fields}[1]{size} = 8 },
    'a newer version' => sub { $_[0]{version_id} = 2 },
);
for my $what (sort keys %broken) {
    my $other = decode_json(Qmp::slurp($now));
    $broken{$what}->($other->{'vgpu-stub'});
    my $path = write_json("$dir/other", $other);
    isnt findings($path, $now) . findings($now, $path), '', "the checker finds $what";
}

done_testing;
