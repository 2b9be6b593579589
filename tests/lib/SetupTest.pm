# SPDX-License-Identifier: GPL-2.0-or-later
#
# Helpers for the tests of qemu-device/xcp-ng/setup: directories that look like an
# XCP-ng host.
#
#   host(VERSION)                   a Dom0 with the files that setup reads
#   unit(DOM0, TEXT)                write xenopsd-xc.service; "@" is its ExecStart= line
#   systemctl(DOM0, BODY)           systemctl's stand-in: records its call, then runs BODY
#   told(DOM0)                      calls of systemctl since the last told()
#   mode(DOM0, PATH)                permissions, octal
#   tree(DOM0)                      path, mode and content of every file
#   install(DOM0), uninstall(DOM0)  run setup: exit status, output, errors
#   refused(DOM0, LINE, WHAT)       test that install changes nothing and prints LINE
#   WRAPPER, KEY, FOLDERS           the wrapper, xenopsd's setting for it, and the
#                                   directory of xenopsd's settings by version
package SetupTest;

use strict;
use warnings;
use Exporter 'import';
use File::Find 'find';
use Test::More;
use Dom0;

our @EXPORT = qw(host unit systemctl told mode tree install uninstall refused WRAPPER KEY FOLDERS);

use constant {
    WRAPPER => 'usr/local/lib/vgpu-stub/qemu-wrapper',
    KEY => 'upstream-compat-qemu-dm-wrapper',
    FOLDERS => { '8.2' => 'etc/xenopsd-xc.conf.d', '8.3' => 'etc/xenopsd.conf.d' },
};

my $unit = 'usr/lib/systemd/system/xenopsd-xc.service';

sub unit {
    my ($dom0, $text) = @_;
    $text =~ s/\@/ExecStart=\/usr\/sbin\/xenopsd-xc --config \/etc\/xenopsd.conf/g;
    $dom0->write($unit, "[Unit]\nDescription=xenopsd\n[Service]\n"
        . "EnvironmentFile=-/etc/sysconfig/xenopsd\n$text\nStandardError=null\n");
    return;
}

# The files in which the two versions differ, with the lines of their packages
sub host {
    my ($version) = @_;
    my $dom0 = Dom0->new;
    $dom0->write('etc/xensource-inventory',
        "PRODUCT_BRAND='XCP-ng'\nPRODUCT_NAME='xenenterprise'\nPRODUCT_VERSION='$version.0'\n");
    unit($dom0, $version eq '8.3' ? '@ --config-dir /etc/xenopsd.conf.d $XENOPSD_OPTIONS'
        : '@ $XENOPSD_OPTIONS');
    $dom0->write('etc/xenopsd.conf',
        "# settings\ninventory=/etc/xensource-inventory\n# @{[KEY]}=x\n# config-dir=x");
    $dom0->write('etc/sysconfig/xenopsd', "# XENOPSD_OPTIONS='--config-dir=/x'\n");
    $dom0->write('usr/local/lib/.keep', '');
    mkdir "$dom0->{root}/" . FOLDERS->{'8.3'} if $version eq '8.3';
    systemctl($dom0, 'exit 0');
    return $dom0;
}

# The stand-in also records whether the wrapper and the settings exist
sub systemctl {
    my ($dom0, $body) = @_;
    $dom0->program('usr/bin/systemctl', <<"END");
#!/bin/sh
{ echo "\$*"; ls '$dom0->{root}/@{[WRAPPER]}'; ls '$dom0->{root}'/etc/xenopsd*.d; } >>'$dom0->{root}.told' 2>&1
$body
END
    return;
}

sub told {
    my ($dom0) = @_;
    my $told = Qmp::slurp("$dom0->{root}.told");
    unlink "$dom0->{root}.told";
    return $told;
}

sub mode {
    my ($dom0, $path) = @_;
    return sprintf '%o', (stat "$dom0->{root}/$path")[2] & oct '7777';
}

sub tree {
    my ($dom0) = @_;
    my @entries;
    find({ no_chdir => 1, wanted => sub {
        my $mode = sprintf '%o', (lstat)[2];
        push @entries, "$File::Find::name $mode " . (-l ? readlink : -f ? Qmp::slurp($_) : '');
    } }, $dom0->{root});
    return [sort @entries];
}

sub install {
    my ($dom0) = @_;
    return $dom0->setup('--root', $dom0->{root}, 'install');
}

sub uninstall {
    my ($dom0) = @_;
    return $dom0->setup('--root', $dom0->{root}, 'uninstall');
}

sub refused {
    my ($dom0, $line, $what) = @_;
    my $before = tree($dom0);
    my ($status, $output, $errors) = install($dom0);
    is $status, 1, "$what: exit status";
    like $errors, qr/\Asetup: [^\n]*$line[^\n]*\n\z/, "$what: a one-line error";
    is $output, '', "$what: no other output";
    is_deeply tree($dom0), $before, "$what: changes nothing";
    return;
}

1;
