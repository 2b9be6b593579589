#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# qemu-device/xcp-ng/qemu-wrapper when a VM is started, with stand-ins for everything in
# dom0. Whatever xe, xenstore and the administrator's list contain, it starts the stock
# wrapper with the same arguments and appends this one device or nothing.
#
# Needs: setup-test
use strict;
use warnings;
use POSIX ();
use Test::More;
use Dom0;
use WrapperTest;

my $dom0 = dom0();

sub refused {
    my ($what, $why) = @_;
    return without_device($what, "this VM starts without the device: $why");
}

sub test_not_asked_for {
    $dom0->device_model_args(undef);
    without_device('the key is not set');
}

sub test_accepted {
    my %accepted = (
        '["-device","vgpu-stub"]' => '1e',
        GRANT() => '1e',
        ' [ "-device" ,	"vgpu-stub,addr=1e" ] ' => '1e',
        '["-device","vgpu-stub,addr=0x1f"]' => '1f',
        '["-device","vgpu-stub,addr=18.0"]' => '18',
        map { (qq(["-device","vgpu-stub,addr=$_"]) => $_) } map { sprintf '%x', $_ } 0x18 .. 0x1f,
    );
    for my $list (sort keys %accepted) {
        $dom0->device_model_args($list);
        with_device($list, $accepted{$list});
    }
    is $dom0->asked, 'vm-param-get uuid=' . Dom0::UUID
        . " param-name=other-config param-key=device_model_args\n", 'the command that xe is run with';
}

sub test_refused {
    my @devices = ('romfile=/etc/shadow', 'addr=1e,romfile=/etc/shadow', 'bus=pci.0',
        'addr=2', 'addr=17', 'addr=20', 'addr=1e.1', 'addr=-1', 'addr=', 'addr',
        'addr=1e,addr=1d', 'id=x', 'multifunction=on', 'unknown=1', '', 'help', '?',
        'addr=1e ', 'addr=1e,', 'addr=1e\u002cromfile=x', 'addr=1e$(touch /tmp/x)',
        'addr=`id`', "addr=1e\n", "addr=1e\r", "addr=1e\t", "addr=\xff\xfe", "addr=1\xc3\xa9",
        map { "addr=$_" } 0 .. 9, 'a' .. 'f', 10 .. 17, '1E', '1F');
    my @lists = ('', ' ', '[]', '[""]', '["-device"]', '"-device"', 'vgpu-stub', '{}', 'null',
        '[[ -device, vgpu-stub ]]', "['-device','vgpu-stub']", '["-device" "vgpu-stub"]',
        '["-device","vgpu-stub",]', '["-device","vgpu-stub"', GRANT x 2, join("\n", (GRANT) x 2),
        "\n" . GRANT, "[\n\"-device\",\"vgpu-stub\"]", '["-device","vgpu-stub"] x', GRANT . ';id',
        '["-device","vgpu-stub","-device","vgpu-stub,addr=1f"]',
        '["-device","vgpu-stub","-chardev","file,id=x,path=/etc/passwd"]',
        '["-chardev","file,id=x,path=/etc/passwd"]', '["-device","vgpu-stub","-S"]',
        '["-device","e1000"]', '["-device","vgpu-stubx"]', '["-device","xvgpu-stub"]',
        '["-device","VGPU-STUB"]', '["--device","vgpu-stub"]', '["-devic\u0065","vgpu-stub"]',
        '["-device","vgpu-stub" , "$(reboot)"]', "\x1b[31m\x07", "\xff" x 20, GRANT . "\0",
        "\0" . GRANT, 'Key device_model_args not found in map',
        map { qq(["-device","vgpu-stub,$_"]) } @devices);
    for my $list (@lists) {
        $dom0->device_model_args($list);
        (my $name = $list) =~ s/[^ -~]/?/g;
        refused("refused: $name", 'other-config:device_model_args must be '
            . '\["-device","vgpu-stub,addr=SLOT"\] with a SLOT from 18 to 1f, but is '
            . '.*, then restart the VM$');
    }
}

