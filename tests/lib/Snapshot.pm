# SPDX-License-Identifier: GPL-2.0-or-later
#
# A disk image for VM snapshots, and access to the device's section in a snapshot:
#
#   my $disk = Snapshot->new;
#   $disk->arguments                 QEMU arguments that attach the disk
#   $disk->find_section($machine)    after savevm; returns the section's length
#   $disk->length
#   $disk->data                      offset of the section's data, after its header
#   $disk->bytes(OFFSET, COUNT)
#   $disk->patch(OFFSET, BYTES)      overwrite; returns the previous bytes
package Snapshot;

use strict;
use warnings;
use File::Temp 'tempdir';
use IO::Handle;

sub new {
    my ($class) = @_;
    my $dir = tempdir(CLEANUP => 1);
    my $path = "$dir/disk.qcow2";
    system('qemu-img', 'create', '-q', '-f', 'qcow2', $path, '1M') == 0
        or die 'qemu-img cannot create a disk';
    return bless { dir => $dir, path => $path }, $class;
}

sub arguments {
    my ($self) = @_;
    return ('-drive', "if=none,format=qcow2,file=$self->{path}");
}

# A section is QEMU_VM_SECTION_FULL, section ID, name, instance and version, the data,
# then QEMU_VM_SECTION_FOOTER and the ID again
sub find_section {
    my ($self) = @_;
    open $self->{file}, '+<:raw', $self->{path} or die "$self->{path}: $!";
    my $content = do { local $/; readline $self->{file} };
    $content =~ m{\x04(....).([^\0]*/vgpu-stub)\0{4}(....)}s
        or die 'the snapshot has no section for vgpu-stub';
    my ($number, $start, $head) = ($1, $-[0], $+[0] - $-[0]);
    my $end = index $content, "\x7e$number", $start + $head;
    die 'the section has no footer' if $end < 0;
    @$self{qw(start data length)} = ($start, $head, $end + 5 - $start);
    return $self->{length};
}

sub data { return $_[0]{data} }
sub length { return $_[0]{length} }

sub bytes {
    my ($self, $offset, $count) = @_;
    seek $self->{file}, $self->{start} + $offset, 0;
    my $bytes;
    CORE::read($self->{file}, $bytes, $count);
    return $bytes;
}

sub patch {
    my ($self, $offset, $bytes) = @_;
    my $before = $self->bytes($offset, CORE::length $bytes);
    seek $self->{file}, $self->{start} + $offset, 0;
    print { $self->{file} } $bytes;
    $self->{file}->flush;
    return $before;
}

1;
