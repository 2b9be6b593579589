# SPDX-License-Identifier: GPL-2.0-or-later
#
# vgpu-stub: "make help" lists what can be made.

REFUSED := $(shell tests/setup/check-path "$$(pwd -P)" 2>/dev/null)
ifneq ($(REFUSED),)
$(error $(REFUSED). Move this tree to a folder with a plain name)
endif

# Messages of programs are read in English, and "cd" goes where it is told to
export LC_ALL := C.UTF-8
unexport LANGUAGE CDPATH

# Headers that are unpacked because installing them would change installed packages
DEV := $(shell tests/setup/cache-dir --name 2>/dev/null)/dev
export C_INCLUDE_PATH := $(DEV)/include:$(DEV)/include-arch$(addprefix :,$(C_INCLUDE_PATH))
export LIBRARY_PATH := $(DEV)/lib$(addprefix :,$(LIBRARY_PATH))
export PKG_CONFIG_PATH := $(DEV)/lib/pkgconfig:$(DEV)/usr/share/pkgconfig$(addprefix :,$(PKG_CONFIG_PATH))

BUILD := $(CURDIR)/build
SETUP := $(CURDIR)/tests/setup
STEP := $(SETUP)/step $(BUILD)/log
START := $(shell date +%s)
QEMU_VERSION := 7.2

# The kernel that "make modules" builds for: the running one, or if its headers are
# not installed (a build host) the one that the test guest boots.
KDIR ?= $(or $(wildcard /lib/modules/$(shell uname -r)/build),$(GUEST_KDIR))
GUEST_KDIR = $(realpath $(BUILD)/guest/headers/build)
MODULES = $(BUILD)/modules/$(notdir $(realpath $(KDIR)))
GUEST_MODULES = $(BUILD)/modules/$(notdir $(realpath $(GUEST_KDIR)))

.NOTPARALLEL:
.DELETE_ON_ERROR:

help:			## list the targets
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 24

demo: setup-demo guest	## boot a VM with the device, driven and validated (V=1: show all)
	@BUILD=$(BUILD) tests/guest/demo $(if $(V),-v) $(START)

shell: setup-demo guest	## an interactive guest in the same VM
	@BUILD=$(BUILD) tests/guest/vm shell

# What a test needs, and whether it is slow, stands in its head
check:			## run the tests that need no long build (TESTS= names some)
	@BUILD=$(BUILD) tests/run $(or $(TESTS),fast)

check-slow:		## run those that do: QEMU, kernels, DKMS, a whole Debian
	@BUILD=$(BUILD) tests/run slow

check-full: check check-slow check-stress check-qemu-compile check-qemu-10.0 check-qemu-10.2	## and with newer QEMUs

check-qemu-%: setup-check guest
	@$(MAKE) --no-print-directory -s qemu QEMU_VERSION=$*
	@BUILD=$(BUILD) tests/intree/run-version $*

# TREES: folders, or REPOSITORY:REVISION of git; without, those of tests/setup/qemus
check-qemu-compile: setup-device	## compile the device with QEMU sources: TREES=
	@prove -v --timer -Itests/lib tests/intree/compile.t :: \
	    $(or $(TREES),$$(sed -n 's/^\([0-9][^ ]*\) .*/\1/p' $(SETUP)/qemus | \
	    xargs -n 1 $(SETUP)/qemu-source))

# To a newer QEMU, every bit of a snapshot, a hundred plugs, a minute of fuzzing, and
# DKMS at work in the VM
check-stress: setup-check guest qemu
	@$(MAKE) --no-print-directory -s qemu QEMU_VERSION=10.0
	@BUILD=$(BUILD) QEMU_VGPU=$(BUILD)/qemu-7.2/qemu-system-x86_64 \
	    MIGRATE_TO=$(BUILD)/qemu-10.0/qemu-system-x86_64 \
	    prove --timer -Itests/lib tests/migration/live.t
	@BUILD=$(BUILD) FLIPS=8 ROUNDS=100 prove --timer -Itests/lib \
	    tests/migration/stream.t tests/guest/hotplug.t
	@BUILD=$(BUILD) prove -v --timer -Itests/lib tests/vm/dkms-inside
	@$(MAKE) --no-print-directory -s fuzz-device FUZZ_SECONDS=20

fuzz-device: setup-check	## fuzz the device for FUZZ_SECONDS a target
	@$(SETUP)/install-packages qemu fuzz
	@BUILD=$(BUILD) tests/fuzz/run $(FUZZ_SECONDS)

