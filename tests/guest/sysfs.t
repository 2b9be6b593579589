#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The driver's sysfs files match the ABI documentation, and scratch accepts exactly the
# documented number formats.
#
# Needs: setup-demo guest
use strict;
use warnings;
use Test::More;
use Contract;
use Vm;

my $text = do {
    my $path = top_dir() . '/guest-driver/Documentation/ABI/testing/sysfs-driver-vgpu_stub';
    open my $file, '<', $path or die "$path: $!";
    local $/;
    <$file>;
};
my %modes = (RO => '-r--r--r--', 'RO, root' => '-r--------', RW => '-rw-r--r--');
my %documented = map { m{^What:\s+\S+/(\w+)\n.*?\((R[OW](?:, root)?)\)}s ? ($1 => $modes{$2}) : () }
    split /\n\n(?=What:)/, $text;

my $vm = Vm->new('-machine', 'q35', '-device', 'vgpu-stub,addr=5');
my $group = '/sys/bus/pci/drivers/vgpu_stub/0000:00:05.0/vgpu_stub';

# The output of a shell command, joined, with its exit status if that is not 0
sub shell {
    my ($command) = @_;
    my ($status, @lines) = $vm->run("cd $group; $command");
    return join '; ', @lines, $status ? "exit $status" : ();
}

my %found = map { (split ' ')[1, 0] }
    split /; /, shell(q(ls -l | awk 'NR > 1 { print $1, $NF }'));
is_deeply \%found, \%documented, 'the files and their modes match the ABI documentation';

# argument of printf %b => the resulting value, or the error
my $invalid = 'Invalid argument';
my $range = 'Numerical result out of range|Result not representable';
my @writes = (
    ['0' => 0], ['7' => 7], ['7\n' => 7], ['0000000010' => 8], ['+5' => 5], ['+0x5\n' => 5],
    ['0x1F' => 0x1f], ['0XdeadBEEF' => 0xdeadbeef], ['0x0000000000000000001' => 1],
    ['010' => 8], ['4294967295' => 0xffffffff], ['0xffffffff\n' => 0xffffffff],
    ['037777777777' => 0xffffffff], ['7\0' => 7], ['7\n\0' => 7], ['7\0junk' => 7],
    ['\n' => $invalid], ['-1' => $invalid], ['-0' => $invalid], ['++5' => $invalid],
    ['+' => $invalid], [' 7' => $invalid], ['7 ' => $invalid], ['7\n\n' => $invalid],
    ['\n7' => $invalid], ['\0' => $invalid], ['7\r\n' => $invalid], ['7,8' => $invalid],
    ['1e3' => $invalid], ['1.0' => $invalid], ['0x' => $invalid], ['0xg' => $invalid],
    ['08' => $invalid], ['ff' => $invalid], ['0b1' => $invalid], ['nonsense' => $invalid],
    ['4294967296x' => $invalid],
    ['4294967296' => $range], ['0x100000000' => $range], ['040000000000' => $range],
    ['18446744073709551615' => $range], ['18446744073709551616' => $range],
    ['99999999999999999999999\n' => $range], ['18446744073709551616x' => $range],
);
my $before = 0x5a5a5a5a;
for (@writes) {
    my ($write, $expected) = @$_;
    my $answer = shell(sprintf q(echo %#x >scratch; printf '%%b' '%s' | dd of=scratch 2>&1 | grep -v records; cat scratch), $before, $write);
    if ($expected =~ /^\d+$/) {
        is $answer, sprintf('0x%08x', $expected), "write '$write'";
    } else {
        like $answer, qr/(?:$expected); 0x5a5a5a5a$/, "write '$write': $expected";
    }
}
like shell('echo 1 2>&1 >version'), qr/denied|Permission|Input\/output error/, 'version is read-only';

# The file of all registers; hexdump prints the guest's words, which are little-endian
sub words {
    my ($offset, $count) = @_;
    return shell(sprintf q(hexdump -v -s %d -n %d -e '1/4 "%%08x "' registers; echo), $offset, 4 * $count) =~ s/ $//r;
}
my $queue = contract('WIN_QUEUE');
is words(contract('REG_MAGIC'), 3), sprintf('%08x ' x 2 . '%08x', map { contract($_) } qw(MAGIC VERSION_QUEUES FEATURE_QUEUES)),
    'registers: magic, version, features';
is words(contract('REG_SCRATCH'), 1), '5a5a5a5a', 'registers: scratch';
is words(contract('REG_QUEUES'), 2), sprintf('%08x %08x', 1, contract('QUEUE_SIZE_MAX')), 'registers: queues';
is words(contract('REG_TRANSFER_MAX'), 2), sprintf('%08x 00000000', contract('TRANSFER_MAX')), 'registers: the last limit';
is words($queue, 3), sprintf('%08x ' x 2 . '%08x', contract('QUEUE_ENABLE'), contract('QUEUE_RUNNING'), contract('QUEUE_SIZE_MAX')),
    'registers: the first queue';
is words($queue + contract('QUEUE_STRIDE'), 10), join(' ', ('00000000') x 10), 'registers: there is no second queue';
is shell('wc -c <registers'), contract('WIN_DOORBELL'), 'registers: the size';
is shell(sprintf 'dd if=registers bs=1 skip=%d count=2 2>/dev/null; echo', contract('REG_MAGIC') + 1), 'GP', 'registers: any offset';
is shell('cat bad_access_count'), '0', 'no bad accesses';
$vm->end->good;

done_testing;
