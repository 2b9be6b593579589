#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Live migration of a guest with work in flight from one mediator to another and back, on
# both paths: every command ends once, with the right data.
#
# Environment:
#   MIGRATIONS   how many, default 2
#
# Needs: setup-demo guest mediator
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Time::HiRes 'sleep';
use Chardev;
use Outlive;

my $dir = tempdir(CLEANUP => 1);
my @mediators = map { supervisor(tempdir(CLEANUP => 1)) } 1, 2;
local $ENV{GUEST} = chardev_guest();

sub migrate {
    my ($source, $to) = @_;
    my $uri = "unix:$dir/migrate";
    my $destination = guest($mediators[$to]{socket}, $source->{path}, $source->{path}, $uri);
    is $source->migrate($uri), 'completed', "migration to mediator $to completes";
    $source->leave;
    $destination->wait_status('running');
    unlink "$dir/migrate";
    ok workers_are($mediators[$to], 1), "mediator $to serves the guest";
    ok workers_are($mediators[!$to], 0), 'the other one does not';
    return $destination;
}

for my $path (qw(shared framed)) {
    subtest "$path path" => sub {
        my $vm = guest($mediators[0]{socket}, $path, $path);
        ok workers_are($mediators[0], 1), 'mediator 0 serves the guest';
        start_work($vm);
        for my $number (1 .. $ENV{MIGRATIONS} // 2) {
            sleep 1;
            $vm = migrate($vm, $number % 2);
        }
        sleep 1;
        end_work($vm);
        $vm->end->good;
    };
}
for my $mediator (@mediators) {
    kill 'TERM', $mediator->{pid};
    is $mediator->ends, 0, 'the mediator ends';
}

END {
    local $?;
    kill 'KILL', $_->{pid} for grep { $_->{pid} } @mediators;
}

done_testing;
