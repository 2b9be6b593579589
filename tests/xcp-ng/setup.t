#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# qemu-device/xcp-ng/setup on directories that look like an XCP-ng host: it installs
# and removes the wrapper and its setting, changes no other file, and restarts xenopsd
# before it removes the wrapper.
#
# Needs: setup-test
use strict;
use warnings;
use Test::More;
use Contract;
use Dom0;
use SetupTest;

sub check_files {
    my ($dom0, $version) = @_;
    my ($root, $folder) = ($dom0->{root}, "$dom0->{root}/" . FOLDERS->{$version});
    is Qmp::slurp("$folder/vgpu-stub.conf"), KEY . '=/' . WRAPPER . "\n", "$version: the setting";
    is_deeply [map { s{.*/}{}r } glob "$folder/* $folder/.?*"], ['vgpu-stub.conf', '..'],
        "$version: nothing else is in the settings directory";
    is Qmp::slurp("$root/" . WRAPPER), Qmp::slurp(top_dir() . '/qemu-device/xcp-ng/qemu-wrapper'),
        "$version: the wrapper";
    my %modes = (WRAPPER, '755', FOLDERS->{$version} . '/vgpu-stub.conf', '644',
        'usr/local/lib/vgpu-stub', '755', FOLDERS->{$version}, '755');
    is mode($dom0, $_), $modes{$_}, "$version: mode of $_" for sort keys %modes;
    return;
}

sub test_version {
    my ($version) = @_;
    my $dom0 = host($version);
    my $before = tree($dom0);
    my $umask = umask 077;

    my ($status, $output, $errors) = install($dom0);
    umask $umask;
    is $status, 0, "$version: install" or diag $errors;
    is $output, "installed $dom0->{root}/@{[WRAPPER]}, named in "
        . "$dom0->{root}/@{[FOLDERS->{$version}]}/vgpu-stub.conf\n"
        . "now, while no VM is starting or migrating, run: systemctl restart xenopsd-xc\n"
        . "running VMs are not affected\n", "$version: it says what to do next";
    is $errors, '', "$version: no errors";
    is told($dom0), '', "$version: nothing is restarted yet";
    check_files($dom0, $version);

    my $installed = tree($dom0);
    ($status) = install($dom0);
    is $status, 0, "$version: install again";
    is_deeply tree($dom0), $installed, "$version: which changes nothing";

    ($status, $output) = uninstall($dom0);
    is $status, 0, "$version: uninstall";
    is $output, "restarting xenopsd-xc; running VMs are not affected\nremoved\n",
        "$version: it says what it does";
    my $told = told($dom0);
    like $told, qr/\Arestart xenopsd-xc\n\Q$dom0->{root}\/@{[WRAPPER]}\E\n/,
        "$version: restarted before the wrapper is removed";
    unlike $told, qr/vgpu-stub\.conf/, "$version: and after the setting is removed";
    is_deeply tree($dom0), $before, "$version: nothing is left";

    ($status, $output) = uninstall($dom0);
    is $status, 0, "$version: uninstall again";
    is $output, "nothing is installed\n", "$version: it says that there is nothing to do";
    is told($dom0), '', "$version: it restarts nothing";
    is_deeply tree($dom0), $before, "$version: it removes nothing";
}

sub test_restart_fails {
    my $dom0 = host('8.3');
    my $before = tree($dom0);
    install($dom0);
    systemctl($dom0, 'exit 1');
    my ($status, $output, $errors) = uninstall($dom0);
    is $status, 1, 'the restart fails: exit status';
    like $errors, qr/\Asetup: xenopsd-xc did not restart [^\n]*, then uninstall again\n\z/,
        'the restart fails: one line';
    ok -x "$dom0->{root}/" . WRAPPER, 'the restart fails: the wrapper stays';
    told($dom0);
    systemctl($dom0, 'exit 0');
    ($status) = uninstall($dom0);
    is $status, 0, 'uninstalling again succeeds';
    like told($dom0), qr/\Arestart xenopsd-xc\n/, 'and restarts';
    is_deeply tree($dom0), $before, 'and leaves nothing';
}

