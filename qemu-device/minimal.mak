# SPDX-License-Identifier: GPL-2.0-or-later
#
# The small QEMU that "make qemu" builds: the machines pc and q35, the devices that
# test guests need, and the devices that vgpu-stub is compared with. vgpu-stub itself
# comes with --enable-vgpu-stub. A QEMU that lacks one of these symbols builds the
# device unconditionally.
CONFIG_I440FX=y
CONFIG_Q35=y
CONFIG_PCIE_PORT=y
CONFIG_PCI_BRIDGE=y
CONFIG_I82801B11=y
CONFIG_CXL=y
CONFIG_CXL_MEM_DEVICE=y
CONFIG_PXB=y
CONFIG_VTD=y
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_BLK=y
CONFIG_VIRTIO_RNG=y
CONFIG_VIRTIO_SERIAL=y
CONFIG_EDU=y
CONFIG_PCI_TESTDEV=y
CONFIG_IVSHMEM_DEVICE=y
CONFIG_ISA_DEBUG=y
