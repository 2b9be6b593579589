#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# qemu-device/xcp-ng/qemu-wrapper when something hangs or cannot be started: each of
# its steps has a time limit, and the VM starts.
#
# Needs: setup-test
use strict;
use warnings;
use POSIX ();
use Test::More;
use Time::HiRes 'sleep';
use Contract;
use Dom0;
use WrapperTest;

my $dom0 = dom0();
my $without = 'this VM starts without the device: ';

# A step may take 2 seconds and 3 seconds of grace
sub in_time {
    my ($what, $result) = @_;
    cmp_ok $result->{took}, '<', 20, "$what: in time";
    return;
}

sub test_default {
    my $limit = "tr '\\0' ' ' <\"/proc/\$PPID/cmdline\" >'$dom0->{root}/limit'";
    local $dom0->{seconds};
    $dom0->xe("$limit\necho '@{[GRANT]}'");
    with_device('the default limit', '1e');
    is Qmp::slurp("$dom0->{root}/limit") =~ s/ \S*xe .*//r, 'timeout -k 1 20',
        'xe has 20 seconds, and one more before SIGKILL';
    return;
}

sub test_xe {
    $dom0->xe("setsid sleep 600 &\necho \$! >'$dom0->{root}/pid'\necho '@{[GRANT]}'");
    in_time('a child of xe', without_device('a child of xe keeps its output open',
        $without . 'xe did not answer within 2 s'));
    kill 'KILL', Qmp::slurp("$dom0->{root}/pid");
    $dom0->device_model_args(GRANT);
    return;
}

sub test_xenstore {
    my $path = "$dom0->{root}/usr/bin/xenstore-read";
    rename $path, "$path.kept" or die;
    without_device('there is no xenstore-read', $without . 'xenstore has no uuid');
    $dom0->program('usr/bin/xenstore-read', "#!/bin/sh\nexec sleep 600\n");
    in_time('xenstore-read', without_device('xenstore-read sleeps',
        $without . 'xenstore has no uuid'));
    $dom0->program('usr/bin/xenstore-read',
        "#!/bin/sh\ncase \$1 in */final-uuid) exec sleep 600 ;; esac\nexec '$path.kept' \"\$1\"\n");
    in_time('xenstore-read', with_device('xenstore-read sleeps over final-uuid', '1e'));
    rename "$path.kept", $path or die;
    return;
}

sub test_emulator {
    my $path = "$dom0->{root}/" . Dom0::EMULATOR;
    rename $path, "$path.kept" or die;
    POSIX::mkfifo($path, 0700) or die;
    in_time('QEMU', without_device('QEMU is a FIFO', $without . '.* does not have it'));
    rename "$path.kept", $path or die;
    return;
}

# xenopsd sends a signal when it cancels a start
sub test_signals {
    local $dom0->{seconds} = 20;
    $dom0->xe('exec sleep 10');
    for my $signal (qw(HUP INT QUIT TERM)) {
        local $dom0->{before} = sub {
            my $wrapper = $$;
            return if fork;
            sleep 0.5;
            kill $signal, $wrapper;
            POSIX::_exit(0);
        };
        my $result = $dom0->start(@arguments);
        is $result->{arguments}, undef, "SIG$signal: QEMU is not started";
        is $result->{status}, 143 << 8, "SIG$signal: exit status";
        cmp_ok $result->{took}, '<', 8, "SIG$signal: in time";
    }
    $dom0->device_model_args(GRANT);
    return;
}

# The limit does not apply to root, so run as another user
sub test_no_processes {
    system 'chmod', '-R', 'a+rwX', $dom0->{root} =~ s{/root$}{}r;
    local $dom0->{before} = sub {
        return if $>;
        ($(, $)) = (65534, '65534 65534');
        POSIX::setuid(65534);
    };
    # a copy, because other users may have no access to this tree
    my $copy = "$dom0->{root}/qemu-wrapper";
    system('install', '-m', 755, top_dir() . '/qemu-device/xcp-ng/qemu-wrapper', $copy) == 0 or die $copy;
    local $dom0->{through} = ['bash', '-c', 'ulimit -u 0; shift; exec "$0" "$@"', $copy];
    my $result = $dom0->start(@arguments);
    starts('no process can be created', $result);
    like $result->{log}, qr/fork: .*Resource temporarily unavailable/, 'the log gives the reason';
    return;
}

$dom0->{seconds} = 2;
$dom0->device_model_args(GRANT);
test_default();
test_xe();
test_xenstore();
test_emulator();
test_signals();
test_no_processes();

done_testing;