bench-device: setup-check guest qemu	## time the device beside edu, pci-testdev
	@BUILD=$(BUILD) perl -Itests/lib tests/bench/device $(BUILD)/qemu-7.2

bench: setup-check guest	## time the driver: load, access, DKMS beside others
	@BUILD=$(BUILD) perl -Itests/lib tests/bench/driver

# For vgpu-probe, what takes too long for every "make check"
FUZZ_SECONDS ?= 1800

fuzz-probe: setup-check	## fuzz vgpu-probe for FUZZ_SECONDS, 30 minutes
	@$(SETUP)/install-packages fuzz
	@tests/probe/fuzz/run $(BUILD)/fuzz-probe $(FUZZ_SECONDS)

coverage-probe: setup-check	## which lines of vgpu-probe the tests run
	@BUILD=$(BUILD) tests/probe/coverage

bench-probe: setup-check guest	## time vgpu-probe beside lspci and setpci
	@BUILD=$(BUILD) tests/probe/bench/run

check-pciutils: setup-check tools	## test vgpu-probe with pciutils 3.7 to 3.15
	@BUILD=$(BUILD) tests/probe/pciutils-versions

mutants: setup-check	## plant faults; the tests have to notice each (MUTANTS= names some)
	@BUILD=$(BUILD) tests/mutants/run $(if $(MUTANTS),'$(MUTANTS)')

check-matrix: setup-check guest	## the tests of guests with every kernel of Debian's
	@BUILD=$(BUILD) tests/matrix/run $(KERNELS)

# It takes half a minute over a table of the firmware's, and calls that a stall
check-debug: setup-check guest	## the same with a kernel that finds faults
	@BUILD=$(BUILD) tests/guest/build-guest "$$($(SETUP)/build-kernel debug)" \
	    $(BUILD)/guests/debug
	@BUILD=$(BUILD) GUEST=$(BUILD)/guests/debug KERNEL=bzImage \
	    KERNEL_OPTIONS=rcupdate.rcu_cpu_stall_suppress=1 \
	    VM_MEMORY=1024 VM_TIMEOUT=1200 prove --timer -Itests/lib \
	    $(addprefix tests/guest/,refusals.t lifecycle.t reset.t sysfs.t many.t suspend.t hotplug.t unplug.t)

# libxl's default emulator is that of i386, whatever the guest is
XEN_QEMU = env PROGRAMS=qemu-system-i386 $(SETUP)/qemu-in-tree 7.2 \
	--target-list=i386-softmmu --with-default-devices --enable-xen

check-xen: setup-check guest	## HVM guests of Xen's, which runs nested (15 minutes)
	@$(SETUP)/install-packages qemu xen
	@$(STEP)/qemu-xen.log "build QEMU 7.2 for Xen (10 minutes once)" $(XEN_QEMU)
	@$(STEP)/dom0.log "make dom0's disk (5 minutes once)" \
	    tests/xen/build-dom0 $(BUILD)/xen
	@BUILD=$(BUILD) prove -v --timer -Itests/lib tests/xen/methods :: \
	    "$$(tail -n 1 $(BUILD)/log/qemu-xen.log)/qemu-system-i386"

check-debian-13: setup-chroot	## demo and check on a fresh Debian 13 (10 minutes)
	@BUILD=$(BUILD) tests/debian-13/run

# The guest needs no x86 part, but the tests name "guest" as what they need
check-arm64: setup-demo setup-arm64 setup-chroot guest	## the guest tests on arm64 (10 minutes)
	@$(STEP)/arm64.log "build the device and a guest for arm64" \
	    tests/arm64/build $(BUILD)/arm64
	@BUILD=$(BUILD) VM_ARCH=aarch64 DEVICE=$(BUILD)/arm64/device \
	    GUEST=$(BUILD)/arm64/guest VM_MEMORY=512 VM_TIMEOUT=900 prove --timer \
	    -Itests/lib $(addprefix tests/guest/,device.t lifecycle.t unplug.t)

lint: setup-lint guest	## what a maintainer runs over a change
	@BUILD=$(BUILD) tests/lint/lint

setup: setup-demo	## install the packages that a demo needs

setup-demo:
	@$(SETUP)/install-packages device modules tools guest

# All that some test needs
setup-check: setup-demo
	@$(SETUP)/install-packages test probe snapshots libvirt chroot deb

# The packages of one group
setup-%:
	@$(SETUP)/install-packages $*

setup-probe:
	@$(SETUP)/install-packages tools probe

setup-lint: setup-demo
	@$(SETUP)/install-packages test lint

