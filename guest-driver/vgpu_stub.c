// SPDX-License-Identifier: GPL-2.0-only
/*
 * Driver for the vgpu-stub virtual accelerator
 *
 * Binds the device, makes sure that it is one that this driver knows and shows
 * its registers in sysfs (Documentation/ABI/testing/sysfs-driver-vgpu_stub).
 */
#include <linux/device.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/version.h>

#include "vgpu_stub.h"

struct vgpu {
	void __iomem *regs;	/* BAR0 */
	struct mutex lock;	/* held for a register access and for a reset */
};

/*
 * A function that does not decode BAR0 (unplugged, in D3hot, memory space
 * disabled) answers no read. The magic tells that from a register that happens
 * to hold the same bits.
 */
static int vgpu_check_present(struct vgpu *vgpu)
{
	if (readl(vgpu->regs + VGPU_STUB_REG_MAGIC) != VGPU_STUB_MAGIC)
		return -ENODEV;
	return 0;
}

static int vgpu_read(struct device *dev, unsigned int reg, u32 *val)
{
	struct vgpu *vgpu = dev_get_drvdata(dev);
	int ret = mutex_lock_killable(&vgpu->lock);

	if (ret)
		return ret;
	*val = readl(vgpu->regs + reg);
	ret = vgpu_check_present(vgpu);
	mutex_unlock(&vgpu->lock);
	return ret;
}

static int vgpu_write(struct device *dev, unsigned int reg, u32 val)
{
	struct vgpu *vgpu = dev_get_drvdata(dev);
	int ret = mutex_lock_killable(&vgpu->lock);

	if (ret)
		return ret;
	writel(val, vgpu->regs + reg);
	ret = vgpu_check_present(vgpu);
	mutex_unlock(&vgpu->lock);
	return ret;
}

static ssize_t version_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	u32 val;
	int ret = vgpu_read(dev, VGPU_STUB_REG_VERSION, &val);

	if (ret)
		return ret;
	return sysfs_emit(buf, "%u.%u\n", VGPU_STUB_MAJOR(val),
			  VGPU_STUB_MINOR(val));
}
static DEVICE_ATTR_RO(version);

static ssize_t vgpu_show_hex(struct device *dev, unsigned int reg, char *buf)
{
	u32 val;
	int ret = vgpu_read(dev, reg, &val);

	return ret ? ret : sysfs_emit(buf, "0x%08x\n", val);
}

static ssize_t features_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	return vgpu_show_hex(dev, VGPU_STUB_REG_FEATURES, buf);
}
static DEVICE_ATTR_RO(features);

static ssize_t status_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	return vgpu_show_hex(dev, VGPU_STUB_REG_STATUS, buf);
}
static DEVICE_ATTR_RO(status);

static ssize_t scratch_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	return vgpu_show_hex(dev, VGPU_STUB_REG_SCRATCH, buf);
}

static ssize_t scratch_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	u32 val;
	int ret = kstrtou32(buf, 0, &val);

	if (ret)
		return ret;
	ret = vgpu_write(dev, VGPU_STUB_REG_SCRATCH, val);
	return ret ? ret : count;
}
static DEVICE_ATTR_RW(scratch);

static ssize_t bad_access_count_show(struct device *dev,
				     struct device_attribute *attr, char *buf)
{
	u32 val;
	int ret = vgpu_read(dev, VGPU_STUB_REG_BAD_ACCESS, &val);

	return ret ? ret : sysfs_emit(buf, "%u\n", val);
}
static DEVICE_ATTR_RO(bad_access_count);

static struct attribute *vgpu_attrs[] = {
	&dev_attr_version.attr,
	&dev_attr_features.attr,
	&dev_attr_status.attr,
	&dev_attr_scratch.attr,
	&dev_attr_bad_access_count.attr,
	NULL
};

static const struct attribute_group vgpu_group = {
	.name = KBUILD_MODNAME,
	.attrs = vgpu_attrs,
};
__ATTRIBUTE_GROUPS(vgpu);

/* Before anything is mapped: is BAR0 what the specification says? */
static int vgpu_check_bar(struct pci_dev *pdev)
{
	if (!(pci_resource_flags(pdev, 0) & IORESOURCE_MEM)) {
		dev_err(&pdev->dev, "BAR0 is not memory: %pR\n",
			&pdev->resource[0]);
		return -ENODEV;
	}
	if (pci_resource_len(pdev, 0) < VGPU_STUB_BAR0_SIZE) {
		dev_err(&pdev->dev, "BAR0 is smaller than %#x bytes: %pR\n",
			VGPU_STUB_BAR0_SIZE, &pdev->resource[0]);
		return -ENODEV;
	}
	return 0;
}