# Long lists are truncated, and so is the log line
sub test_long {
    my %lists = ('one word' => '["-device","vgpu-stub,addr=1e' . 'e' x 100_000 . '"]',
        'two megabytes' => 'x' x 2_000_000, 'lines' => "0\n" x 2000,
        'blanks after a valid list' => GRANT . ' ' x 2000 . ']');
    for my $name (sort keys %lists) {
        $dom0->device_model_args($lists{$name});
        my $result = refused("refused: $name", '(?:other-config\S* must be|xe failed with status)');
        cmp_ok length $result->{log}, '<', 500, "refused: $name: a short line";
    }
}

# "status" is the mediator's answer to whether it serves its socket
sub mediator {
    my ($body) = @_;
    $dom0->program('usr/sbin/vgpu-mediator', "#!/bin/sh\nprintf '%s\\n' \"\$*\" >'$dom0->{root}/status'\n$body\n");
    return;
}

sub test_mediator {
    my $socket = "$dom0->{root}/run/vgpu-stub/mediator.sock";
    $dom0->device_model_args('["-device","vgpu-stub,addr=1d,mediator=vgpu-mediator"]');
    with_device('QEMU without a mediator', '1d', 'this VM has no mediator: \S+ cannot use one, install');
    $dom0->write(Dom0::EMULATOR, "\x7fELF\0vgpu-stub\0mediator-timeout\0");
    my $why = "this VM has no mediator: no vgpu-mediator answers at \Q$socket\E, start it, then restart the VM";
    with_device('no mediator', '1d', $why);
    mediator('exit 1');
    with_device('a mediator that fails', '1d', $why);
    mediator('exec sleep 600');
    {
        local $dom0->{seconds} = 2;
        my $result = with_device('a mediator that hangs', '1d', $why);
        cmp_ok $result->{took}, '<', 20, '... in time';
    }
    mediator('echo VMs; exit 0');
    my $result = $dom0->start(@arguments);
    starts('a mediator that answers', $result, '-chardev', "socket,id=vgpu-mediator,path=$socket",
        '-device', 'vgpu-stub,addr=1d,mediator=vgpu-mediator');
    is $result->{log}, '', '... logs nothing';
    is Qmp::slurp("$dom0->{root}/status"), "status\n", '... the command that asks it';
    $dom0->device_model_args('["-device","vgpu-stub,mediator=vgpu-mediator"]');
    like join(' ', @{ $dom0->start(@arguments)->{arguments} }), qr/ vgpu-stub,addr=1e,mediator=vgpu-mediator$/,
        'a mediator and no slot';
    for my $other ('x', 'vgpu-mediator2', '', 'vgpu-mediator,mediator-timeout=0', 'vgpu-mediator,addr=1e') {
        $dom0->device_model_args(qq(["-device","vgpu-stub,addr=1d,mediator=$other"]));
        refused("refused: mediator=$other", 'other-config:device_model_args must be');
    }
    $dom0->device_model_args(GRANT);
    with_device('a mediator that the list does not name', '1e');
    $dom0->write(Dom0::EMULATOR, "\x7fELF\0\0vgpu-stub\0other-device\0");
    return;
}

