#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# qemu-device/xcp-ng/qemu-wrapper with stand-ins for all of dom0: whatever xe,
# xenstore and the administrator's list say, the stock wrapper is started, with
# its own arguments and nothing else behind them than this one device.
#
# Needs: setup-test
use strict;
use warnings;
use POSIX ();
use Test::More;
use Dom0;

my $dom0 = Dom0->new;
# as xenopsd calls it, with what a shell would trip over
my @arguments = (Dom0::DOMID, '--syslog', '-m', 'size=524288', '-drive',
    "file=/dev/sm/a b\"c'd,if=none", '', '-serial', '$(touch /tmp/x) `id` * ?',
    "two\nlines", "caf\xe9", '\\', '-S', '--', '');
my $grant = '["-device","vgpu-stub,addr=1e"]';

# The stock wrapper is what was started, in the same process
sub started {
    my ($what, $result, @more) = @_;
    is_deeply $result->{arguments}, [@arguments, @more], "$what: the arguments";
    ok $result->{same}, "$what: the same process";
    is $result->{status}, 0, "$what: exit status";
}

sub with_device {
    my ($what, $slot) = @_;
    my $result = $dom0->start(@arguments);
    started($what, $result, '-device', "vgpu-stub,addr=$slot");
    is $result->{log}, '', "$what: nothing to say";
}

sub without_device {
    my ($what, $why) = @_;
    my $result = $dom0->start(@arguments);
    started($what, $result);
    like $result->{log},
        qr/\Avgpu-stub: this VM starts without the device: [ -~]*$why[ -~]*\n\z/,
        "$what: one line says why";
}

sub test_not_asked_for {
    $dom0->device_model_args(undef);
    my $result = $dom0->start(@arguments);
    started('the key is not set', $result);
    is $result->{log}, '', 'the key is not set: no line for every VM without it';
}

sub test_accepted {
    my %accepted = (
        '["-device","vgpu-stub"]' => '1e',
        $grant => '1e',
        ' [ "-device" ,	"vgpu-stub,addr=1e" ] ' => '1e',
        '["-device","vgpu-stub,addr=0x1f"]' => '1f',
        '["-device","vgpu-stub,addr=18.0"]' => '18',
    );
    for my $list (sort keys %accepted) {
        $dom0->device_model_args($list);
        with_device($list, $accepted{$list});
    }
    is $dom0->asked, 'vm-param-get uuid=' . Dom0::UUID
        . " param-name=other-config param-key=device_model_args\n", 'what xe is asked';
}

sub test_refused {
    my @devices = ('romfile=/etc/shadow', 'addr=1e,romfile=/etc/shadow', 'bus=pci.0',
        'addr=2', 'addr=17', 'addr=20', 'addr=1e.1', 'addr=-1', 'addr=', 'addr',
        'addr=1e,addr=1d', 'id=x', 'multifunction=on', 'unknown=1', '', 'help', '?',
        'addr=1e ', 'addr=1e,', 'addr=1e\u002cromfile=x', 'addr=1e$(touch /tmp/x)',
        'addr=`id`', "addr=1e\n", "addr=1e\r", "addr=1e\t", "addr=\xff\xfe", "addr=1\xc3\xa9");
    my @lists = ('', ' ', '[]', '[""]', '["-device"]', '"-device"', 'vgpu-stub', '{}', 'null',
        '[[ -device, vgpu-stub ]]', "['-device','vgpu-stub']", '["-device" "vgpu-stub"]',
        '["-device","vgpu-stub",]', '["-device","vgpu-stub"', "$grant$grant", "$grant\n$grant",
        "\n$grant", "[\n\"-device\",\"vgpu-stub\"]", '["-device","vgpu-stub"] x', "$grant;id",
        '["-device","vgpu-stub","-device","vgpu-stub,addr=1f"]',
        '["-device","vgpu-stub","-chardev","file,id=x,path=/etc/passwd"]',
        '["-chardev","file,id=x,path=/etc/passwd"]', '["-device","vgpu-stub","-S"]',
        '["-device","e1000"]', '["-device","vgpu-stubx"]', '["-device","xvgpu-stub"]',
        '["-device","VGPU-STUB"]', '["--device","vgpu-stub"]', '["-devic\u0065","vgpu-stub"]',
        '["-device","vgpu-stub" , "$(reboot)"]', "\x1b[31m\x07", "\xff" x 20, "$grant\0",
        '["-device","vgpu-stub,addr=1e' . 'e' x 100_000 . '"]', 'x' x 2_000_000, "0\n" x 2000,
        map { qq(["-device","vgpu-stub,$_"]) } @devices);
    for my $list (@lists) {
        $dom0->device_model_args($list);
        (my $name = substr $list, 0, 60) =~ s/[^ -~]/?/g;
        without_device("refused: $name", '(?:must be|failed with status|did not answer)');
    }
    $dom0->device_model_args('["-device","e1000"]');
    without_device('what to do', 'must be \["-device","vgpu-stub,addr=SLOT"\] .* 18 to 1f');
}

