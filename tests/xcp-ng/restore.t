#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# qemu-device/xcp-ng/qemu-wrapper when a VM is resumed or migrated to this host: a VM
# that was saved with the device is restored with it, in the same slot, unless the
# administrator removed the key. What a guest puts into the state makes no difference.
#
# Needs: setup-test
use strict;
use warnings;
use Fcntl qw(F_WRLCK O_NONBLOCK O_RDWR);
use POSIX ();
use Test::More;
use Dom0;
use WrapperTest;

use constant F_SETLEASE => 1024;

my $dom0 = dom0();
my $state = "$dom0->{root}/state";
my $restored = 'this VM is restored with the device, as it was saved, although ';
my $needs = 'this VM was saved with the device and QEMU refuses its state without it: ';
my $not_saved = 'this VM starts without the device: it was saved without it';
my $advice = 'shut it down and start it to have it$';

# A section as QEMU writes it: its kind, number, name, instance and version
sub section {
    my ($name, %other) = @_;
    my %is = (kind => 4, number => 7, instance => 0, data => "\0\0\0\2\xf4\x1a\x11\x11", %other);
    return pack('CNC/aNN', $is{kind}, $is{number}, $name, $is{instance}, 1) . $is{data};
}

sub device {
    my ($slot, %other) = @_;
    return section("0000:00:$slot.0/vgpu-stub", %other);
}

sub saved {
    my (@sections) = @_;
    $dom0->write('state', join '', "QEVM\0\0\0\3", section('timer', number => 0), @sections,
        section('0000:00:02.0/vga'), "\0");
    return;
}

sub grant {
    my ($slot) = @_;
    $dom0->device_model_args(qq(["-device","vgpu-stub,addr=$slot"]));
    return;
}

sub test_slot {
    grant('1e');
    for my $slot (map { sprintf '%x', $_ } 0x18 .. 0x1f) {
        saved(device($slot));
        with_device("saved in slot $slot", $slot);
    }
    for my $number (0, 10, 0x0a0a0a0a, 255, 0xffffffff) {
        saved(device('1a', number => $number));
        with_device("saved as section $number", '1a');
    }
}

sub test_mediator {
    my $before = Qmp::slurp("$dom0->{root}/@{[Dom0::EMULATOR]}");
    $dom0->program('usr/sbin/vgpu-mediator', "#!/bin/sh\nexit 0\n");
    $dom0->write(Dom0::EMULATOR, "$before\0mediator-timeout\0");
    $dom0->device_model_args('["-device","vgpu-stub,addr=1e,mediator=vgpu-mediator"]');
    saved(device('1a'));
    starts('the mediator, and saved in slot 1a', $dom0->start(@arguments), '-chardev',
        "socket,id=vgpu-mediator,path=$dom0->{root}/run/vgpu-stub/mediator.sock", '-device',
        'vgpu-stub,addr=1a,mediator=vgpu-mediator');
    $dom0->xe('exit 3');
    with_device('xe fails', '1a', "$restored.*status 3");
    $dom0->write(Dom0::EMULATOR, $before);
    return;
}

sub test_saved_without {
    grant('1e');
    my %sections = (
        'another device' => section('0000:00:04.0/rtl8139'),
        'a slot of XCP-ng' => device('02'),
        'slot 17' => device('17'),
        'slot 20' => device('20'),
        'another bus' => section('0000:01:1e.0/vgpu-stub'),
        'another function' => section('0000:00:1e.1/vgpu-stub'),
        'a longer name' => section('0000:00:1e.0/vgpu-stubs'),
        'the name alone' => '0000:00:1e.0/vgpu-stub',
        'the name and its length' => "\x160000:00:1e.0/vgpu-stub\0\0\0\0",
        'the wrong length' => device('1e') =~ s/\x16/\x17/r,
        'a part of a section' => device('1e', kind => 2),
        'another instance' => device('1e', instance => 1),
        'a name with another sign' => section('0000:00:1e_0/vgpu-stub'),
    );
    for my $name (sort keys %sections) {
        saved($sections{$name});
        without_device("saved with $name", "$not_saved; $advice");
    }
    $dom0->write('state', '');
    without_device('an empty state', "$not_saved; $advice");
}

# A guest can make a device save bytes that look like our section, before and after it
sub test_planted {
    for my $slot (qw(18 1a 1f)) {
        my @fakes = map { ("0000:00:$_.0/vgpu-stub", device($_)) } qw(19 1e);
        for my $sections ([@fakes, device($slot)], [device($slot), @fakes],
            [(@fakes) x 500, device($slot), @fakes]) {
            saved(@$sections);
            grant($slot);
            with_device("the administrator's slot, $slot", $slot);
        }
        saved((@fakes) x 500, device($slot), '0000:00:1e.0/vgpu-stub');
        grant('1d');
        with_device("the last slot, $slot, if none is the administrator's", $slot);
        $dom0->xe('exit 3');
        with_device("the last slot, $slot, if xe fails", $slot, "$restored.*status 3");
    }
}

# Only a key that is known to be unset means no
sub test_not_asked_for {
    $dom0->device_model_args(undef);
    saved();
    without_device('saved without the device, and the key is not set');
    saved(device('1e'));
    without_device('saved with the device, and the key is no longer set',
        "${needs}set other-config:device_model_args again, then resume the VM\$");
}

