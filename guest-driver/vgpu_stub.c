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
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "vgpu_stub.h"

struct vgpu {
	void __iomem *regs;	/* BAR0 */
};

/*
 * A function that is gone (unplugged, or put into D3hot behind the driver's
 * back) answers no read. The magic tells that from a register that happens to
 * hold the same bits.
 */
static int vgpu_check_present(void __iomem *regs)
{
	if (readl(regs + VGPU_STUB_REG_MAGIC) != VGPU_STUB_MAGIC)
		return -ENODEV;
	return 0;
}

static int vgpu_read(struct device *dev, unsigned int reg, u32 *val)
{
	struct vgpu *vgpu = dev_get_drvdata(dev);

	*val = readl(vgpu->regs + reg);
	return vgpu_check_present(vgpu->regs);
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
	struct vgpu *vgpu = dev_get_drvdata(dev);
	u32 val;
	int ret = kstrtou32(buf, 0, &val);

	if (ret)
		return ret;
	writel(val, vgpu->regs + VGPU_STUB_REG_SCRATCH);
	ret = vgpu_check_present(vgpu->regs);
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

	vgpu->regs = devm_ioremap_resource(dev, &pdev->resource[0]);
	if (IS_ERR(vgpu->regs))
		return PTR_ERR(vgpu->regs);

	ret = vgpu_check_identity(dev, vgpu->regs);
	if (ret)
		return ret;

	dev_set_drvdata(dev, vgpu);
	/* last, so that no file can be opened before what it needs is there */
	return devm_device_add_group(dev, &vgpu_group);
}

static const struct pci_device_id vgpu_ids[] = {
	{ PCI_DEVICE(VGPU_STUB_VENDOR_ID, VGPU_STUB_DEVICE_ID) },
	{ }
};
MODULE_DEVICE_TABLE(pci, vgpu_ids);

static struct pci_driver vgpu_driver = {
	.name = KBUILD_MODNAME,
	.id_table = vgpu_ids,
	.probe = vgpu_probe,
};
module_pci_driver(vgpu_driver);

MODULE_DESCRIPTION("vgpu-stub virtual accelerator");
MODULE_AUTHOR("The vgpu-stub authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(VGPU_DRIVER_VERSION);