/* Before anything else is used: is it our device, of a version we know? */
static int vgpu_check_identity(struct device *dev, void __iomem *regs)
{
	u32 magic = readl(regs + VGPU_STUB_REG_MAGIC);
	u32 version;

	if (magic != VGPU_STUB_MAGIC) {
		dev_err(dev, "magic is 0x%08x, not 0x%08x: not a vgpu-stub\n",
			magic, VGPU_STUB_MAGIC);
		return -ENODEV;
	}
	version = readl(regs + VGPU_STUB_REG_VERSION);
	if (VGPU_STUB_MAJOR(version) != VGPU_STUB_VERSION_MAJOR) {
		dev_err(dev, "interface version %u.%u, this driver knows %u.x\n",
			VGPU_STUB_MAJOR(version), VGPU_STUB_MINOR(version),
			VGPU_STUB_VERSION_MAJOR);
		return -ENODEV;
	}
	dev_info(dev, "vgpu-stub, interface version %u.%u\n",
		 VGPU_STUB_MAJOR(version), VGPU_STUB_MINOR(version));
	return 0;
}

/* The claim is what /proc/iomem shows; both end when the driver is unbound */
static void __iomem *vgpu_map_bar(struct pci_dev *pdev)
{
	resource_size_t start = pci_resource_start(pdev, 0);
	resource_size_t len = pci_resource_len(pdev, 0);
	void __iomem *regs;

	if (!devm_request_mem_region(&pdev->dev, start, len, KBUILD_MODNAME)) {
		dev_err(&pdev->dev, "BAR0 is in use by another driver: %pR\n",
			&pdev->resource[0]);
		return IOMEM_ERR_PTR(-EBUSY);
	}
	regs = devm_ioremap(&pdev->dev, start, len);
	return regs ? regs : IOMEM_ERR_PTR(-ENOMEM);
}

static int vgpu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct device *dev = &pdev->dev;
	struct vgpu *vgpu;
	int ret;

	ret = vgpu_check_bar(pdev);
	if (ret)
		return ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;

	vgpu = devm_kzalloc(dev, sizeof(*vgpu), GFP_KERNEL);
	if (!vgpu)
		return -ENOMEM;
	mutex_init(&vgpu->lock);

	vgpu->regs = vgpu_map_bar(pdev);
	if (IS_ERR(vgpu->regs))
		return PTR_ERR(vgpu->regs);

	ret = vgpu_check_identity(dev, vgpu->regs);
	if (ret)
		return ret;

	/* The core adds the sysfs files next, and removes them before regs */
	pci_set_drvdata(pdev, vgpu);
	return pci_save_state(pdev);
}

/* The device does not decode BAR0 while it is reset: let sysfs files wait */
static void vgpu_reset_prepare(struct pci_dev *pdev)
{
	struct vgpu *vgpu = pci_get_drvdata(pdev);

	mutex_lock(&vgpu->lock);
}

static void vgpu_reset_done(struct pci_dev *pdev)
{
	struct vgpu *vgpu = pci_get_drvdata(pdev);

	mutex_unlock(&vgpu->lock);
	pci_save_state(pdev);	/* the reset has used up what probe saved */
}

static pci_ers_result_t vgpu_error_detected(struct pci_dev *pdev,
					    pci_channel_state_t state)
{
	switch (state) {
	case pci_channel_io_normal:
		return PCI_ERS_RESULT_CAN_RECOVER;
	case pci_channel_io_frozen:
		return PCI_ERS_RESULT_NEED_RESET;
	default:
		return PCI_ERS_RESULT_DISCONNECT;
	}
}

static pci_ers_result_t vgpu_slot_reset(struct pci_dev *pdev)
{
	pci_restore_state(pdev);
	pci_save_state(pdev);	/* restoring has used it up */
	return vgpu_check_present(pci_get_drvdata(pdev)) ?
	       PCI_ERS_RESULT_DISCONNECT : PCI_ERS_RESULT_RECOVERED;
}

static const struct pci_error_handlers vgpu_err_handler = {
	.error_detected = vgpu_error_detected,
	.slot_reset = vgpu_slot_reset,
	.reset_prepare = vgpu_reset_prepare,
	.reset_done = vgpu_reset_done,
};

static const struct pci_device_id vgpu_ids[] = {
	{ PCI_DEVICE(VGPU_STUB_VENDOR_ID, VGPU_STUB_DEVICE_ID) },
	{ }
};
MODULE_DEVICE_TABLE(pci, vgpu_ids);

static struct pci_driver vgpu_driver = {
	.name = KBUILD_MODNAME,
	.id_table = vgpu_ids,
	.probe = vgpu_probe,
	.err_handler = &vgpu_err_handler,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0)
	.dev_groups = vgpu_groups,
#else /* struct pci_driver has no such field */
	.driver.dev_groups = vgpu_groups,
#endif
};
module_pci_driver(vgpu_driver);

MODULE_DESCRIPTION("vgpu-stub virtual accelerator");
MODULE_AUTHOR("The vgpu-stub authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(VGPU_DRIVER_VERSION);
