# SPDX-License-Identifier: GPL-2.0-or-later
#
# Helpers for the tests of qemu-device/xcp-ng/qemu-wrapper: a dom0, xenopsd's arguments,
# and tests of how the stock wrapper is started.
#
#   dom0()                              the shared Dom0
#   starts(WHAT, RESULT, MORE...)       test that the stock wrapper was started with
#                                       xenopsd's arguments followed by MORE
#   with_device(WHAT, SLOT, [LINE])     run the wrapper and test that it adds the
#                                       device, and logs one line matching LINE or none
#   without_device(WHAT, [LINE])        the same, but it adds no device
#   @arguments                          xenopsd's arguments
#   GRANT                               a value of device_model_args, with slot 1e
package WrapperTest;

use strict;
use warnings;
use Exporter 'import';
use Test::More;
use Dom0;

our @EXPORT = qw(@arguments GRANT dom0 starts with_device without_device);

use constant GRANT => '["-device","vgpu-stub,addr=1e"]';

# with characters that are special to a shell
our @arguments = (Dom0::DOMID, '--syslog', '-m', 'size=524288', '-drive',
    "file=/dev/sm/a b\"c'd,if=none", '', '-serial', '$(touch /tmp/x) `id` * ?',
    "two\nlines", "caf\xe9", '\\', '-S', '--', '');

my $dom0 = Dom0->new;

sub dom0 {
    return $dom0;
}

# Our wrapper must exec the stock wrapper, so that the process stays the same
sub starts {
    my ($what, $result, @more) = @_;
    is_deeply $result->{arguments}, [@arguments, @more], "$what: arguments of the stock wrapper";
    ok $result->{same}, "$what: same process";
    is $result->{status}, 0, "$what: exit status";
    return;
}

sub says {
    my ($what, $result, $line) = @_;
    if (!defined $line) {
        is $result->{log}, '', "$what: logs nothing";
        return;
    }
    like $result->{log}, qr/\Avgpu-stub: [ -~]*$line[ -~]*\n\z/, "$what: logs one line";
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
