#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# qemu-device/xcp-ng/setup on folders that look like an XCP-ng host: what it puts
# there xenopsd finds, what it takes away leaves nothing, no file that was there
# changes, and xenopsd is restarted before the wrapper that it calls is gone.
#
# Needs: setup-test
use strict;
use warnings;
use File::Find 'find';
use Test::More;
use Contract;
use Dom0;

my $wrapper = 'usr/local/lib/vgpu-stub/qemu-wrapper';
my $unit = 'usr/lib/systemd/system/xenopsd-xc.service';
my $key = 'upstream-compat-qemu-dm-wrapper';
my %folders = ('8.2' => 'etc/xenopsd-xc.conf.d', '8.3' => 'etc/xenopsd.conf.d');

# The lines by which the two differ, as their packages have them
sub host {
    my ($version) = @_;
    my $dom0 = Dom0->new;
    my $option = $version eq '8.3' ? ' --config-dir /etc/xenopsd.conf.d' : '';
    $dom0->write('etc/xensource-inventory',
        "PRODUCT_BRAND='XCP-ng'\nPRODUCT_NAME='xenenterprise'\nPRODUCT_VERSION='$version.0'\n");
    $dom0->write($unit, "[Service]\nExecStart=/usr/sbin/xenopsd-xc"
        . " --config /etc/xenopsd.conf$option \$XENOPSD_OPTIONS\nStandardError=null\n");
    $dom0->write('etc/xenopsd.conf', "# settings\ninventory=/etc/xensource-inventory\n# $key=x");
    $dom0->write('usr/local/lib/.keep', '');
    mkdir "$dom0->{root}/$folders{'8.3'}" if $version eq '8.3';
    systemctl($dom0, 'exit 0');
    return $dom0;
}

