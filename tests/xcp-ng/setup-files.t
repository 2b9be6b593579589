#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How qemu-device/xcp-ng/setup writes files: it follows no symbolic link, writes a file
# completely or not at all, and checks the result.
#
# Needs: setup-test
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
use Contract;
use Dom0;
use SetupTest;

my $setting = FOLDERS->{'8.3'} . '/vgpu-stub.conf';

sub leftovers {
    my ($dom0) = @_;
    return join ' ', grep { m{/\.vgpu-stub|\.new } } @{ tree($dom0) };
}

# The files' own names, and former names of temporary files
sub test_planted_links {
    for my $place (WRAPPER, WRAPPER . '.new', 'usr/local/lib/vgpu-stub/setting.new', $setting,
        "$setting.new") {
        my $dom0 = host('8.3');
        $dom0->write('etc/shadow', "precious\n");
        chmod oct '644', "$dom0->{root}/etc/shadow";
        $dom0->write($place, '');
        $dom0->remove($place);
        symlink "$dom0->{root}/etc/shadow", "$dom0->{root}/$place" or die;
        my ($status) = install($dom0);
        is $status, 0, "a link at $place: install";
        is Qmp::slurp("$dom0->{root}/etc/shadow"), "precious\n", "a link at $place: not followed";
        is mode($dom0, 'etc/shadow'), '644', "a link at $place: its mode";
        ok !-l "$dom0->{root}/$_" && -s _, "a link at $place: /$_ is a file" for WRAPPER, $setting;
        uninstall($dom0);
        is Qmp::slurp("$dom0->{root}/etc/shadow"), "precious\n", "a link at $place: uninstall";
    }
    return;
}

sub test_link_to_nowhere {
    my $dom0 = host('8.3');
    symlink '/nonexistent', "$dom0->{root}/$setting" or die;
    uninstall($dom0);
    ok !-l "$dom0->{root}/$setting", 'uninstall removes a setting that is a dangling link';
    like told($dom0), qr/\Arestart/, 'and restarts xenopsd';
    return;
}

sub test_folder {
    my $dom0 = host('8.3');
    my $elsewhere = tempdir(CLEANUP => 1);
    symlink $elsewhere, "$dom0->{root}/usr/local/lib/vgpu-stub" or die;
    refused($dom0, qr/vgpu-stub is a symbolic link, remove it/, "the wrapper's directory is a link");
    is_deeply [glob "$elsewhere/*"], [], 'nothing is written there';

    # only root can change a directory's owner
    if ($> == 0) {
        $dom0 = host('8.3');
        mkdir "$dom0->{root}/usr/local/lib/vgpu-stub" or die;
        chown 65534, 65534, "$dom0->{root}/usr/local/lib/vgpu-stub" or die;
        refused($dom0, qr/vgpu-stub belongs to another user, remove it/,
            "the wrapper's directory belongs to another user");
    }
    $dom0 = host('8.3');
    mkdir "$dom0->{root}/usr/local/lib/vgpu-stub" or die;
    chmod oct '777', "$dom0->{root}/usr/local/lib/vgpu-stub";
    install($dom0);
    is mode($dom0, 'usr/local/lib/vgpu-stub'), '755', 'only root can write there';
    return;
}

sub test_directories {
    my %lines = (WRAPPER, qr/cannot write .*qemu-wrapper$/, $setting, qr/cannot write .*vgpu-stub.conf$/);
    for my $place (sort keys %lines) {
        my $dom0 = host('8.3');
        $dom0->write("$place/file", '');
        my ($status, $output, $errors) = install($dom0);
        is $status, 1, "a directory at $place: exit status";
        like $errors, qr/^setup: $lines{$place}/m, "a directory at $place: the reason";
        is $output, '', "a directory at $place: nothing on standard output";
        is leftovers($dom0), '', "a directory at $place: no temporary file";
    }
    my %files = ('usr/local/lib/vgpu-stub' => qr/cannot create .*lib\/vgpu-stub$/,
        'etc/xenopsd-xc.conf.d' => qr/cannot create .*xenopsd-xc\.conf\.d$/);
    for my $place (sort keys %files) {
        my $dom0 = host('8.2');
        $dom0->write($place, '');
        my ($status, $output, $errors) = install($dom0);
        is $status, 1, "a file at $place: exit status";
        like $errors, qr/^setup: $files{$place}/m, "a file at $place: the reason";
    }
    return;
}

