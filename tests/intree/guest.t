#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run tests/guest/device.t with the device built into QEMU.
#
# Needs: setup-demo guest qemu
# Slow: builds QEMU
use strict;
use warnings;
use InTree;

InTree::run('tests/guest/device.t');
