# SPDX-License-Identifier: GPL-2.0-or-later
#
# The back end of the mediator's protocol in a test, one connection at a time:
#
#   my $back_end = BackEnd->new;
#   $back_end->arguments               for QEMU: a chardev "med" that connects to it
#   $back_end->accept                   wait for a connection; false after 20 seconds
#   $back_end->greet(%fields)           receive HELLO and answer it
#   my $message = $back_end->receive    the next message, a hash with type, serial,
#                                       descriptors, body and fds (file handles); undef
#                                       after the end
#   $back_end->answer_hello($serial, %fields)
#   $back_end->send($bytes)             send bytes, and with them
#   $back_end->send($bytes, $fd, ...)   descriptors
#   my $command = $back_end->command    the next COMMAND of the framed path: a hash with tag,
#                                       queue, opcode, arg, out_bytes, in_bytes; undef if
#                                       something else comes. Its TAG is in {tag}, too; credit is
#                                       counted in {credit}.
#   $back_end->data_out($command)       receive all of its data
#   $back_end->data_in($tag, $bytes), ->done($tag, $status, $result), ->grant($bytes)
#   $back_end->execute                  execute the next command: NOP, COPY or FILL
#   $back_end->stop, ->listen         accept no connections, accept them again
#   $back_end->close
#   BackEnd::message(TYPE, SERIAL, DESCRIPTORS, BODY)
package BackEnd;

use strict;
use warnings;
use File::Temp 'tempdir';
use IO::Socket::UNIX;
use IO::Select;
use Socket;
use Time::HiRes qw(sleep time);

# These system calls have no wrapper in Perl's core; the numbers are those of x86-64
use constant { SYS_SENDMSG => 46, SYS_RECVMSG => 47, MSG_CMSG_CLOEXEC => 0x40000000 };

# A device may have closed the connection: send() then returns undef
$SIG{PIPE} = 'IGNORE';

sub new {
    my ($class) = @_;
    my $dir = tempdir(CLEANUP => 1);
    my $self = bless { dir => $dir, path => "$dir/socket" }, $class;
    $self->listen;
    return $self;
}

sub listen {
    my ($self) = @_;
    unlink $self->{path};
    $self->{server} = IO::Socket::UNIX->new(Local => $self->{path}, Listen => 8)
        // die "$self->{path}: $!";
    return;
}

# No back end listens
sub stop {
    my ($self) = @_;
    $self->close;
    close delete $self->{server};
    unlink $self->{path};
    return;
}

sub arguments {
    my ($self) = @_;
    return ('-chardev', "socket,id=med,path=$self->{path},reconnect=1",
        '-global', 'vgpu-stub.mediator=med');
}

sub accept {
    my ($self) = @_;
    $self->close;
    $self->{server}->timeout(20);
    $self->{socket} = $self->{server}->accept;
    return defined $self->{socket};
}

sub close {
    my ($self) = @_;
    close $self->{socket} if $self->{socket};
    close $self->{lifeline} if $self->{lifeline};
    delete @$self{qw(socket lifeline)};
    return;
}

sub message {
    my ($type, $serial, $descriptors, $body) = @_;
    return pack('V v v V V', 16 + length $body, $type, $descriptors, $serial, 0) . $body;
}

sub send {
    my ($self, $bytes, @fds) = @_;
    if (!@fds) {
        return syswrite $self->{socket}, $bytes;
    }
    my $control = pack 'Q l l l' . scalar(@fds), 16 + 4 * @fds, SOL_SOCKET, SCM_RIGHTS, @fds;
    $control .= "\0" x (-length($control) % 8);
    my $iov = pack 'P Q', $bytes, length $bytes;
    my $msg = pack 'x8 x8 P Q P Q x8', $iov, 1, $control, length $control;
    return syscall SYS_SENDMSG, fileno $self->{socket}, $msg, 0;
}

