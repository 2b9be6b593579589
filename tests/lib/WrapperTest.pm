# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tests of qemu-device/xcp-ng/qemu-wrapper have in common: a dom0, the
# arguments of xenopsd, and what may become of them.
#
#   dom0()                              the Dom0 that all of them use
#   starts(WHAT, RESULT, MORE...)       the stock wrapper was started, with
#                                       xenopsd's arguments and MORE behind them
#   with_device(WHAT, SLOT, [LINE])     start it: with the device and a log line
#                                       that matches LINE, or none
#   without_device(WHAT, [LINE])        start it: without the device
#   @arguments                          what xenopsd passes
#   GRANT                               a value of device_model_args, slot 1e
package WrapperTest;

use strict;
use warnings;
use Exporter 'import';
use Test::More;
use Dom0;

our @EXPORT = qw(@arguments GRANT dom0 starts with_device without_device);

use constant GRANT => '["-device","vgpu-stub,addr=1e"]';

# with what a shell would trip over
our @arguments = (Dom0::DOMID, '--syslog', '-m', 'size=524288', '-drive',
    "file=/dev/sm/a b\"c'd,if=none", '', '-serial', '$(touch /tmp/x) `id` * ?',
    "two\nlines", "caf\xe9", '\\', '-S', '--', '');

my $dom0 = Dom0->new;

sub dom0 {
    return $dom0;
}

# The stock wrapper replaces ours in the same process
sub starts {
    my ($what, $result, @more) = @_;
    is_deeply $result->{arguments}, [@arguments, @more], "$what: the arguments";
    ok $result->{same}, "$what: the same process";
    is $result->{status}, 0, "$what: exit status";
    return;
}

sub says {
    my ($what, $result, $line) = @_;
    if (!defined $line) {
        is $result->{log}, '', "$what: no line in the log";
        return;
    }
    like $result->{log}, qr/\Avgpu-stub: [ -~]*$line[ -~]*\n\z/, "$what: one line in the log";
    return;
}

sub with_device {
    my ($what, $slot, $line) = @_;
    my $result = $dom0->start(@arguments);
    starts($what, $result, '-device', "vgpu-stub,addr=$slot");
    says($what, $result, $line);
    return $result;
}

sub without_device {
    my ($what, $line) = @_;
    my $result = $dom0->start(@arguments);
    starts($what, $result);
    says($what, $result, $line);
    return $result;
}

1;
