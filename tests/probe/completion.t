#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bash and zsh load the completions of vgpu-probe from where "make install" puts them,
# and complete with them, on a terminal.
#
# Needs: setup-probe setup-completion tools
use strict;
use warnings;
use File::Path 'make_path';
use IO::Pty;
use Test::More;
use Contract;
use Probe;

my $root = scratch_dir() . '/root';
my $bin = scratch_dir() . '/bin';
my $work = scratch_dir() . '/work';
my $seen = scratch_dir() . '/arguments';
make_path($bin, "$work/dumps");
write_file("$work/$_", '') for 'before.dump', 'behind.dump', 'dumps/one', 'a file';
my ($installed) = run_command('make', '-s', '-C', top_dir() . '/guest-tools', 'O=' . build_dir() . '/tools',
    "DESTDIR=$root", 'install');
is $installed, 0, 'make install';

# What the shell runs tells what its arguments are
sub program {
    my ($name, $text) = @_;
    chmod 0755, write_file("$bin/$name", "#!/bin/sh\n$text\n");
    return;
}
my $probe = probe_path();
program('vgpu-probe', qq([ "\$2" = help ] && exec "$probe" "\$@"\nprintf '<%s>' "\$@" >"$seen.part" && mv "$seen.part" "$seen"));
program('lspci', "printf '%s x\\n' 0000:00:02.0 0000:00:03.0 0000:3f:00.1 10000:e1:00.0");
program($_, ':') for 'qemu-vgpu-only', 'qemu-system-vgpuone', 'qemu-system-vgputwo';

my ($pty, $pid);

# Everything that the shell writes until it is silent
sub read_all {
    my ($patience) = @_;
    my $text = '';
    vec(my $bits = '', fileno $pty, 1) = 1;
    while (select my $ready = $bits, undef, undef, $patience) {
        sysread $pty, $text, 4096, length $text or last;
    }
    return $text;
}

sub start_shell {
    my (@command) = @_;
    $pty = IO::Pty->new;
    $pid = fork // die "fork: $!";
    if (!$pid) {
        $pty->make_slave_controlling_terminal;
        my $terminal = $pty->slave;
        $terminal->set_winsize(50, 200);
        close $pty;
        open STDIN, '<&', $terminal or die $!;
        open STDOUT, '>&', $terminal or die $!;
        open STDERR, '>&', $terminal or die $!;
        chdir $work or die $!;
        %ENV = (PATH => "$bin:/usr/bin:/bin", TERM => 'dumb', HOME => $work, LC_ALL => 'C.UTF-8',
            XDG_DATA_DIRS => "$root/usr/local/share:/usr/share");
        exec @command or die "$command[0]: $!";
    }
    $pty->close_slave;
    return;
}

sub stop_shell {
    kill 'HUP', $pid;
    close $pty;
    waitpid $pid, 0;
    return;
}

# Run a line of the shell's own
sub command {
    my ($line) = @_;
    unlink $seen;
    print {$pty} "$line; echo >$seen\n";
    for (1 .. 300) {
        last if -e $seen;
        read_all(0.1);
    }
    ok -e $seen, "$line" or die 'the shell does not answer';
    read_all(0.2);
    return;
}

# The arguments after a line and a tab
sub completed {
    my ($line) = @_;
    unlink $seen;
    print {$pty} "vgpu-probe $line\t";
    read_all(0.2);
    print {$pty} "\n";
    for (1 .. 300) {
        last if -e $seen;
        read_all(0.1);
    }
    return -e $seen ? read_file($seen) : 'the shell does not answer';
}

# What is offered after a line and three tabs: the first one may add what all have in common
sub offered {
    my ($line) = @_;
    print {$pty} "vgpu-probe $line\t";
    my $text = '';
    for my $tab ("\t", "\t", '') {
        $text .= read_all(0.5);
        print {$pty} $tab;
    }
    print {$pty} "\cC";
    read_all(0.3);
    return $text;
}