# The running xenopsd still calls the wrapper
sub test_wrapper_gone {
    my $dom0 = host('8.3');
    my $before = tree($dom0);
    install($dom0);
    $dom0->remove(WRAPPER);
    my ($status, $output) = uninstall($dom0);
    is $status, 0, 'without the wrapper: uninstall';
    like told($dom0), qr/\Arestart xenopsd-xc\n/, 'without the wrapper: xenopsd is restarted';
    is $output, "restarting xenopsd-xc; running VMs are not affected\nremoved\n",
        'without the wrapper: it says what it does';
    is_deeply tree($dom0), $before, 'without the wrapper: nothing is left';

    install($dom0);
    $dom0->remove(WRAPPER);
    systemctl($dom0, 'exit 1');
    ($status, $output, my $errors) = uninstall($dom0);
    is $status, 1, 'without the wrapper, and the restart fails: exit status';
    like $errors, qr/\Asetup: [^\n]*systemctl restart xenopsd-xc[^\n]*\n\z/,
        'without the wrapper, and the restart fails: it says how to';
}

# The host was upgraded from 8.2 after the wrapper was installed
sub test_upgraded {
    my $dom0 = host('8.2');
    install($dom0);
    unit($dom0, '@ --config-dir /etc/xenopsd.conf.d');
    uninstall($dom0);
    ok !-e "$dom0->{root}/" . FOLDERS->{'8.2'}, 'the setting of an earlier unit is removed';
    unlike told($dom0), qr/vgpu-stub\.conf/, 'before the restart';

    install($dom0);
    unit($dom0, '@ --config-dir "/etc/xenopsd.conf.d"');
    my ($status) = uninstall($dom0);
    is $status, 0, 'uninstalling works with a unit that setup does not understand';
    ok !-e "$dom0->{root}/@{[FOLDERS->{'8.3'}]}/vgpu-stub.conf", 'the setting is removed';
}

# xenopsd does not start with a setting that names a missing file
sub test_other_setting {
    for my $file ('etc/xenopsd.conf', FOLDERS->{'8.3'} . '/mine.conf', 'etc/other.conf.d/mine.conf') {
        my $dom0 = host('8.3');
        install($dom0);
        $dom0->write($file, KEY . " = '/@{[WRAPPER]}'\n");
        my ($status, undef, $errors) = uninstall($dom0);
        is $status, 1, "$file still names the wrapper: exit status";
        like $errors, qr/\Asetup: another setting still names the wrapper, [^\n]*\Q$file:1:\E[^\n]*\n\z/,
            "$file still names the wrapper: one line";
        ok -x "$dom0->{root}/" . WRAPPER, "$file still names the wrapper, which stays";
        is told($dom0), '', "$file still names the wrapper: no restart";
        $dom0->write($file, "# @{[KEY]}=/@{[WRAPPER]}\n@{[KEY]}=/opt/mine # not /@{[WRAPPER]}\n");
        ($status) = uninstall($dom0);
        is $status, 0, "$file names it in a comment: uninstall";
        ok !-e "$dom0->{root}/" . WRAPPER, "$file names it in a comment: removed";
    }
}

