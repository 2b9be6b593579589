# SPDX-License-Identifier: GPL-2.0-or-later
#
# "make help" lists the targets.

REFUSED := $(shell tests/setup/check-path "$$(pwd -P)" 2>/dev/null)
ifneq ($(REFUSED),)
$(error $(REFUSED). Move this tree to a directory with a plain name)
endif

# The scripts parse English messages, and an exported CDPATH would redirect "cd"
export LC_ALL := C.UTF-8
unexport LANGUAGE CDPATH

# Headers that tests/setup/unpack-dev unpacked instead of installing
DEV := $(shell tests/setup/cache-dir --name 2>/dev/null)/dev
export C_INCLUDE_PATH := $(DEV)/include:$(DEV)/include-arch$(addprefix :,$(C_INCLUDE_PATH))
export LIBRARY_PATH := $(DEV)/lib$(addprefix :,$(LIBRARY_PATH))
export PKG_CONFIG_PATH := $(DEV)/lib/pkgconfig:$(DEV)/usr/share/pkgconfig$(addprefix :,$(PKG_CONFIG_PATH))

BUILD := $(CURDIR)/build
SETUP := $(CURDIR)/tests/setup
STEP := $(SETUP)/step $(BUILD)/log
START := $(shell date +%s)
QEMU_VERSION := 7.2

# "make modules" builds for the running kernel; if its headers are not installed, as on
# a build host, for the test guest's kernel.
KDIR ?= $(or $(wildcard /lib/modules/$(shell uname -r)/build),$(GUEST_KDIR))
GUEST_KDIR = $(realpath $(BUILD)/guest/headers/build)
MODULES = $(BUILD)/modules/$(notdir $(realpath $(KDIR)))
GUEST_MODULES = $(BUILD)/modules/$(notdir $(realpath $(GUEST_KDIR)))

.NOTPARALLEL:
.DELETE_ON_ERROR:

help:			## list the targets
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 26

demo: setup-demo guest	## boot a VM and validate the device (V=1: verbose)
	@BUILD=$(BUILD) tests/guest/demo $(if $(V),-v) $(START)

demo-mediator: setup-demo guest mediator	## two VMs with a mediator; kill a worker
	@BUILD=$(BUILD) tests/guest/demo-mediator $(START)

shell: setup-demo guest	## open a shell in the same VM
	@BUILD=$(BUILD) tests/guest/vm shell

# Each test's header says what it needs and whether it is slow
check:			## run the fast tests (TESTS=PATH... selects tests)
	@BUILD=$(BUILD) tests/run $(or $(TESTS),fast)

check-slow:		## run the slow tests: QEMU, kernels, DKMS, a Debian VM
	@BUILD=$(BUILD) tests/run slow

check-full: check check-slow check-stress check-mediator check-qemu-compile check-qemu-10.0 check-qemu-10.2	## run fast, slow and stress tests, and newer QEMUs

check-qemu-%: setup-check guest mediator
	@$(MAKE) --no-print-directory -s qemu QEMU_VERSION=$*
	@BUILD=$(BUILD) tests/intree/run-version $*

# TREES: source directories or GIT-REPOSITORY:REVISION, default those of tests/setup/qemus
check-qemu-compile: setup-device	## compile the device with other QEMU sources (TREES=)
	@prove -v --timer -Itests/lib tests/intree/compile.t :: \
	    $(or $(TREES),$$(sed -n 's/^\([0-9][^ ]*\) .*/\1/p' $(SETUP)/qemus | \
	    xargs -n 1 $(SETUP)/qemu-source))

# Migrate to a newer QEMU, and 50 times between processes of one; flip every bit of a
# snapshot, hot-plug 100 times, run DKMS inside the VM, and fuzz for two minutes
check-stress: setup-check guest qemu
	@$(MAKE) --no-print-directory -s qemu QEMU_VERSION=10.0
	@BUILD=$(BUILD) QEMU_VGPU=$(BUILD)/qemu-7.2/qemu-system-x86_64 \
	    MIGRATE_TO=$(BUILD)/qemu-10.0/qemu-system-x86_64 \
	    prove --timer -Itests/lib tests/migration/live.t
	@BUILD=$(BUILD) MIGRATIONS=50 prove --timer -Itests/lib tests/migration/live.t
	@BUILD=$(BUILD) FLIPS=8 ROUNDS=100 prove --timer -Itests/lib \
	    tests/migration/stream.t tests/guest/hotplug.t
	@BUILD=$(BUILD) prove -v --timer -Itests/lib tests/vm/dkms-inside
	@$(MAKE) --no-print-directory -s fuzz-device FUZZ_SECONDS=20

