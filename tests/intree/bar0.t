#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run tests/qtest/bar0.t with the device built into QEMU.
#
# Needs: qemu
# Slow: builds QEMU
use strict;
use warnings;
use InTree;

InTree::run('tests/qtest/bar0.t');
