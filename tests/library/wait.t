#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu_stub_wait() while another thread reads the completions that it waits for: it waits
# on, and its timeout still counts from the call.
#
# Needs: setup-demo setup-probe tools
use strict;
use warnings;
use Test::More;
use Time::HiRes 'time';
use Contract;
use Probe;

my $tests = top_dir() . '/tests';
my $library = top_dir() . '/guest-tools/libvgpu-stub';
my $driver = scratch_dir() . '/fake-device.so';
my $program = scratch_dir() . '/wait';
my @include = map { "-I$_" } $library, map { top_dir() . "/$_" } 'guest-driver/uapi', 'include';
my @gcc = ('gcc', '-O2', '-Wall', '-Wextra', '-Werror', @include);

# What wait() returns for a timeout in nanoseconds, and how long it took
sub wait_for {
    my ($fault, $timeout) = @_;
    local @ENV{qw(LD_PRELOAD FAULT)} = ($driver, $fault);
    my $start = time;
    my ($status, $out, $err) = run_command('timeout', 20, $program, $timeout);
    is "$status $err", '0 ', "$fault, $timeout ns: runs";
    return ($out, time - $start);
}

write_file("$program.c", <<'C');
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libvgpu-stub.h>

int main(int argc, char **argv)
{
	struct vgpu_stub *vgpu;
	struct vgpu_stub_command command;
	struct vgpu_stub_completion completion;
	int ret;

	if (argc != 2 || vgpu_stub_open("/dev/fake", &vgpu))
		return 1;
	vgpu_stub_nop(&command, 1);
	if (vgpu_stub_submit(vgpu, &command, 1) != 1)
		return 1;
	ret = vgpu_stub_wait(vgpu, &completion, 1, 1, atoll(argv[1]));
	puts(ret < 0 ? strerror(-ret) : "a completion");
	vgpu_stub_close(vgpu);
	return 0;
}
C
system(@gcc, '-shared', '-fPIC', '-o', $driver, "$tests/vgpu-run/fake-device.c") == 0 or die 'gcc';
system(@gcc, '-o', $program, "$program.c", build_dir() . '/tools/libvgpu-stub.a') == 0 or die 'gcc';

is +(wait_for('taken', $_))[0], "a completion\n", '... and waits on' for -1, '9000000000000000000', 10_000_000_000;
for my $timeout (0, 1, 300_000_000) {
    my ($out, $seconds) = wait_for('all-taken', $timeout);
    is $out, "Connection timed out\n", '... and gives up';
    cmp_ok $seconds, '>=', $timeout / 1e9, '... not before that time';
    cmp_ok $seconds, '<', $timeout / 1e9 + 5, '... and soon after it';
}

done_testing;