sub test_no_answer {
    local $dom0->{seconds} = 2;
    my %answers = (
        'fails' => ['exit 1', 'xe failed with status 1 \(\), check XAPI'],
        'is killed' => ['kill -KILL $$', 'xe failed with status 137'],
        'hangs' => ['exec sleep 600', 'xe did not answer within 2 s, check XAPI and the pool'],
        'lacks the key and hangs' => ["echo 'Key device_model_args not found in map'\nexec sleep 600",
            'xe did not answer'],
        'lacks the key and crashes' =>
            ["echo 'Key device_model_args not found in map'\nexit 3", 'xe failed with status 3'],
        'gives another list' => ["echo '[]'", 'other-config:device_model_args must be .* but is \[\]'],
        'gives nothing' => ['exit 0', 'other-config:device_model_args must be .* but is '],
    );
    for my $name (sort keys %answers) {
        my ($body, $why) = @{ $answers{$name} };
        $dom0->xe($body);
        saved(device('1b'));
        with_device("saved with the device, and xe $name", '1b', "$restored$why");
        saved();
        without_device("saved without the device, and xe $name", "$not_saved \\($why.*\\); $advice");
    }
    my $node = '/local/domain/' . Dom0::DOMID . '/vm';
    $dom0->xenstore($node, 'x');
    saved(device('1b'));
    with_device('saved with the device, and xenstore has no uuid', '1b', $restored . 'xenstore has no uuid');
    $dom0->xenstore($node, '/vm/' . Dom0::UUID);
}

sub test_emulator {
    $dom0->write(Dom0::EMULATOR, "\x7fELF");
    saved(device('1e'));
    my $lacks = "$needs\Q$dom0->{root}/@{[Dom0::EMULATOR]}\E does not have it, "
        . 'install a QEMU that does, then resume the VM$';
    grant('1e');
    without_device('saved with the device, but QEMU lacks it', $lacks);
    $dom0->xe('exit 3');
    without_device('saved with the device, but QEMU lacks it and xe fails', $lacks);
    $dom0->write(Dom0::EMULATOR, "\x7fELF vgpu-stub");
}

# Only the key decides
sub unreadable {
    my ($what) = @_;
    grant('1d');
    with_device("$what, and the key is set", '1d');
    $dom0->device_model_args(undef);
    without_device("$what, and the key is not set");
    $dom0->xe('exit 3');
    without_device("$what, and xe fails", 'this VM starts without the device: xe failed with '
        . "status 3 .*, its saved state \Q$state\E cannot be read either, then restart the VM\$");
}

sub test_unreadable {
    $dom0->remove('state');
    unreadable('no state');
    mkdir $state;
    unreadable('a directory');
    rmdir $state;
    local $dom0->{seconds} = 2;
    POSIX::mkfifo($state, 0700) or die;
    unreadable('a FIFO');
    # the wrapper must not consume what QEMU has to read
    sysopen my $fifo, $state, O_RDWR | O_NONBLOCK or die;
    syswrite $fifo, device('1e');
    unreadable('a FIFO with a state');
    is sysread($fifo, my $content, 1000), length device('1e'), 'the wrapper has not read from it';
    $dom0->remove('state');

    # a regular file that is write-only
    symlink '/proc/self/clear_refs', $state or die;
    unreadable('a file that cannot be read');
    $dom0->remove('state');

    # opening a file with a lease waits for 45 seconds
    saved(device('1e'));
    open my $file, '+<', $state or die;
    local $SIG{IO} = 'IGNORE';
    fcntl $file, F_SETLEASE, F_WRLCK or die "lease: $!";
    my $began = time;
    unreadable('a file that does not open');
    cmp_ok time - $began, '<', 30, 'a file that does not open: in time';
}

# The wrapper reads a bounded part, more than the 1 MiB that xenopsd accepts
sub test_long {
    saved(device('1b'));
    truncate $state, 1 << 40 or die;
    grant('1e');
    my $result = with_device('a state of a terabyte', '1b');
    cmp_ok $result->{took}, '<', 10, 'a state of a terabyte: in time';
    saved("\n" x 2_000_000, device('1b'), "\0" x 1_000_000);
    with_device('a state of three megabytes', '1b');
}

sub test_paths {
    my @before = @arguments;
    for my $name ("a\nb\n", "\xff\xfe 'x' \"y\" \$(id)", '*', "\n") {
        $dom0->write($name, device('1b'));
        grant('1e');
        @arguments = ($before[0], '-loadvm', "$dom0->{root}/$name", @before[1 .. $#before]);
        (my $shown = $name) =~ s/[^ -~]/?/g;
        with_device("a file named '$shown'", '1b');
    }
    $dom0->write('-loadvm', device('1b'));
    local $dom0->{before} = sub { chdir $dom0->{root} };
    @arguments = (@before, '-loadvm', '-loadvm');
    with_device('a file named -loadvm', '1b');
    @arguments = (@before, '-loadvm');
    with_device('no file', '1e');
    @arguments = @before;
}

splice @arguments, 4, 0, '-loadvm', $state;
test_slot();
test_mediator();
test_saved_without();
test_planted();
test_not_asked_for();
test_no_answer();
test_emulator();
test_unreadable();
test_long();
splice @arguments, 4, 2;
test_paths();

done_testing;