sub test_xe {
    local $dom0->{seconds} = 2;
    my %bodies = (
        'sleeps' => ["echo \$\$ >'$dom0->{root}/pid'\nexec sleep 600",
            'xe did not answer within 2 s, check XAPI and the pool\'s master'],
        'ignores SIGTERM' =>
            ["trap '' TERM\nwhile :; do sleep 1; done", 'xe failed with status 137'],
        'fails' => ["echo 'The uuid you supplied was invalid.'\nexit 1",
            'xe failed with status 1 \(The uuid you supplied was invalid\.\), check XAPI'],
        'fails after a list' => ["echo '@{[GRANT]}'\nexit 1", 'xe failed with status 1 '],
        'cannot connect' => ["echo 'Error: Connection refused (calling connect )' >&2\nexit 1",
            'xe failed with status 1 \(Error: Connection refused'],
        'is killed' => ['kill -KILL $$', 'xe failed with status 137 '],
        'says nothing' => ['exit 0', 'other-config:device_model_args must be'],
        'prints without end' => ['yes', '(?:xe failed with status|other-config)'],
        'lacks another key' => ["echo 'Key other not found in map' >&2\nexit 1",
            'xe failed with status 1 '],
        'lacks the key and crashes' =>
            ["echo 'Key device_model_args not found in map'\nexit 2", 'xe failed with status 2 '],
        'lacks the key and hangs' =>
            ["echo 'Key device_model_args not found in map'\nexec sleep 600", 'xe did not answer'],
    );
    for my $name (sort keys %bodies) {
        my ($body, $why) = @{ $bodies{$name} };
        $dom0->xe($body);
        my $result = refused("xe $name", "$why.*, then restart the VM\$");
        cmp_ok $result->{took}, '<', 20, "xe $name: in time";
    }
    ok !kill(0, Qmp::slurp("$dom0->{root}/pid")), 'a sleeping xe is killed';
    $dom0->write('usr/bin/xe', '');
    chmod 0644, "$dom0->{root}/usr/bin/xe";
    refused('xe is not executable', 'xe failed with status 126');
    $dom0->remove('usr/bin/xe');
    refused('there is no xe', 'xe failed with status 127');
}

sub test_xenstore {
    my $node = '/local/domain/' . Dom0::DOMID . '/vm';
    $dom0->device_model_args(GRANT);
    for my $vm ('', '/vm/', '/vm/no-uuid', '/vm/' . uc(Dom0::UUID),
        '/vm/' . Dom0::UUID . ' username=x', "/vm/@{[Dom0::UUID]}\nx", '/vm/x' . Dom0::UUID) {
        $dom0->xenstore($node, $vm);
        refused("xenstore has '$vm'",
            q(xenstore has no uuid for domain 7, see 'xenstore-ls /local/domain/7', then));
    }
    $dom0->remove("xenstore/$node");
    refused('xenstore has no node', 'xenstore has no uuid for domain 7, see');
    $dom0->xenstore($node, '/vm/' . Dom0::UUID);
    with_device('xenstore has the uuid', '1e');
}

# What a guest can write makes no difference
sub test_guest {
    $dom0->device_model_args(undef);
    for my $node ('vm-data/device_model_args', 'data/device_model_args', 'attr/vgpu-stub') {
        $dom0->xenstore('/local/domain/' . Dom0::DOMID . "/$node", GRANT);
    }
    without_device("the guest's xenstore nodes");
}

sub test_emulator {
    $dom0->device_model_args(GRANT);
    $dom0->write(Dom0::EMULATOR, "\x7fELF\0vgpu_stub\0vgpu\0");
    my $why = "\Q$dom0->{root}/@{[Dom0::EMULATOR]}\E does not have it, install a QEMU that does\$";
    refused('QEMU without the device', $why);
    $dom0->remove(Dom0::EMULATOR);
    refused('no QEMU', $why);
    $dom0->device_model_args(undef);
    without_device('no QEMU, and the key is not set');
    $dom0->device_model_args(GRANT);
    $dom0->write(Dom0::EMULATOR, "\x7fELF\0vgpu-stub\0");
    with_device('QEMU with the device', '1e');
}

# During migration, a VM has a temporary uuid on the destination host
sub test_migration_uuid {
    my $temporary = substr(Dom0::UUID, 0, 24) . '000000000001';
    $dom0->device_model_args(GRANT);
    $dom0->xenstore('/local/domain/' . Dom0::DOMID . '/vm', "/vm/$temporary");
    $dom0->xenstore("/vm/$temporary/final-uuid", Dom0::UUID);
    with_device('during migration', '1e');
    like $dom0->asked, qr/ uuid=\Q@{[Dom0::UUID]}\E /, 'xe is asked for the final uuid';
    $dom0->xenstore('/local/domain/' . Dom0::DOMID . '/vm', '/vm/' . Dom0::UUID);
}