# Install with a program in the PATH that fails or does the wrong thing
sub with_program {
    my ($name, $body, $dom0) = @_;
    my $bin = tempdir(CLEANUP => 1);
    open my $file, '>', "$bin/$name" or die;
    print {$file} "#!/bin/sh\n$body\n";
    close $file;
    chmod oct '755', "$bin/$name";
    local $ENV{PATH} = "$bin:$ENV{PATH}";
    return install($dom0);
}

sub test_failures {
    my %programs = (
        mktemp => ['exit 1', qr/cannot write .*qemu-wrapper$/],
        cat => ['[ $# = 0 ] || exec /bin/cat "$@"; head -c 100; exit 1', qr/cannot write .*qemu-wrapper$/],
        chmod => ['case $2 in *.vgpu-stub.*) exit 1 ;; esac', qr/cannot write .*qemu-wrapper$/],
        mv => ['exit 1', qr/cannot write .*qemu-wrapper$/],
    );
    for my $name (sort keys %programs) {
        my $dom0 = host('8.3');
        my ($status, $output, $errors) = with_program($name, $programs{$name}[0], $dom0);
        is $status, 1, "$name fails: exit status";
        like $errors, qr/^setup: $programs{$name}[1]/m, "$name fails: the reason";
        is $output, '', "$name fails: nothing on standard output";
        is leftovers($dom0), '', "$name fails: no temporary file";
        ok !-e "$dom0->{root}/$setting", "$name fails: no setting without its wrapper";
    }
    return;
}

# xenopsd reads every file in its directory, even one that setup is still writing
sub test_temporary {
    my $dom0 = host('8.3');
    my $log = "$dom0->{root}.moved";
    with_program('mv', "echo \"\$2\" >>'$log'; exec /bin/mv \"\$@\"", $dom0);
    my @moved = map { m{^\Q$dom0->{root}\E/(.*)/[^/]+$} ? $1 : $_ } split /\n/, Qmp::slurp($log);
    is_deeply \@moved, ['usr/local/lib/vgpu-stub', 'etc'], 'where the temporary files are';
    return;
}

sub test_result {
    my $wrapper = 'case $3 in */qemu-wrapper)';
    my %programs = (
        'nothing is written' => ['mv', 'exit 0', 'qemu-wrapper was not written'],
        'less is written' => ['cat', '[ $# = 0 ] || exec /bin/cat "$@"; head -c 100',
            'qemu-wrapper was not written'],
        'no setting is written' => ['mv', "$wrapper exec /bin/mv \"\$@\" ;; esac",
            'vgpu-stub.conf was not written'],
        'the wrapper cannot be run' => ['chmod', 'exec /bin/chmod 0644 "$2"',
            'qemu-wrapper cannot be executed'],
    );
    for my $name (sort keys %programs) {
        my ($program, $body, $line) = @{ $programs{$name} };
        my $dom0 = host('8.3');
        my ($status, $output, $errors) = with_program($program, $body, $dom0);
        is $status, 1, "$name: exit status";
        like $errors, qr/^setup: .*$line.*\n\z/m, "$name: the reason";
        is $output, '', "$name: nothing on standard output";
    }
    return;
}

# An incomplete copy of the directory; a path with a blank; CDPATH set
sub test_copy {
    my $parent = tempdir(CLEANUP => 1);
    my $copy = "$parent/a b";
    mkdir $copy;
    system 'cp', top_dir() . '/qemu-device/xcp-ng/setup', $copy;
    my $dom0 = host('8.3');
    local $ENV{CDPATH} = '.';
    my $run = sub { qx(cd '$parent' >/dev/null && 'a b/setup' --root '$dom0->{root}' install 2>&1) };
    like $run->(), qr/\Asetup: .*qemu-wrapper is missing: copy the whole directory to this host\n\z/,
        'setup without the wrapper';
    system 'cp', top_dir() . '/qemu-device/xcp-ng/qemu-wrapper', $copy;
    like $run->(), qr/\Ainstalled /, 'setup in a directory with a blank, and a CDPATH';
    return;
}

test_planted_links();
test_link_to_nowhere();
test_folder();
test_directories();
test_failures();
test_temporary();
test_result();
test_copy();

done_testing;
