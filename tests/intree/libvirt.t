#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run tests/libvirt/libvirt.t with the device built into QEMU.
#
# Needs: setup-demo setup-libvirt guest qemu
# Slow: builds QEMU
use strict;
use warnings;
use InTree;

InTree::run('tests/libvirt/libvirt.t');
