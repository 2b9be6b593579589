#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run tests/migration/mediator.t with the device built into QEMU, and with the accelerator
# "qtest", which Debian's QEMU does not have: for the device it is like KVM, because it is
# not TCG, which cannot log what a worker writes before it has stopped.
#
# Needs: qemu mediator setup-snapshots
# Slow: builds QEMU
use strict;
use warnings;
use InTree;

local $ENV{QTEST_ACCEL} = 'qtest';
InTree::run('tests/migration/mediator.t');