# The stock wrapper inherits what xenopsd set up
sub test_transparent {
    $dom0->device_model_args(GRANT);
    my %ends = ('exit 3' => 3 << 8, 'exit 255' => 255 << 8, 'kill "TERM", $$; sleep 9' => 15,
        'kill "KILL", $$; sleep 9' => 9);
    for my $end (sort keys %ends) {
        local $dom0->{stock} = $end;
        is $dom0->start(@arguments)->{status}, $ends{$end}, "the exit status of '$end'";
    }

    pipe my $reader, my $writer or die;
    print {$writer} "from xenopsd\n";
    close $writer;
    local $dom0->{stock} = 'print STDERR readline STDIN, map { $_ // "" } @ENV{qw(TAP PATH LC_ALL)}';
    local $dom0->{before} = sub {
        open STDIN, '<&', $reader;
        ($ENV{TAP}, $ENV{LC_ALL}) = ("a b\n", 'C.UTF-8');
    };
    is $dom0->start(@arguments)->{log}, "from xenopsd\na b\n$ENV{PATH}C.UTF-8", 'input, environment';
    local $dom0->{before} = sub { POSIX::dup2(1, 9); POSIX::dup2(1, 200) };
    local $dom0->{stock} = 'print STDERR join " ", grep { -e "/proc/self/fd/$_" } 9, 200';
    is $dom0->start(@arguments)->{log}, '9 200', 'descriptors';

    local $dom0->{stock} = 'print STDERR map { $SIG{$_} // "default" } qw(PIPE HUP INT QUIT TERM)';
    local $dom0->{before} = sub { };
    is $dom0->start(@arguments)->{log}, 'default' x 5, 'signals';
    local $dom0->{before} = sub { @SIG{qw(PIPE HUP TERM)} = ('IGNORE') x 3 };
    is $dom0->start(@arguments)->{log}, 'IGNOREIGNOREdefaultdefaultIGNORE', 'ignored signals';
}

sub test_log_closed {
    $dom0->device_model_args('["-device","e1000"]');
    local $dom0->{before} = sub { POSIX::close(2) };
    starts('standard error is closed', $dom0->start(@arguments));
    local $dom0->{before} = sub {
        pipe my $reader, my $writer or die;
        POSIX::dup2(fileno $writer, 2);
    };
    starts('nobody reads standard error', $dom0->start(@arguments));
    local $dom0->{before} = sub { open STDERR, '>', '/dev/full' };
    starts('standard error is full', $dom0->start(@arguments));
}

sub test_environment {
    $dom0->device_model_args(GRANT);
    $dom0->write('evil', "exit 9\n");
    my %environments = (
        'for bash' => { BASH_ENV => "$dom0->{root}/evil", 'BASH_FUNC_exec%%' => '() { exit 9; }',
            SHELLOPTS => 'noexec' },
        'without PATH' => { PATH => '/nonexistent' },
        'with another language' => { LANG => 'de_DE.UTF-8', LC_ALL => 'C.UTF-8' },
    );
    for my $name (sort keys %environments) {
        local $dom0->{before} = sub { %ENV = (%ENV, %{ $environments{$name} }) };
        with_device("an environment $name", '1e');
    }
}

sub test_odd_calls {
    my $result = $dom0->start;
    is_deeply $result->{arguments}, [], 'no arguments: none are passed on';
    $result = $dom0->start('x y', '-loadvm');
    is_deeply $result->{arguments}, ['x y', '-loadvm'], 'no domain, no state: arguments are unchanged';
    $dom0->remove(Dom0::STOCK);
    $result = $dom0->start(@arguments);
    is $result->{status}, 127 << 8, 'no stock wrapper: exit status';
    is scalar(() = $result->{log} =~ /qemu-wrapper: No such file/g), 1,
        'no stock wrapper: the log says so, once';
}

test_not_asked_for();
test_accepted();
test_refused();
test_long();
test_mediator();
test_xe();
test_xenstore();
test_guest();
test_emulator();
test_migration_uuid();
test_transparent();
test_log_closed();
test_environment();
test_odd_calls();

done_testing;
