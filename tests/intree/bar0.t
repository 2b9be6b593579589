#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/qtest/bar0.t once more, with the device in QEMU's tree.
#
# Needs: qemu
# Slow: builds QEMU
use strict;
use warnings;
use InTree;

InTree::run('tests/qtest/bar0.t');