# Each of the words, in whatever order and columns the shell prints them
sub offers {
    my ($typed, @words) = @_;
    my $shown = offered($typed);
    is_deeply [grep { index($shown, $_) < 0 } @words], [], "'$typed': @words" or diag $shown;
    return;
}

my %shells = (
    bash => sub {
        start_shell('bash', '--norc', '--noprofile', '-i');
        command('. /usr/share/bash-completion/bash_completion');
        return "$root/usr/local/share/bash-completion/completions/vgpu-probe";
    },
    zsh => sub {
        start_shell('zsh', '-f', '-i');
        # a folder of its own list, below $root
        my $folder = '/usr/local/share/zsh/site-functions';
        command("fpath=($root$folder \$fpath)");
        command('unsetopt auto_menu; autoload -Uz compinit && compinit -u -D');
        return "$root$folder/_vgpu-probe";
    },
);

for my $shell (sort keys %shells) {
    subtest $shell => sub {
        my $file = $shells{$shell}->();
        ok -e $file, 'the file is where the shell looks';
        my %expected = (
            '--js' => '<--json>', '--list' => '<--list-checks>', 'rep' => '<report>',
            '-s 0000:3' => '<-s><0000:3f:00.1>', '-s 1' => '<-s><10000:e1:00.0>', '-s 0000:00:03' => '<-s><0000:00:03.0>',
            '-s 0000:' => '<-s><0000:>', '-n -s 10000:e1:' => '<-n><-s><10000:e1:00.0>',
            '-A linux-s' => '<-A><linux-sysfs>',
            '-O dump.n' => '<-O><dump.name=>', '-O dump.name=bef' => '<-O><dump.name=before.dump>',
            '-O dump.name=dumps/' => '<-O><dump.name=dumps/one>', '-O sysfs.p' => '<-O><sysfs.path=>',
            '--fil' => '<--file=>', '--file=bef' => '<--file=before.dump>', '--file bef' => '<--file><before.dump>',
            '--file=dumps/' => '<--file=dumps/one>', '-F bef' => '<-F><before.dump>', '-i dumps/o' => '<-i><dumps/one>',
            '-F a' => '<-F><a file>',
            'diff bef' => '<diff><before.dump>', 'diff li' => '<diff><live>', 'diff live beh' => '<diff><live><behind.dump>',
            'diff a b bef' => '<diff><a><b><bef>', '-F before.dump rep' => '<-F><before.dump><report>',
            'report dif' => '<report><dif>', 'host rep' => '<host><rep>', '--json hos' => '<--json><host>',
            'host qemu-vgpu' => '<host><qemu-vgpu-only>', 'host qemu-system-vgpuo' => '<host><qemu-system-vgpuone>',
            "host $bin/qemu-v" => "<host><$bin/qemu-vgpu-only>", 'host x qemu-vgpu' => '<host><x><qemu-vgpu>',
            'report --js' => '<report><--json>',
        );
        # an argument that is a subcommand only by its name
        $expected{'-F diff rep'} = '<-F><diff><report>';
        # zsh takes back what it added behind a word that is not continued
        $expected{'--fil'} = '<--file>' if $shell eq 'zsh';
        is completed($_), $expected{$_}, $_ for sort keys %expected;
        offers('', qw(diff host report));
        offers('-s 0000:00:0', '02.0', '03.0');
        offers('-s ', '0000:3f:00.1', '10000:e1:00.0');
        offers('diff ', qw(before.dump behind.dump live));
        offers('host ', qw(qemu-system-vgpuone qemu-system-vgputwo qemu-vgpu-only));
        unlike offered('report '), qr/diff|host|before/, 'report has no argument';
        stop_shell();
    };
}

# where the zsh of this distribution looks: "make install" and the package
my %fpath = map { $_ => 1 } split ' ', (run_command('zsh', '-f', '-c', 'print $fpath'))[1];
ok $fpath{'/usr/local/share/zsh/site-functions'}, 'zsh looks where make install puts the file';
my ($package) = read_file(top_dir() . '/debian/rules') =~ /ZSH_COMPLETIONS=(\S+)/;
ok $fpath{$package}, 'and where the package puts it';

done_testing;