# Kill 1,000 workers and 50 supervisors while four guests work, stop a supervisor, and
# connect many devices at once; measure the shares of four busy guests
check-mediator: setup-check setup-valgrind guest mediator	## kill the mediator's processes under load, measure fairness (15 minutes)
	@BUILD=$(BUILD) prove -v --timer -Itests/lib tests/mediator/kills tests/mediator/fairness \
	    tests/mediator/valgrind

fuzz-device: setup-check	## fuzz the device (FUZZ_SECONDS=, FUZZ_ENTRIES=)
	@$(SETUP)/install-packages qemu fuzz
	@BUILD=$(BUILD) tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ_ENTRIES)

bench-device: setup-check guest qemu	## benchmark the device against edu and pci-testdev
	@BUILD=$(BUILD) perl -Itests/lib tests/bench/device $(BUILD)/qemu-7.2

bench: setup-check guest	## benchmark the driver: load, register access, DKMS build
	@BUILD=$(BUILD) perl -Itests/lib tests/bench/driver

bench-ring: setup-check guest	## time the ring beside virtio, nvme, ivshmem, edu
	@$(SETUP)/install-packages bench
	@BUILD=$(BUILD) perl -Itests/lib tests/bench/ring/run

bench-mediator: setup-check guest mediator	## time the mediator beside vhost-user-blk and the engine in QEMU
	@$(SETUP)/install-packages bench
	@BUILD=$(BUILD) perl -Itests/lib tests/bench/mediator/run

FUZZ_SECONDS ?= 1800

fuzz-probe: setup-check	## fuzz vgpu-probe (FUZZ_SECONDS=, default 30 minutes)
	@$(SETUP)/install-packages fuzz
	@tests/probe/fuzz/run $(BUILD)/fuzz-probe $(FUZZ_SECONDS)

fuzz-mediator: setup-check	## fuzz the mediator (FUZZ_SECONDS=)
	@$(SETUP)/install-packages fuzz mediator
	@tests/mediator/fuzz/run $(BUILD)/fuzz-mediator $(FUZZ_SECONDS)

coverage-probe: setup-check	## show which lines of vgpu-probe the tests run
	@BUILD=$(BUILD) tests/probe/coverage

bench-probe: setup-check guest	## benchmark vgpu-probe against lspci and setpci
	@BUILD=$(BUILD) tests/probe/bench/run

check-pciutils: setup-check tools	## test vgpu-probe with pciutils 3.7 to 3.15
	@BUILD=$(BUILD) tests/probe/pciutils-versions

mutants: setup-check	## check that tests catch injected faults (MUTANTS=REGEX)
	@BUILD=$(BUILD) tests/mutants/run $(if $(MUTANTS),'$(MUTANTS)')

check-matrix: setup-check guest	## run the guest tests on all Debian kernels (KERNELS=)
	@BUILD=$(BUILD) tests/matrix/run $(KERNELS)

# This kernel takes half a minute to parse a firmware table and reports an RCU stall
check-debug: setup-check guest	## run the guest tests on a debug kernel (KASAN, lockdep)
	@BUILD=$(BUILD) tests/guest/build-guest "$$($(SETUP)/build-kernel debug)" \
	    $(BUILD)/guests/debug
	@BUILD=$(BUILD) GUEST=$(BUILD)/guests/debug KERNEL=bzImage \
	    KERNEL_OPTIONS=rcupdate.rcu_cpu_stall_suppress=1 \
	    VM_MEMORY=1024 VM_TIMEOUT=1200 prove --timer -Itests/lib $(or $(TESTS), \
	    $(addprefix tests/guest/,refusals.t lifecycle.t reset.t sysfs.t many.t suspend.t \
	    hotplug.t unplug.t queues.t queues-busy.t queues-suspend.t hostile-device.t library.t \
	    stress.t random-ioctls failing-calls failures))

