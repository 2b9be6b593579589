#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/libvirt/libvirt.t once more, with the device in QEMU's tree.
#
# Needs: setup-demo setup-libvirt guest qemu
# Slow: builds QEMU
use strict;
use warnings;
use InTree;

InTree::run('tests/libvirt/libvirt.t');
