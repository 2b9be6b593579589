#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-probe host finds running machines: real QEMUs, with every form of -device that
# QEMU accepts and under other names, but not programs that only look like QEMU.
#
# Needs: setup-demo setup-probe device tools
use strict;
use warnings;
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes 'sleep';
use Contract;
use Probe;

my $qemu = build_dir() . '/device/qemu-vgpu-stub';
my @pids;

# Start a program; { name => argv[0], dir => its working directory }
sub start {
    my ($options, @command) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        chdir($options->{dir} // '/') or die $!;
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', scratch_dir() . "/err.$$";
        exec { $command[0] } $options->{name} // $command[0], @command[1 .. $#command] or POSIX::_exit(127);
    }
    push @pids, $pid;
    return $pid;
}

END {
    my $status = $?;
    kill 'KILL', @pids if @pids;
    waitpid $_, 0 for @pids;
    $? = $status;
}

sub machines {
    my ($status, $out) = run_probe('--json', 'host', $qemu);
    return map { ($_->{pid} => $_) } @{ decode_json($out)->{host}{machines} };
}

# Wait until the wrapper, a shell script, has called exec
sub wait_for {
    my ($pid, $program) = @_;
    for (1 .. 100) {
        return if (readlink("/proc/$pid/exe") // '') eq $program;
        sleep 0.1;
    }
    diag "process $pid does not start: " . read_file(scratch_dir() . "/err.$pid");
    return;
}

my @quiet = ('-S', '-machine', 'pc', '-m', '16', '-nodefaults', '-display', 'none');
sub qemu { my ($options, @arguments) = @_; return start($options, $qemu, @quiet, @arguments) }

my $folder = scratch_dir();
write_file("$folder/with.cfg", "# machine\n[name]\n  guest = \"from file\"\n\n[device \"e\"]\n  driver = \"edu\"\n"
    . "[device \"card\"]\n  addr = \"1e\"\n  driver = \"vgpu-stub\"\n");
write_file("$folder/without.cfg", "[device \"vgpu-stub\"]\n  driver = \"edu\"\n");
write_file("$folder/gone.cfg", "[device]\n  driver = \"vgpu-stub\"\n");

# name => arguments, with the device or without, options of start()
my %machines = (
    'one dash' => [['-device', 'vgpu-stub'], 1],
    'two dashes' => [['--device', 'vgpu-stub'], 1],
    'address' => [['-device', 'vgpu-stub,addr=1e'], 1],
    'driver first' => [['-device', 'driver=vgpu-stub,addr=1e'], 1],
    'driver last' => [['-device', 'addr=1e,driver=vgpu-stub'], 1],
    'driver in between' => [['-device', 'addr=1e,driver=vgpu-stub,id=card'], 1],
    'driver twice' => [['-device', 'edu,driver=vgpu-stub'], 1],
    'JSON' => [['-device', '{"driver":"vgpu-stub","addr":"0x1e"}'], 1],
    'JSON with blanks' => [['-device', "{ \"addr\" : \"0x1e\" ,\n\t\"driver\" : \"vgpu-stub\" }"], 1],
    'JSON with single quotes' => [['-device', q({'id': 'a', 'driver': 'vgpu-stub'})], 1],
    'JSON with an escape' => [['-device', '{"driver": "vgpu\u002dstub"}'], 1],
    'among others' => [['-device', 'edu', '-device', 'vgpu-stub', '-device', 'edu'], 1],
    'config file' => [['-readconfig', "$folder/with.cfg"], 1, { found => 'from file' }],
    'config file, relative' => [['--readconfig', 'with.cfg'], 1, { dir => $folder, found => 'from file' }],
    'config file without' => [['-readconfig', "$folder/without.cfg"], 0],
    'config file gone' => [['-readconfig', "$folder/gone.cfg"], undef],
    'argv[0]' => [['-device', 'vgpu-stub'], 1, { exec => 1, name => 'virtual machine' }],
    "any byte \xff\xe4\x01" => [['-append', "\xff\xfe \xc3", '-kernel', "/no\xff", '-device', 'vgpu-stub'], 1,
        { found => "any byte \xff\xe4?", late => 1 }],
    'comma, here' => [['-device', 'vgpu-stub'], 1],
    'without' => [[], 0],
    'another device' => [['-device', 'edu'], 0],
    'another name' => [['-device', 'edu,id=vgpu-stub'], 0],
    'driver overridden' => [['-device', 'vgpu-stub,driver=edu'], 0],
    'JSON of another' => [['-device', '{"driver":"edu","id":"vgpu-stub"}'], 0],
    'vgpu-stub' => [['-append', 'vgpu-stub', '-kernel', '/dev/null'], 0, { late => 1 }],
);

my %pid;
for my $name (sort keys %machines) {
    my ($arguments, undef, $options) = @{ $machines{$name} };
    my @name = ('-name', $name =~ s/,/,,/gr);
    # QEMU would refuse these; the arguments and the program count
    if ($options->{late} || $options->{exec}) {
        local $ENV{LD_PRELOAD} = build_dir() . '/device/vgpu-stub-preload.so';
        my @stay = $options->{late} ? ('-chardev', 'socket,id=wait,host=127.0.0.1,port=0,server=on,wait=on', '-serial', 'chardev:wait') : ();
        $pid{$name} = start($options, '/usr/bin/qemu-system-x86_64', @quiet, @name, @stay, @$arguments);
    } else {
        $pid{$name} = qemu($options // {}, $options->{found} && $options->{found} =~ /file/ ? () : @name, @$arguments);
    }
}
wait_for($_, '/usr/bin/qemu-system-x86_64') for values %pid;
sleep 2;
unlink "$folder/gone.cfg";
my %found = machines();
for my $name (sort keys %machines) {
    my (undef, $with, $options) = @{ $machines{$name} };
    my $machine = $found{ $pid{$name} };
    my $shown = $name =~ tr/\x00-\x1f\x7f-\xff/?/r;
    ok kill(0, $pid{$name}) && !waitpid($pid{$name}, POSIX::WNOHANG()), "$shown: it runs"
        or diag read_file(scratch_dir() . "/err.$pid{$name}");
    is $machine->{name}, $options->{found} // $name, "$shown: its name";
    my $device = $machine->{device};
    is defined $device ? $device + 0 : undef, $with, "$shown: " . (!defined $with ? 'unknown' : $with ? 'with' : 'without');
    is $machine->{program}, '/usr/bin/qemu-system-x86_64', "$shown: its program";
}

# QEMU under another name, and other programs under QEMU's
my $editor = "$folder/qemu-system-editor";
my $copy = "$folder/virtualizer";
run_command('cp', '/usr/bin/perl', $editor);
run_command('cp', '/usr/bin/qemu-system-x86_64', $copy);
my %other = (
    editor => start({}, $editor, '-e', 'sleep 60', '-device', 'vgpu-stub'),
    'editor of a name' => start({ name => 'qemu-system-x86_64' }, '/usr/bin/perl', '-e', 'sleep 60', '-device', 'vgpu-stub'),
    timeout => start({}, '/usr/bin/timeout', '60', '/usr/bin/perl', '-e', 'sleep 60', 'qemu', '-device', 'vgpu-stub'),
    copy => do {
        local $ENV{LD_PRELOAD} = build_dir() . '/device/vgpu-stub-preload.so';
        # QEMU searches modules next to its executable
        local ($ENV{QEMU_MODULE_DIR}) = map { s{/accel-[^/]*$}{}r } glob '/usr/lib/*/qemu/accel-tcg-x86_64.so';
        start({}, $copy, @quiet, map({ ('-L', "/usr/share/$_") } 'qemu', 'seabios'), '-name', 'copy', '-device', 'vgpu-stub');
    },
);
wait_for($other{copy}, $copy);
wait_for($other{editor}, $editor);
%found = machines();
is $found{ $other{$_} }, undef, "$_: not a QEMU" for 'editor', 'editor of a name', 'timeout';
is_deeply [@{ $found{ $other{copy} } }{qw(name program)}], ['copy', $copy], 'QEMU under another name';
unlink $copy;
%found = machines();
is $found{ $other{copy} }{device}, JSON::PP::true, 'QEMU whose file was replaced';

my ($few, $limited) = run_command('sh', '-c', 'ulimit -n 4; exec "$0" --json host', probe_path());
my ($running) = grep { $_->{id} eq 'host-running' } @{ decode_json($limited)->{host}{checks} };
is $running->{result}, 'unknown', 'four files are too few to look at processes';

my ($status, $out) = run_probe('host', $qemu);
like $out, qr/^\tprocess $pid{'two dashes'} +two dashes +with vgpu-stub$/m, 'text: a machine with the device';
like $out, qr/^\tprocess $pid{without} +without +without$/m, 'text: one without';
like $out, qr/^\tprocess $pid{'config file gone'} +config file gone +unknown: its -readconfig/m, 'text: an unknown one';
unlike $out, qr/[\x01-\x08\x0b-\x1f]/, 'text: no control characters';
is +(run_probe('--quiet', 'host', $qemu))[0], 0, 'a host that preloads the device: all passed';

done_testing;
