# SPDX-License-Identifier: GPL-2.0-or-later
#
# A directory that looks like the root directory of an XCP-ng dom0, with stand-ins for
# the programs that qemu-device/xcp-ng runs:
#
#   my $dom0 = Dom0->new;
#   $dom0->write(PATH, CONTENT)     write a file
#   $dom0->program(PATH, BODY)      write an executable file
#   $dom0->remove(PATH)
#   $dom0->xenstore(NODE, VALUE)    set a value for xenstore-read
#   $dom0->device_model_args(VALUE) set a value for xe; undef: the key is not set
#   $dom0->start(ARGUMENT...)       run qemu-wrapper; returns:
#       {arguments}  the stock wrapper's arguments, undef if it was not started
#       {same}       whether the stock wrapper ran in the same process
#       {status}     wait status
#       {log}        standard error
#       {took}       seconds
#   $dom0->setup(ARGUMENT...)       run setup: exit status, output, errors
#
# The stand-in for the stock wrapper records its arguments, then evaluates the Perl
# code in $dom0->{stock}. $dom0->{through} is a command to run qemu-wrapper with.
package Dom0;

use strict;
use warnings;
use File::Basename 'dirname';
use File::Path 'make_path';
use File::Temp 'tempdir';
use Time::HiRes 'time';
use Contract;
use Qmp;

use constant {
    DOMID => 7,
    UUID => '0c8a7f2e-5b1d-4e6f-9a3c-d2b4e6f80a1c',
    STOCK => 'usr/lib64/xen/bin/qemu-wrapper',
    EMULATOR => 'usr/lib64/xen/bin/qemu-system-i386',
};

my $folder = top_dir() . '/qemu-device/xcp-ng';

sub new {
    my ($class) = @_;
    # the stand-ins keep their own files outside the root, in root.*
    my $root = tempdir(CLEANUP => 1) . '/root';
    my $self = bless { root => $root, stock => '', seconds => 20, through => [] }, $class;
    $self->stock_wrapper;
    $self->write(EMULATOR, "\x7fELF\0\0vgpu-stub\0other-device\0");
    $self->program('usr/bin/xenstore-read',
        "#!/bin/sh\ncat '$self->{root}'/xenstore/\"\$1\" 2>/dev/null && echo\n");
    $self->xenstore('/local/domain/' . DOMID . '/vm', '/vm/' . UUID);
    $self->device_model_args(undef);
    return $self;
}

# Records its arguments in a file, which preserves every byte
sub stock_wrapper {
    my ($self) = @_;
    $self->program(STOCK, <<"END");
#!/usr/bin/perl
open my \$file, '>', '$self->{root}/started.new' or die;
print \$file join "\\0", \$\$, \@ARGV;
close \$file;
rename '$self->{root}/started.new', '$self->{root}/started';
eval \$ENV{STOCK};
die \$@ if \$@;
END
    return;
}

sub write {
    my ($self, $path, $content) = @_;
    make_path(dirname("$self->{root}/$path"));
    open my $file, '>:raw', "$self->{root}/$path" or die "$path: $!";
    print $file $content;
    close $file or die "$path: $!";
    return;
}

sub program {
    my ($self, $path, $body) = @_;
    $self->write($path, $body);
    chmod 0755, "$self->{root}/$path";
    return;
}

sub remove {
    my ($self, $path) = @_;
    unlink "$self->{root}/$path" or die "$path: $!";
    return;
}

sub xenstore {
    my ($self, $node, $value) = @_;
    $self->write("xenstore/$node", $value);
    return;
}

# The stand-in records its arguments and consumes its standard input
sub xe {
    my ($self, $body) = @_;
    $self->program('usr/bin/xe',
        "#!/bin/sh\nprintf '%s\\n' \"\$*\" >'$self->{root}/asked'\ncat >/dev/null\n$body\n");
    return;
}

sub device_model_args {
    my ($self, $value) = @_;
    if (!defined $value) {
        $self->xe("echo 'Error: Key device_model_args not found in map' >&2\nexit 1");
        return;
    }
    $self->write('answer', "$value\n");
    $self->xe("cat '$self->{root}/answer'");
    return;
}

sub asked {
    my ($self) = @_;
    return Qmp::slurp("$self->{root}/asked");
}

sub wrapper_process {
    my ($self, @arguments) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    open STDERR, '>', "$self->{root}/log";
    $ENV{VGPU_STUB_ROOT} = $self->{root};
    $ENV{VGPU_STUB_SECONDS} = $self->{seconds} if defined $self->{seconds};
    $ENV{STOCK} = $self->{stock};
    $self->{before}->() if $self->{before};
    exec @{ $self->{through} }, "$folder/qemu-wrapper", @arguments;
    die "exec: $!";
}

sub start {
    my ($self, @arguments) = @_;
    unlink "$self->{root}/started";
    my $began = time;
    my $pid = $self->wrapper_process(@arguments);
    local $SIG{ALRM} = sub { kill 'KILL', $pid; die "qemu-wrapper hangs" };
    alarm 60;
    waitpid $pid, 0;
    my $status = $?;
    alarm 0;
    my $started = Qmp::slurp("$self->{root}/started");
    my ($own, @got) = split /\0/, $started, -1;
    return {
        arguments => $started eq '' ? undef : \@got,
        same => ($own // 0) == $pid,
        status => $status,
        log => Qmp::slurp("$self->{root}/log"),
        took => time - $began,
    };
}

sub setup {
    my ($self, @arguments) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', "$self->{root}.out";
        open STDERR, '>', "$self->{root}.err";
        exec "$folder/setup", @arguments;
        die "exec: $!";
    }
    waitpid $pid, 0;
    my @result = ($? >> 8, map { Qmp::slurp("$self->{root}.$_") } qw(out err));
    unlink "$self->{root}.out", "$self->{root}.err";
    return @result;
}

1;
