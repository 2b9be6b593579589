# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tests of qemu-device/xcp-ng/setup have in common: directories that look
# like an XCP-ng host.
#
#   host(VERSION)                   a Dom0 with what setup looks at
#   unit(DOM0, TEXT)                its xenopsd-xc.service, with "@" for the command
#   systemctl(DOM0, BODY)           what systemctl does after it has recorded its call
#   told(DOM0)                      what systemctl was told since the last time
#   mode(DOM0, PATH)                as chmod takes it
#   tree(DOM0)                      path, mode and content of everything that is there
#   install(DOM0), uninstall(DOM0)  exit status, output, errors
#   refused(DOM0, LINE, WHAT)       install changes nothing and prints a line
#   WRAPPER, KEY, FOLDERS           where xenopsd reads its settings, by version
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

# The lines by which the two versions differ, as their packages have them
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

# It also records what it finds, the wrapper and the settings
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
    like $errors, qr/\Asetup: [^\n]*$line[^\n]*\n\z/, "$what: one line";
    is $output, '', "$what: nothing else";
    is_deeply tree($dom0), $before, "$what: nothing is changed";
    return;
}

1;
