#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Live migration of a guest that uses the driver continuously, from one QEMU process
# to another and back, on a conventional and on an Express bus: it writes and reads a
# register, and has the device copy memory and verifies the copies. Also loads a snapshot
# of such a guest.
#
# Environment:
#   MIGRATE_TO   another emulator: the guest migrates to it, but not back
#   MIGRATIONS   how many, without MIGRATE_TO; default 2
#
# Needs: setup-demo setup-snapshots guest
use strict;
use warnings;
use File::Temp 'tempdir';
use Snapshot;
use Test::More;
use Vm;

my $dir = tempdir(CLEANUP => 1);
# Machine types that all QEMU versions under test have
my %places = (
    'conventional bus' => ['pc-i440fx-7.2', '-device', 'vgpu-stub,addr=4'],
    'root port' => ['pc-q35-7.2', '-device', 'pcie-root-port,id=rp0,chassis=1,addr=3',
        '-device', 'vgpu-stub,bus=rp0'],
);
# With few devices built in, 7.2's pc has a floppy controller and 10.0's has none, so
# QEMU refuses to migrate
$places{'conventional bus'} = ['pc-q35-7.2', '-device', 'i82801b11-bridge,id=b0,addr=3',
    '-device', 'vgpu-stub,bus=b0,addr=4'] if $ENV{MIGRATE_TO};
my $files = '/sys/bus/pci/drivers/vgpu_stub/0000:*/vgpu_stub';

# Write the scratch register, read it back and count the rounds; mismatches go to
# /tmp/wrong
my $worker = "(file=\$(echo $files/scratch); i=0; while [ ! -e /tmp/stop ]; do"
    . ' i=$((i + 1)); echo $i >$file; back=$(cat $file);'
    . ' [ $((back)) = $i ] || echo "wrote $i, read $back" >>/tmp/wrong;'
    . ' echo $i >/tmp/next; mv /tmp/next /tmp/count; done) >/dev/null 2>>/tmp/wrong &';

# Verified copies, one run of the program after the other; those that failed go to
# /tmp/wrong
my $copier = '(while [ ! -e /tmp/stop ]; do vgpu-run copy -q -v -s 256K -d 8 -n 400 2>>/tmp/wrong'
    . ' && echo >>/tmp/copied; done) >/dev/null 2>&1 &';

sub start {
    my ($emulator, $incoming, $machine, @device) = @_;
    my @arguments = ('-machine', $machine, @device);
    local $ENV{QEMU_VGPU} = $emulator if $emulator;
    return $incoming ? Vm->incoming($incoming, @arguments) : Vm->new(@arguments);
}

# Last line of a command's output in the guest
sub answer {
    my ($vm, $command) = @_;
    my ($status, @lines) = $vm->run($command);
    die "$command exits with $status: @lines" if $status;
    return $lines[-1] // '';
}

# Wait until the worker has made progress; return its count
sub at_work {
    my ($vm, $where) = @_;
    my $before = answer($vm, 'while [ ! -s /tmp/count ]; do :; done; cat /tmp/count');
    my $after = answer($vm, "i=0; while [ \$(cat /tmp/count) = $before ] && [ \$i -lt 1000 ];"
        . ' do i=$((i + 1)); done; cat /tmp/count');
    cmp_ok $after, '>', $before, "$where: the driver is in use";
    return $after;
}

# Byte reads from the monitor, because the driver makes no bad accesses
sub make_bad_accesses {
    my ($vm) = @_;
    my $address = answer($vm, 'setpci -d 1af4:1111 BASE_ADDRESS_0');
    $vm->hmp("xp /6bx 0x$address") for 1 .. 3;
    return answer($vm, "cat $files/bad_access_count");
}

sub move {
    my ($source, $emulator, @place) = @_;
    my $uri = "unix:$dir/migrate";
    my $destination = start($emulator, $uri, @place);
    is $source->migrate($uri), 'completed', 'migration completes';
    $source->leave;
    $destination->wait_status('running');
    unlink "$dir/migrate";
    return $destination;
}

sub stays_well {
    my ($vm, $bad) = @_;
    answer($vm, 'touch /tmp/stop; while pidof vgpu-run >/dev/null; do sleep 1; done; sleep 1');
    is answer($vm, 'cat /tmp/wrong'), '',
        'the scratch register always held what was written, and every copy was right';
    cmp_ok answer($vm, 'wc -l </tmp/copied'), '>', 0, 'copies were made';
    is answer($vm, "cat $files/bad_access_count"), $bad, 'the bad access count is kept';
    like answer($vm, 'vgpu-probe'), qr/checks passed/, 'vgpu-probe';
    answer($vm, 'rmmod vgpu_stub && modprobe vgpu_stub');
}

for my $name (sort keys %places) {
    subtest $name => sub {
        my @place = @{ $places{$name} };
        my $vm = start($ENV{MIGRATE_FROM}, undef, @place);
        my $bad = make_bad_accesses($vm);
        is $bad, 3, 'each read was a bad access';
        answer($vm, $_) for $worker, $copier;
        my $count = at_work($vm, 'source');
        my $migrations = $ENV{MIGRATE_TO} ? 1 : $ENV{MIGRATIONS} // 2;
        for my $number (1 .. $migrations) {
            my $before = $count;
            $vm = move($vm, $ENV{MIGRATE_TO}, @place);
            $count = at_work($vm, "destination $number");
            cmp_ok $count, '>', $before, 'it continues where it stopped';
        }
        stays_well($vm, $bad);
        $vm->end->good;
    };
}

subtest 'snapshot' => sub {
    my $disk = Snapshot->new;
    my $vm = start(undef, undef, @{ $places{'root port'} }, $disk->arguments);
    my $bad = make_bad_accesses($vm);
    answer($vm, $_) for $worker, $copier;
    my $saved = at_work($vm, 'before');
    is $vm->hmp('savevm saved'), '', 'saved';
    answer($vm, "while [ \$(cat /tmp/count) -lt @{[$saved + 50]} ]; do :; done; touch /tmp/later");
    is $vm->hmp('loadvm saved'), '', 'loaded';
    is answer($vm, '[ -e /tmp/later ]; echo $?'), 1, 'later changes are gone';
    cmp_ok at_work($vm, 'after'), '>', $saved, 'it continues where it was saved';
    stays_well($vm, $bad);
    $vm->end->good;
};

done_testing;
