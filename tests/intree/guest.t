#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/guest/device.t once more, with the device in QEMU's tree.
#
# Needs: setup-demo guest qemu
# Slow: builds QEMU
use strict;
use warnings;
use InTree;

InTree::run('tests/guest/device.t');