sub test_xe {
    local $dom0->{seconds} = 1;
    my %bodies = (
        'sleeps' => ["echo \$\$ >'$dom0->{root}/pid'\nexec sleep 600", 'did not answer within 1 s; .*restart the VM'],
        'does not heed SIGTERM' =>
            ["trap '' TERM\nwhile :; do sleep 1; done", 'failed with status 137'],
        'fails' => ["echo 'The uuid you supplied was invalid.'\nexit 1",
            'failed with status 1, The uuid you supplied was invalid\.'],
        'fails after a list' => ["echo '$grant'\nexit 1", 'failed with status 1'],
        'cannot connect' => ["echo 'Error: Connection refused (calling connect )' >&2\nexit 1",
            'failed with status 1, Error: Connection refused'],
        'is killed' => ['kill -KILL $$', 'failed with status 137'],
        'says nothing' => ['exit 0', 'must be'],
        'prints without end' => ['yes', '(?:failed with status|must be)'],
        'lacks another key' => ["echo 'Key other not found in map' >&2\nexit 1",
            'failed with status 1'],
    );
    for my $name (sort keys %bodies) {
        my ($body, $why) = @{ $bodies{$name} };
        $dom0->xe($body);
        without_device("xe $name", $why);
    }
    ok !kill(0, Qmp::slurp("$dom0->{root}/pid")), 'xe that sleeps is ended';
    $dom0->xe("setsid sleep 600 &\necho \$! >'$dom0->{root}/pid'\necho '$grant'");
    without_device('a child of xe holds its output open', 'did not answer within 1 s');
    kill 'KILL', Qmp::slurp("$dom0->{root}/pid");
    $dom0->write('usr/bin/xe', '');
    chmod 0644, "$dom0->{root}/usr/bin/xe";
    without_device('xe is no program', 'failed with status 126');
    $dom0->remove('usr/bin/xe');
    without_device('there is no xe', 'failed with status 127');
}

sub test_xenstore {
    my $node = '/local/domain/' . Dom0::DOMID . '/vm';
    $dom0->device_model_args($grant);
    for my $vm ('', '/vm/', '/vm/no-uuid', '/vm/' . uc(Dom0::UUID),
        '/vm/' . Dom0::UUID . ' username=x', "/vm/@{[Dom0::UUID]}\nx") {
        $dom0->xenstore($node, $vm);
        without_device("xenstore has '$vm'", 'xenstore has no uuid for domain 7, see');
    }
    $dom0->remove("xenstore/$node");
    without_device('xenstore has no node', 'xenstore has no uuid for domain 7, see');
    $dom0->xenstore($node, '/vm/' . Dom0::UUID);
}

sub test_xenstore_read {
    local $dom0->{seconds} = 1;
    my $path = "$dom0->{root}/usr/bin/xenstore-read";
    rename $path, "$path.kept" or die;
    without_device('there is no xenstore-read', 'xenstore has no uuid');
    $dom0->program('usr/bin/xenstore-read', "#!/bin/sh\nexec sleep 600\n");
    without_device('xenstore-read sleeps', 'xenstore has no uuid');
    rename "$path.kept", $path or die;
}

# What a guest can write has no say
sub test_guest {
    $dom0->device_model_args(undef);
    for my $node ('vm-data/device_model_args', 'data/device_model_args', 'attr/vgpu-stub') {
        $dom0->xenstore('/local/domain/' . Dom0::DOMID . "/$node", $grant);
    }
    my $result = $dom0->start(@arguments);
    started('nodes of the guest', $result);
}

sub test_emulator {
    $dom0->device_model_args($grant);
    $dom0->write(Dom0::EMULATOR, "\x7fELF\0vgpu_stub\0vgpu\0");
    without_device('QEMU without the device', 'qemu-system-i386 does not have it, install');
    $dom0->remove(Dom0::EMULATOR);
    without_device('no QEMU', 'does not have it');
    $dom0->write(Dom0::EMULATOR, "\x7fELF\0vgpu-stub\0");
    with_device('QEMU with the device', '1e');
}

# A VM that is migrated here has a temporary uuid until it runs
sub test_migration_uuid {
    my $temporary = substr(Dom0::UUID, 0, 24) . '000000000001';
    $dom0->device_model_args($grant);
    $dom0->xenstore('/local/domain/' . Dom0::DOMID . '/vm', "/vm/$temporary");
    $dom0->xenstore("/vm/$temporary/final-uuid", Dom0::UUID);
    with_device('while it is migrated', '1e');
    like $dom0->asked, qr/ uuid=\Q@{[Dom0::UUID]}\E /, 'xe is asked for the final uuid';
    $dom0->xenstore('/local/domain/' . Dom0::DOMID . '/vm', '/vm/' . Dom0::UUID);
}