# It writes down what it was told, and whether the wrapper was there
sub systemctl {
    my ($dom0, $body) = @_;
    $dom0->program('usr/bin/systemctl', <<"END");
#!/bin/sh
{ echo "\$*"; ls '$dom0->{root}/$wrapper'; ls '$dom0->{root}'/etc/xenopsd*.d; } >>'$dom0->{root}.told' 2>&1
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

# Path, mode and content of all that is there
sub tree {
    my ($dom0) = @_;
    my @entries;
    find({ no_chdir => 1, wanted => sub {
        my $mode = sprintf '%o', (lstat)[2];
        push @entries, "$File::Find::name $mode " . (-f ? Qmp::slurp($_) : '');
    } }, $dom0->{root});
    return [sort @entries];
}

sub check_files {
    my ($dom0, $version) = @_;
    my $root = $dom0->{root};
    is Qmp::slurp("$root/$folders{$version}/vgpu-stub.conf"), "$key=/$wrapper\n",
        "$version: the setting";
    is_deeply [map { s{.*/}{}r } glob "$root/$folders{$version}/* $root/$folders{$version}/.?*"],
        ['vgpu-stub.conf', '..'], "$version: nothing else is where xenopsd reads all";
    is Qmp::slurp("$root/$wrapper"),
        Qmp::slurp(top_dir() . '/qemu-device/xcp-ng/qemu-wrapper'), "$version: the wrapper";
    ok -x "$root/$wrapper", "$version: it can be run";
}

sub test_version {
    my ($version) = @_;
    my $dom0 = host($version);
    my @setup = ('--root', $dom0->{root});
    my $before = tree($dom0);

    my ($status, $output, $errors) = $dom0->setup(@setup, 'install');
    is $status, 0, "$version: install" or diag $errors;
    like $output, qr/systemctl restart xenopsd-xc\nrunning VMs are not touched\n\z/,
        "$version: it says what to do next";
    is $errors, '', "$version: no errors";
    is told($dom0), '', "$version: nothing is restarted yet";
    check_files($dom0, $version);

    my $installed = tree($dom0);
    ($status) = $dom0->setup(@setup, 'install');
    is $status, 0, "$version: install again";
    is_deeply tree($dom0), $installed, "$version: which changes nothing";

    ($status, $output) = $dom0->setup(@setup, 'uninstall');
    is $status, 0, "$version: uninstall";
    my $told = told($dom0);
    like $told, qr/\Arestart xenopsd-xc\n\Q$dom0->{root}\/$wrapper\E\n/,
        "$version: restarted while the wrapper is there";
    unlike $told, qr/vgpu-stub\.conf/, "$version: and the setting is not";
    is_deeply tree($dom0), $before, "$version: all is as it was";

    ($status, $output) = $dom0->setup(@setup, 'uninstall');
    is $status, 0, "$version: uninstall again";
    is $output, "nothing is installed\n", "$version: which says so";
    is told($dom0), '', "$version: and restarts nothing";
}

sub test_restart_fails {
    my $dom0 = host('8.3');
    my @setup = ('--root', $dom0->{root});
    my $before = tree($dom0);
    $dom0->setup(@setup, 'install');
    systemctl($dom0, 'exit 1');
    my ($status, $output, $errors) = $dom0->setup(@setup, 'uninstall');
    is $status, 1, 'the restart fails: exit status';
    like $errors, qr/\Asetup: xenopsd-xc did not restart, [^\n]*uninstall again\n\z/,
        'the restart fails: one line';
    ok -x "$dom0->{root}/$wrapper", 'the restart fails: the wrapper stays';
    systemctl($dom0, 'exit 0');
    ($status) = $dom0->setup(@setup, 'uninstall');
    is $status, 0, 'a second time goes on';
    is_deeply tree($dom0), $before, 'and all is as it was';
}

sub refused {
    my ($dom0, $pattern, $what) = @_;
    my $before = tree($dom0);
    my ($status, $output, $errors) = $dom0->setup('--root', $dom0->{root}, 'install');
    is $status, 1, "$what: exit status";
    like $errors, qr/\Asetup: [^\n]*$pattern[^\n]*\n\z/, "$what: one line";
    is $output, '', "$what: nothing else";
    is_deeply tree($dom0), $before, "$what: nothing is changed";
}

sub test_refusals {
    for my $version (sort keys %folders) {
        for my $file ('etc/xenopsd.conf', "$folders{$version}/mine.conf") {
            my $dom0 = host($version);
            $dom0->write($file, "a=b\n $key = /opt/mine\n");
            refused($dom0, qr/\Q$key is set already, take that out first: \E.*\Q$file:2: $key\E/,
                "$version, $file sets the key");
        }
    }
    my $dom0 = host('8.3');
    for my $version ('8.1.0', '8.30', '9.0.0', '', '8.2') {
        $dom0->write('etc/xensource-inventory',
            "PRODUCT_BRAND='XCP-ng'\nPRODUCT_VERSION='$version'\n");
        refused($dom0, qr/XCP-ng '\Q$version\E' is not known, only 8\.2 and 8\.3 are/,
            "XCP-ng '$version'");
    }
    $dom0->write('etc/xensource-inventory',
        "PRODUCT_BRAND='XenServer'\nPRODUCT_VERSION='8.2.1'\n");
    refused($dom0, qr/this is no XCP-ng host/, 'another product');
    $dom0->remove('etc/xensource-inventory');
    refused($dom0, qr/this is no XCP-ng host/, 'another system');
    $dom0 = host('8.2');
    $dom0->remove(Dom0::STOCK);
    refused($dom0, qr/qemu-wrapper, .* is not there/, 'no stock wrapper');
}

sub test_emulator {
    my $dom0 = host('8.3');
    my (undef, $output) = $dom0->setup('--root', $dom0->{root}, 'install');
    unlike $output, qr/does not have the device/, 'QEMU with the device';
    $dom0->write(Dom0::EMULATOR, "\x7fELF");
    (my $status, $output) = $dom0->setup('--root', $dom0->{root}, 'install');
    is $status, 0, 'QEMU without the device is no reason to refuse';
    like $output, qr/^QEMU here does not have the device yet: /m, 'but is told of';
}

# What others keep in the folder that 8.2 has no package for
sub test_shared_folder {
    my $dom0 = host('8.2');
    $dom0->write("$folders{'8.2'}/other.conf", "worker-pool-size=8\n");
    my $before = tree($dom0);
    $dom0->setup('--root', $dom0->{root}, $_) for qw(install uninstall);
    is_deeply tree($dom0), $before, 'a file of somebody else stays, with its folder';
}

sub test_usage {
    my $dom0 = Dom0->new;
    for my $arguments ([], ['remove'], ['install', 'x'], ['--root'], ['--root', $dom0->{root}],
        ['--help']) {
        my ($status, $output, $errors) = $dom0->setup(@$arguments);
        is $status, 2, "usage: '@$arguments'";
        is $errors, "usage: setup [--root DIR] install | uninstall\n", 'usage is shown';
    }
}

# The wrapper that is installed is what the tests of the wrapper ran
sub test_whole {
    my $dom0 = host('8.3');
    $dom0->setup('--root', $dom0->{root}, 'install');
    $dom0->device_model_args('["-device","vgpu-stub"]');
    local $ENV{VGPU_STUB_ROOT} = $dom0->{root};
    system "$dom0->{root}/$wrapper", Dom0::DOMID, '--syslog', '-S';
    like Qmp::slurp("$dom0->{root}/started"), qr/\0-S\0-device\0vgpu-stub,addr=1e\z/,
        'the installed wrapper adds the device';
}

test_version($_) for sort keys %folders;
test_restart_fails();
test_refusals();
test_emulator();
test_shared_folder();
test_usage();
test_whole();

done_testing;