# libxl starts qemu-system-i386 by default, even for 64-bit guests
XEN_QEMU = env PROGRAMS=qemu-system-i386 $(SETUP)/qemu-in-tree 7.2 \
	--target-list=i386-softmmu --with-default-devices --enable-xen

check-xen: setup-check guest	## run HVM guests on a nested Xen (15 minutes)
	@$(SETUP)/install-packages qemu xen
	@$(STEP)/qemu-xen.log "build QEMU 7.2 for Xen (10 minutes, once)" $(XEN_QEMU)
	@$(STEP)/dom0.log "create dom0's disk (5 minutes, once)" \
	    tests/xen/build-dom0 $(BUILD)/xen
	@BUILD=$(BUILD) prove -v --timer -Itests/lib tests/xen/methods :: \
	    "$$(tail -n 1 $(BUILD)/log/qemu-xen.log)/qemu-system-i386"

check-debian-13: setup-chroot	## run demo and check on a fresh Debian 13 (10 minutes)
	@BUILD=$(BUILD) tests/debian-13/run

# The arm64 guest uses nothing of the target "guest", but the tests' Needs: lines name it
check-arm64: setup-demo setup-arm64 setup-chroot guest	## run guest tests on arm64 (10 minutes)
	@$(STEP)/arm64.log "build the device and a guest for arm64" \
	    tests/arm64/build $(BUILD)/arm64
	@BUILD=$(BUILD) VM_ARCH=aarch64 DEVICE=$(BUILD)/arm64/device \
	    GUEST=$(BUILD)/arm64/guest VM_MEMORY=512 VM_TIMEOUT=900 prove --timer \
	    -Itests/lib $(addprefix tests/guest/,device.t lifecycle.t unplug.t)

check-s390x: setup-demo setup-s390x setup-chroot	## run vgpu-run in a big-endian guest (5 minutes)
	@$(STEP)/s390x.log "build the device and a guest for s390x" \
	    tests/s390x/build $(BUILD)/s390x
	@BUILD=$(BUILD) prove -v --timer -Itests/lib tests/s390x/guest

lint: setup-lint guest	## run the linters and static checks
	@BUILD=$(BUILD) tests/lint/lint

setup: setup-demo	## install the packages that "make demo" needs

setup-demo:
	@$(SETUP)/install-packages device modules tools guest

# The packages that all tests need
setup-check: setup-demo
	@$(SETUP)/install-packages mediator status test probe snapshots libvirt chroot deb

# The packages of one group
setup-%:
	@$(SETUP)/install-packages $*

setup-probe:
	@$(SETUP)/install-packages tools probe

setup-lint: setup-demo
	@$(SETUP)/install-packages test lint

device:			## build the device for the installed QEMU
	@$(SETUP)/check-space 60 $(BUILD)
	@$(STEP)/qemu-source.log "fetch the QEMU source" $(SETUP)/qemu-source
	@$(STEP)/device.log "build the device for the installed QEMU" \
	    qemu-device/preload/build "$$($(SETUP)/qemu-source)" $(BUILD)/device
	@tail -n 1 $(BUILD)/log/device.log

qemu: setup-qemu	## build QEMU with the device in-tree (QEMU_VERSION=10.0)
	@$(STEP)/qemu-$(QEMU_VERSION).log \
	    "build QEMU $(QEMU_VERSION) with the device (10 minutes, once)" \
	    $(SETUP)/qemu-in-tree $(QEMU_VERSION)
	@ln -sfn "$$(tail -n 1 $(BUILD)/log/qemu-$(QEMU_VERSION).log)" \
	    $(BUILD)/qemu-$(QEMU_VERSION)

setup-qemu:
	@$(SETUP)/install-packages device qemu

