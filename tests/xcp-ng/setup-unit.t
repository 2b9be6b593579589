#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# qemu-device/xcp-ng/setup and the unit that starts xenopsd-xc: setup puts the setting
# where xenopsd reads it, or refuses to install.
#
# Needs: setup-test
use strict;
use warnings;
use Test::More;
use Dom0;
use SetupTest;

my ($default, $other) = @{ FOLDERS() }{qw(8.2 8.3)};
my $unclear = 'cannot tell where xenopsd-xc reads its settings: ';

sub lands {
    my ($dom0, $folder, $what) = @_;
    my $before = tree($dom0);
    my ($status, $output, $errors) = install($dom0);
    is $status, 0, "$what: install" or diag $errors;
    is Qmp::slurp("$dom0->{root}/$folder/vgpu-stub.conf"), KEY . '=/' . WRAPPER . "\n",
        "$what: the setting is in /$folder";
    is scalar(grep { m{/vgpu-stub\.conf } } @{ tree($dom0) }), 1, "$what: and nowhere else";
    uninstall($dom0);
    ok !-e "$dom0->{root}/$folder/vgpu-stub.conf", "$what: uninstall finds it";
}

sub test_understood {
    my %units = (
        '@' => $default,
        '@ $XENOPSD_OPTIONS' => $default,
        '@ --config-dir /etc/xenopsd.conf.d' => $other,
        '@ --config-dir=/etc/xenopsd.conf.d' => $other,
        "\@ --config-dir=/etc/xenopsd.conf.d \$XENOPSD_OPTIONS" => $other,
        "\@ --config-dir\t/etc/xenopsd.conf.d --log syslog" => $other,
        "\@ \\\n  --config-dir /etc/xenopsd.conf.d \\\n  \$XENOPSD_OPTIONS" => $other,
        "\@ --config-dir \\\n/etc/xenopsd.conf.d" => $other,
        "\@ \\\n --log x \\\n --config-dir=/etc/xenopsd.conf.d" => $other,
        '@ --config-dir=/opt/my_settings/a-b.d' => 'opt/my_settings/a-b.d',
        ' ExecStart = /usr/sbin/xenopsd-xc --config-dir=/etc/xenopsd.conf.d' => $other,
        'ExecStart=/usr/sbin/xenopsd-xc --config=/etc/xenopsd.conf' => $default,
        'ExecStart=/usr/sbin/xenopsd-xc' => $default,
        "# ExecStart=/x/xenopsd-xc --config-dir /x\n\@" => $default,
        "\@\n; --config-dir /x" => $default,
        "ExecStart=\n\@ --config-dir=/etc/xenopsd.conf.d" => $other,
        "\@\nExecStartPost=/bin/true" => $default,
    );
    for my $unit (sort keys %units) {
        my $dom0 = host('8.2');
        unit($dom0, $unit);
        (my $name = $unit) =~ s/\n/|/g;
        lands($dom0, $units{$unit}, "'$name'");
    }
    return;
}

sub test_not_understood {
    my %units = (
        '@ --config-dir "/etc/x"' => '.*ExecStart=.*"/etc/x"',
        '@ "--config-dir" /etc/x' => '.*ExecStart=',
        "\@ '--config-dir=/etc/x'" => '.*ExecStart=',
        '@ --config-dir=$FOLDER' => '.*ExecStart=',
        '@ --config-dir ${FOLDER}' => '.*ExecStart=',
        '@ --config-dir=/etc/%p' => '.*ExecStart=',
        '@ --config-dir=etc/x' => '.*ExecStart=',
        '@ --config-dir' => '.*ExecStart=',
        '@ --config-d=/etc/x' => '.*ExecStart=',
        '@ --config-dir=/etc/x --config-dir=/etc/y' => '.*ExecStart=',
        'ExecStart=/usr/sbin/xenopsd-xc --config /etc/other.conf' => '.*ExecStart=',
        'ExecStart=/usr/bin/env xenopsd-xc' => '.*ExecStart=',
        'ExecStart=/usr/sbin/xenopsd' => '.*ExecStart=',
        'ExecStart=/opt/xenopsd-xc-wrapper' => '.*ExecStart=',
        "\@\nExecStart=/usr/sbin/xenopsd-xc --config-dir=/x" => '.*ExecStart=',
        "\@\nEnvironment=XENOPSD_OPTIONS=--config-dir=/x" => 'Environment=.*config-dir',
        "\@\nEnvironment=A=b \\\n XENOPSD_OPTIONS=--config-dir=/x" => 'Environment=.*config-dir',
        'ExecStart=' => 'xenopsd-xc.service has no ExecStart=',
        '' => 'xenopsd-xc.service has no ExecStart=',
    );
    for my $unit (sort keys %units) {
        my $dom0 = host('8.2');
        unit($dom0, $unit);
        (my $name = $unit) =~ s/\n/|/g;
        refused($dom0, "$unclear$units{$unit}.*; start it with --config-dir DIR on one ExecStart= "
            . 'line, or without it', "'$name'");
    }
    my $dom0 = host('8.3');
    $dom0->remove('usr/lib/systemd/system/xenopsd-xc.service');
    refused($dom0, "${unclear}xenopsd-xc.service has no ExecStart=", 'no unit');
    return;
}

# Other files that may have options
sub test_other_files {
    my %files = ('etc/sysconfig/xenopsd' => "\n XENOPSD_OPTIONS='--config-dir=/x'\n",
        'etc/xenopsd.conf' => "a=b\nconfig-dir = /x\n",
        'etc/mine' => "XENOPSD_OPTIONS=--config-d=/x\n");
    for my $file (sort keys %files) {
        my $dom0 = host('8.3');
        unit($dom0, "\@ --config-dir /etc/xenopsd.conf.d\nEnvironmentFile=/etc/mine");
        $dom0->write($file, $files{$file});
        refused($dom0, "$unclear.*\Q/$file:\E.*config-d", "/$file");
    }
    return;
}

sub test_precedence {
    my $service = 'systemd/system/xenopsd-xc.service';
    for my $place ('etc', 'run') {
        my $dom0 = host('8.3');
        $dom0->write("$place/$service", "[Service]\nExecStart=/usr/sbin/xenopsd-xc\n");
        lands($dom0, $default, "a unit in /$place");
    }
    for my $place ('etc', 'run', 'usr/lib') {
        my $dom0 = host('8.3');
        $dom0->write("$place/$service.d/a.conf", "[Service]\nNice=1\n");
        lands($dom0, $other, "a drop-in in /$place without ExecStart=");
        $dom0->write("$place/$service.d/a.conf",
            "[Service]\nExecStart=\nExecStart=/usr/sbin/xenopsd-xc --config-dir=/x\n");
        refused($dom0, "${unclear}ExecStart=/usr/sbin/xenopsd-xc --config-dir=/x",
            "a drop-in in /$place with another ExecStart=");
    }
    return;
}

test_understood();
test_not_understood();
test_other_files();
test_precedence();

done_testing;