# "late": how many bytes to send before the descriptor
sub answer_hello {
    my ($self, $serial, %fields) = @_;
    pipe my $lifeline, $self->{lifeline} or die "pipe: $!";
    my $bytes = message(0x8001, $serial, 1, pack 'V v v V V V V', 0, $fields{version} // 1, 0,
        $fields{features} // 2, $fields{sets} // 1, $fields{credit} // 65536, 0);
    $self->{credit} = 0;
    if (my $late = $fields{late}) {
        $self->send(substr $bytes, 0, $late, '');
        sleep 0.05;
    }
    return $self->send($bytes, fileno($fields{fd} // $lifeline));
}

sub greet {
    my ($self, %fields) = @_;
    my $hello = $self->receive // return;
    $self->answer_hello($hello->{serial}, %fields);
    return $hello;
}

# Descriptors come with a message's first byte
sub read_header {
    my ($self) = @_;
    IO::Select->new($self->{socket})->can_read(10) or return '';
    my ($bytes, $control) = ("\0" x 16, "\0" x 64);
    my $iov = pack 'P Q', $bytes, 16;
    my $msg = pack 'x8 x8 P Q P Q x8', $iov, 1, $control, 64;
    my $count = syscall SYS_RECVMSG, fileno $self->{socket}, $msg, MSG_CMSG_CLOEXEC;
    return '' if $count <= 0;
    my $length = unpack('Q', substr $msg, 40, 8) ? unpack 'Q', $control : 16;
    my @fds = unpack 'l*', substr $control, 16, $length - 16;
    $self->{fds} = [map { open my $file, '+<&=', $_ or die "descriptor $_: $!"; $file } @fds];
    $bytes = substr $bytes, 0, $count;
    return $bytes . $self->read_bytes(16 - $count);
}

# $count bytes, or fewer at the end of the connection or after 10 seconds
sub read_bytes {
    my ($self, $count) = @_;
    my $bytes = '';
    my $select = IO::Select->new($self->{socket});
    while (length $bytes < $count && $select->can_read(10)) {
        sysread $self->{socket}, $bytes, $count - length $bytes, length $bytes or last;
    }
    return $bytes;
}

sub receive {
    my ($self) = @_;
    my $header = $self->read_header;
    return if length $header < 16;
    my %message = (fds => $self->{fds});
    @message{qw(length type descriptors serial reserved)} = unpack 'V v v V V', $header;
    $message{body} = $self->read_bytes($message{length} - 16);
    return \%message;
}

# The framed path

# The next message that is neither CREDIT_IN nor PING, which is answered
sub receive_framed {
    my ($self) = @_;
    my $end = time + 20;
    while (time < $end && (my $message = $self->receive)) {
        if ($message->{type} == 0xc) {
            $self->{credit} += unpack 'V', $message->{body};
        } elsif ($message->{type} == 9) {
            $self->send(message(0x8009, $message->{serial}, 0, pack 'V V', 0, 0));
        } else {
            return $message;
        }
    }
    return;
}

sub command {
    my ($self) = @_;
    my $message = $self->receive_framed;
    return if !$message || $message->{type} != 0xa;
    my %command;
    @command{qw(tag queue opcode arg out_bytes in_bytes)} = unpack 'V v v Q< V V', $message->{body};
    $self->{tag} = $command{tag};
    return \%command;
}

sub data_out {
    my ($self, $command) = @_;
    my $bytes = '';
    while (length $bytes < $command->{out_bytes}) {
        my $message = $self->receive_framed;
        return if !$message || $message->{type} != 0xb || $command->{tag} != unpack 'V', $message->{body};
        $bytes .= substr $message->{body}, 8;
        $self->grant(length($message->{body}) - 8);
    }
    return $bytes;
}

sub grant { my ($self, $bytes) = @_; return $self->send(message(0x44, 0, 0, pack 'V V', $bytes, 0)) }
sub data_in { my ($self, $tag, $bytes) = @_; return $self->send(message(0x43, 0, 0, pack('V V', $tag, 0) . $bytes)) }

sub done {
    my ($self, $tag, $status, $result) = @_;
    return $self->send(message(0x42, 0, 0, pack 'V v v Q<', $tag, $status, 0, $result));
}

sub send_all {
    my ($self, $tag, $bytes) = @_;
    while (length $bytes) {
        while ($self->{credit} < 1) {
            my $message = $self->receive // return;
            $self->{credit} += unpack 'V', $message->{body} if $message->{type} == 0xc;
        }
        my $piece = substr $bytes, 0, $self->{credit} < 65536 ? $self->{credit} : 65536, '';
        $self->{credit} -= length $piece;
        $self->data_in($tag, $piece);
    }
    return;
}

sub execute {
    my ($self) = @_;
    my $command = $self->command // return;
    my $bytes = $self->data_out($command);
    if (!length $bytes) {
        my $pattern = pack 'Q<', $command->{arg};
        $bytes = substr $pattern x ($command->{in_bytes} / 8 + 1), 0, $command->{in_bytes};
    }
    $self->send_all($command->{tag}, $bytes);
    $self->done($command->{tag}, 0, $command->{in_bytes});
    return $command;
}

1;