# A VM that is resumed or migrated keeps the slot that is in its state
sub test_state {
    my $state = "$dom0->{root}/state";
    my @before = @arguments;
    splice @arguments, 4, 0, '-loadvm', $state;
    my $saved = sub { $dom0->write('state', "QEVM\0\0\0\3\4\0\0\0\7$_[0]\0\0\0\0\xff") };

    $dom0->device_model_args($grant);
    $saved->("\x160000:00:1e.0/vgpu-stub");
    with_device('saved with the device', '1e');
    $saved->("\x160000:00:1a.0/vgpu-stub");
    with_device('saved in another slot', '1a');
    for my $other ('0000:00:04.0/rtl8139', 'vgpu-stub', '0000:00:02.0/vgpu-stub') {
        $saved->("\x16$other");
        without_device("saved with $other", 'it was saved without it; shut it down');
    }

    $dom0->device_model_args(undef);
    my $result = $dom0->start(@arguments);
    started('saved without, and not asked for', $result);
    is $result->{log}, '', 'saved without, and not asked for: nothing to say';
    $saved->("\x160000:00:1e.0/vgpu-stub");
    $result = $dom0->start(@arguments);
    started('saved with, and no longer asked for', $result);
    like $result->{log}, qr/\A[^\n]*saved with the device .* must give it again[^\n]*\n\z/,
        'saved with, and no longer asked for: the line says so';
    $dom0->device_model_args($grant);
    $dom0->remove('state');
    $result = $dom0->start(@arguments);
    started('no file with the state', $result);
    @arguments = @before;
}

# The stock wrapper inherits all that xenopsd gave
sub test_transparent {
    $dom0->device_model_args($grant);
    my %ends = ('exit 3' => 3 << 8, 'exit 255' => 255 << 8, 'kill "TERM", $$; sleep 9' => 15,
        'kill "KILL", $$; sleep 9' => 9);
    for my $end (sort keys %ends) {
        local $dom0->{stock} = $end;
        is $dom0->start(@arguments)->{status}, $ends{$end}, "it ends with '$end'";
    }

    pipe my $reader, my $writer or die;
    print {$writer} "from xenopsd\n";
    close $writer;
    my $code = 'open STDERR, ">&", 2; print STDERR readline STDIN, $ENV{TAP}, $SIG{PIPE} // ""';
    local $dom0->{stock} = $code;
    local $dom0->{before} = sub { open STDIN, '<&', $reader; $ENV{TAP} = "a b\n" };
    is $dom0->start(@arguments)->{log}, "from xenopsd\na b\n", 'input, environment';
    local $dom0->{before} = sub { open STDIN, '<', '/dev/null'; $SIG{PIPE} = 'IGNORE' };
    like $dom0->start(@arguments)->{log}, qr/IGNORE\z/, 'an ignored signal';
    local $dom0->{before} = sub { POSIX::dup2(1, 9); POSIX::dup2(1, 200) };
    local $dom0->{stock} = 'print STDERR join " ", grep { -e "/proc/self/fd/$_" } 9, 200';
    is $dom0->start(@arguments)->{log}, '9 200', 'descriptors';
}

sub test_log_closed {
    $dom0->device_model_args('["-device","e1000"]');
    local $dom0->{before} = sub { POSIX::close(2) };
    started('standard error is closed', $dom0->start(@arguments));
    local $dom0->{before} = sub {
        pipe my $reader, my $writer or die;
        POSIX::dup2(fileno $writer, 2);
    };
    started('nobody reads standard error', $dom0->start(@arguments));
    local $dom0->{before} = sub { open STDERR, '>', '/dev/full' };
    started('standard error is full', $dom0->start(@arguments));
}

sub test_environment {
    $dom0->device_model_args($grant);
    $dom0->write('evil', "exit 9\n");
    local $dom0->{before} = sub {
        $ENV{BASH_ENV} = "$dom0->{root}/evil";
        $ENV{'BASH_FUNC_exec%%'} = '() { exit 9; }';
        $ENV{SHELLOPTS} = 'noexec';
    };
    with_device('an environment made for bash', '1e');
}

sub test_odd_calls {
    my $result = $dom0->start;
    is_deeply $result->{arguments}, [], 'no arguments: none are passed on';
    $result = $dom0->start('x y', '-loadvm');
    is_deeply $result->{arguments}, ['x y', '-loadvm'], 'no domain, no state: as they are';
    $dom0->remove(Dom0::STOCK);
    $result = $dom0->start(@arguments);
    is $result->{status}, 127 << 8, 'no stock wrapper: exit status';
    like $result->{log}, qr/qemu-wrapper: No such file/, 'no stock wrapper: the log says so';
}

test_not_asked_for();
test_accepted();
test_refused();
test_xe();
test_xenstore();
test_xenstore_read();
test_guest();
test_emulator();
test_migration_uuid();
test_state();
test_transparent();
test_log_closed();
test_environment();
test_odd_calls();

done_testing;