device:			## the device for the installed QEMU
	@$(SETUP)/check-space 60 $(BUILD)
	@$(STEP)/qemu-source.log "fetch QEMU's source" $(SETUP)/qemu-source
	@$(STEP)/device.log "build the device for the installed QEMU" \
	    qemu-device/preload/build "$$($(SETUP)/qemu-source)" $(BUILD)/device
	@tail -n 1 $(BUILD)/log/device.log

qemu: setup-qemu	## a QEMU with the device in its tree (QEMU_VERSION=10.0)
	@$(STEP)/qemu-$(QEMU_VERSION).log \
	    "build QEMU $(QEMU_VERSION) with the device (10 minutes once)" \
	    $(SETUP)/qemu-in-tree $(QEMU_VERSION)
	@ln -sfn "$$(tail -n 1 $(BUILD)/log/qemu-$(QEMU_VERSION).log)" \
	    $(BUILD)/qemu-$(QEMU_VERSION)

setup-qemu:
	@$(SETUP)/install-packages device qemu

# Kernels before 6.13 cannot build a module into another folder: build a copy.
modules:		## the driver for the running kernel, or for KDIR=
	@test -n "$(KDIR)" || { echo "no kernel headers found: install" \
	    "linux-headers-$$(uname -r), or name a kernel's build tree with KDIR=" >&2; \
	    exit 1; }
	@mkdir -p $(MODULES)
	@cp -ru dkms.conf guest-driver include $(MODULES)
	@$(STEP)/modules.log "build the driver for $(notdir $(realpath $(KDIR)))" \
	    $(MAKE) -C $(MODULES)/guest-driver KDIR=$(KDIR)
	@echo "built $(MODULES)/guest-driver/vgpu_stub.ko"

tools:			## vgpu-probe
	@$(STEP)/tools.log "build vgpu-probe" $(MAKE) -C guest-tools O=$(BUILD)/tools
	@echo "built $(BUILD)/tools/vgpu-probe"

# A target of its own, because make expands a recipe before it runs the first line
guest-kernel:
	@$(STEP)/kernel.log "fetch the guest's kernel" $(SETUP)/guest-kernel
	@mkdir -p $(BUILD)/guest
	@ln -sf "$$($(SETUP)/guest-kernel)"/vmlinux "$$($(SETUP)/guest-kernel)"/bzImage \
	    $(BUILD)/guest
	@ln -sfn "$$($(SETUP)/guest-kernel --headers)" $(BUILD)/guest/headers

guest: device tools guest-kernel	## the guest that demo, shell and check boot
	@$(MAKE) --no-print-directory -s modules KDIR=$(GUEST_KDIR)
	@$(STEP)/initramfs.log "pack the guest's file system" \
	    tests/guest/build-initramfs "$$($(SETUP)/guest-kernel)" \
	    $(GUEST_MODULES)/guest-driver/vgpu_stub.ko \
	    $(BUILD)/tools/vgpu-probe $(BUILD)/guest/initramfs

# What tests/dkms/clang.t builds the driver for
clang-kernel:
	@$(STEP)/clang-kernel.log "build a kernel with clang (15 minutes once)" \
	    $(SETUP)/build-kernel clang
	@ln -sfn "$$(tail -n 1 $(BUILD)/log/clang-kernel.log)" $(BUILD)/clang-kernel

# What tests/vm boots
debian-vm:
	@$(STEP)/debian-vm.log "make a Debian disk with the driver (5 minutes once)" \
	    tests/vm/make-disk $(BUILD)/debian-vm --with-driver

dkms-install:		## put the driver into DKMS, for the running kernel or KERNEL=
	@guest-driver/dkms-setup install $(KERNEL)

dkms-remove:		## take the driver out of DKMS
	@guest-driver/dkms-setup remove

deb: setup-deb		## the Debian packages, in build/deb
	@$(STEP)/deb.log "build the Debian packages" debian/build $(BUILD)/deb
	@ls $(BUILD)/deb/*.deb

dist:			## the release's archive, in build/dist
	@packaging/source-archive $(BUILD)/dist

install:		## DKMS source and tools, to DESTDIR=, PREFIX=
	$(MAKE) -C guest-driver install
	$(MAKE) -C guest-tools install O=$(BUILD)/tools

uninstall:		## remove what install put there
	$(MAKE) -C guest-driver uninstall
	$(MAKE) -C guest-tools uninstall

clean:			## remove what was built
	rm -rf $(CURDIR)/build

distclean: clean	## and what was downloaded
	@$(SETUP)/remove-cache

# no target is a file
.PHONY: $(shell LC_ALL=C sed -n 's/^\([a-z0-9-]*\):.*/\1/p' $(firstword $(MAKEFILE_LIST)))