sub test_refusals {
    for my $version ('8.2', '8.3') {
        for my $file ('etc/xenopsd.conf', FOLDERS->{$version} . '/mine.conf') {
            my $dom0 = host($version);
            $dom0->write($file, "a=b\n @{[KEY]} = /opt/mine\n");
            refused($dom0, qr/\Q@{[KEY]} is already set, remove that first: \E.*\Q$file:2: @{[KEY]}\E/,
                "$version, $file sets the key");
        }
    }
    my $dom0 = host('8.3');
    $dom0->write('etc/xenopsd.conf', "\xff\xfe @{[KEY]}=/opt/mine\n");
    {
        local $ENV{LC_ALL} = 'C.UTF-8';
        refused($dom0, qr/is already set, .*xenopsd\.conf:1:/, 'a line that is not UTF-8 sets the key');
    }
    $dom0 = host('8.3');
    unit($dom0, '@ --' . KEY . '=/opt/mine');
    refused($dom0, qr/is already set, .*xenopsd-xc\.service:5:/, 'the unit sets the key');
    $dom0 = host('8.3');
    $dom0->write('etc/sysconfig/xenopsd', 'XENOPSD_OPTIONS=--' . KEY . ' /opt/mine');
    refused($dom0, qr/is already set, .*sysconfig\/xenopsd:1:/, 'an option sets the key');

    $dom0 = host('8.3');
    for my $version ('8.1.0', '8.30', '9.0.0', '', '8.2') {
        $dom0->write('etc/xensource-inventory',
            "PRODUCT_BRAND='XCP-ng'\nPRODUCT_VERSION='$version'\n");
        refused($dom0, qr/XCP-ng '\Q$version\E' is not supported, only 8\.2 and 8\.3 are/,
            "XCP-ng '$version'");
    }
    $dom0->write('etc/xensource-inventory',
        "PRODUCT_BRAND='XenServer'\nPRODUCT_VERSION='8.2.1'\n");
    refused($dom0, qr/this is not an XCP-ng host/, 'another product');
    $dom0->remove('etc/xensource-inventory');
    refused($dom0, qr/this is not an XCP-ng host/, 'another system');
    $dom0 = host('8.2');
    chmod oct '644', "$dom0->{root}/" . Dom0::STOCK;
    refused($dom0, qr/xenopsd's own .*qemu-wrapper is missing/, 'a stock wrapper that does not run');
    $dom0->remove(Dom0::STOCK);
    refused($dom0, qr/xenopsd's own .*qemu-wrapper is missing/, 'no stock wrapper');
}

sub test_emulator {
    my $dom0 = host('8.3');
    my (undef, $output) = install($dom0);
    unlike $output, qr/does not have the device/, 'QEMU with the device';
    $dom0->write(Dom0::EMULATOR, "\x7fELF");
    (my $status, $output) = install($dom0);
    is $status, 0, 'setup installs even if QEMU lacks the device';
    like $output, qr/^QEMU on this host does not have the device yet: /m, 'and says so';
}

# Other files in the same directories
sub test_shared_folder {
    my $dom0 = host('8.2');
    $dom0->write(FOLDERS->{'8.2'} . '/other.conf', "worker-pool-size=8\n");
    $dom0->write('usr/local/lib/vgpu-stub/notes', "mine\n");
    my $before = tree($dom0);
    $_->($dom0) for \&install, \&uninstall;
    is_deeply tree($dom0), $before, 'other files and their directories stay';
}

sub test_usage {
    my $dom0 = Dom0->new;
    for my $arguments ([], ['remove'], ['install', 'x'], ['uninstall', 'x'], ['--root'],
        ['--root', $dom0->{root}], ['--help']) {
        my ($status, $output, $errors) = $dom0->setup(@$arguments);
        is $status, 2, "usage: '@$arguments'";
        is $errors, "usage: setup [--root DIR] install | uninstall\n", 'usage is shown';
    }
}

# The installed wrapper works
sub test_whole {
    my $dom0 = host('8.3');
    install($dom0);
    $dom0->device_model_args('["-device","vgpu-stub"]');
    local $ENV{VGPU_STUB_ROOT} = $dom0->{root};
    system "$dom0->{root}/" . WRAPPER, Dom0::DOMID, '--syslog', '-S';
    like Qmp::slurp("$dom0->{root}/started"), qr/\0-S\0-device\0vgpu-stub,addr=1e\z/,
        'the installed wrapper adds the device';
}

test_version($_) for '8.2', '8.3';
test_restart_fails();
test_wrapper_gone();
test_upgraded();
test_other_setting();
test_refusals();
test_emulator();
test_shared_folder();
test_usage();
test_whole();

done_testing;
