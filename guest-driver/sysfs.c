// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device's registers in sysfs
 *
 * Documentation/ABI/testing/sysfs-driver-vgpu_stub describes the files.
 */
#include <linux/device.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/sysfs.h>

#include "vgpu.h"

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

const struct attribute_group *vgpu_groups[] = {
	&vgpu_group,
	NULL
};