# Kernels before 6.13 cannot build a module in another directory, so build a copy
modules:		## build the driver for the running kernel, or for KDIR=
	@test -n "$(KDIR)" || { echo "no kernel headers found: install" \
	    "linux-headers-$$(uname -r), or set KDIR= to a kernel's build tree" >&2; \
	    exit 1; }
	@mkdir -p $(MODULES)
	@cp -ru dkms.conf guest-driver include $(MODULES)
	@$(STEP)/modules.log "build the driver for $(notdir $(realpath $(KDIR)))" \
	    $(MAKE) -C $(MODULES)/guest-driver KDIR=$(KDIR)
	@echo "built $(MODULES)/guest-driver/vgpu_stub.ko"

tools:			## build vgpu-probe, vgpu-run and libvgpu-stub
	@$(STEP)/tools.log "build the tools and the library" \
	    $(MAKE) -C guest-tools O=$(BUILD)/tools
	@echo "built $(BUILD)/tools/vgpu-probe and vgpu-run"

mediator: setup-mediator	## build vgpu-mediator
	@$(STEP)/mediator.log "build the mediator" \
	    $(MAKE) -C host-mediator O=$(BUILD)/mediator
	@echo "built $(BUILD)/mediator/vgpu-mediator"

# A separate target, because make expands a whole recipe before it runs the first line
guest-kernel:
	@$(STEP)/kernel.log "fetch the guest kernel" $(SETUP)/guest-kernel
	@mkdir -p $(BUILD)/guest
	@ln -sf "$$($(SETUP)/guest-kernel)"/vmlinux "$$($(SETUP)/guest-kernel)"/bzImage \
	    $(BUILD)/guest
	@ln -sfn "$$($(SETUP)/guest-kernel --headers)" $(BUILD)/guest/headers

guest: device tools guest-kernel	## build the guest that demo, shell and check boot
	@$(MAKE) --no-print-directory -s modules KDIR=$(GUEST_KDIR)
	@$(STEP)/initramfs.log "pack the guest's initramfs" \
	    tests/guest/build-initramfs "$$($(SETUP)/guest-kernel)" \
	    $(GUEST_MODULES)/guest-driver/vgpu_stub.ko \
	    $(BUILD)/tools $(BUILD)/guest/initramfs

# tests/dkms/clang.t builds the driver for this kernel
clang-kernel:
	@$(STEP)/clang-kernel.log "build a kernel with clang (15 minutes, once)" \
	    $(SETUP)/build-kernel clang
	@ln -sfn "$$(tail -n 1 $(BUILD)/log/clang-kernel.log)" $(BUILD)/clang-kernel

# tests/vm boots this disk
debian-vm:
	@$(STEP)/debian-vm.log "create a Debian disk with the driver (5 minutes, once)" \
	    tests/vm/make-disk $(BUILD)/debian-vm --with-driver

dkms-install:		## install the driver with DKMS (KERNEL=)
	@guest-driver/dkms-setup install $(KERNEL)

dkms-remove:		## remove the driver from DKMS
	@guest-driver/dkms-setup remove

deb: setup-deb		## build the Debian packages in build/deb
	@$(STEP)/deb.log "build the Debian packages" debian/build $(BUILD)/deb
	@ls $(BUILD)/deb/*.deb

dist:			## create the release archive in build/dist
	@packaging/source-archive $(BUILD)/dist

install:		## install DKMS source and vgpu-probe (DESTDIR=, PREFIX=)
	$(MAKE) -C guest-driver install
	$(MAKE) -C guest-tools install O=$(BUILD)/tools

uninstall:		## remove what "make install" installed
	$(MAKE) -C guest-driver uninstall
	$(MAKE) -C guest-tools uninstall

install-mediator:	## install vgpu-mediator with its units (DESTDIR=, PREFIX=)
	$(MAKE) -C host-mediator install O=$(BUILD)/mediator

uninstall-mediator:	## remove what "make install-mediator" installed
	$(MAKE) -C host-mediator uninstall

clean:			## remove the build directory
	rm -rf $(CURDIR)/build

distclean: clean	## remove the build directory and the download cache
	@$(SETUP)/remove-cache

# No target is a file
.PHONY: $(shell LC_ALL=C sed -n 's/^\([a-z0-9-]*\):.*/\1/p' $(firstword $(MAKEFILE_LIST)))
