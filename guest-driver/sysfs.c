// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device's registers in sysfs
 *
 * Documentation/ABI/testing/sysfs-driver-vgpu_stub describes the files.
 */
#include <linux/device.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "compat.h"
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

/* What is not a register counts as a bad access when it is read: leave it zero */
static void vgpu_copy_registers(struct vgpu *vgpu, __le32 *to, u32 first, u32 last)
{
	u32 reg;

	for (reg = first; reg <= last; reg += VGPU_STUB_REG_SIZE)
		to[reg / VGPU_STUB_REG_SIZE] = cpu_to_le32(readl(vgpu->regs + reg));
}

static void vgpu_copy_queue_registers(struct vgpu *vgpu, __le32 *to)
{
	u32 count = min_t(u32, readl(vgpu->regs + VGPU_STUB_REG_QUEUES),
			  VGPU_STUB_QUEUES_MAX);
	u32 i, queue;

	vgpu_copy_registers(vgpu, to, VGPU_STUB_REG_CONTROL,
			    VGPU_STUB_REG_EVENTS);
	vgpu_copy_registers(vgpu, to, VGPU_STUB_REG_LIST_MAX,
			    VGPU_STUB_REG_TRANSFER_MAX);
	for (i = 0; i < count; i++) {
		queue = VGPU_STUB_WIN_QUEUE + i * VGPU_STUB_QUEUE_STRIDE;
		vgpu_copy_registers(vgpu, to, queue + VGPU_STUB_QUEUE_CONTROL,
				    queue + VGPU_STUB_QUEUE_INDEX_HI);
	}
}

static int vgpu_copy_all_registers(struct vgpu *vgpu, __le32 *to)
{
	int ret = mutex_lock_killable(&vgpu->lock);

	if (ret)
		return ret;
	vgpu_copy_registers(vgpu, to, VGPU_STUB_REG_MAGIC,
			    VGPU_STUB_REG_FEATURES);
	vgpu_copy_registers(vgpu, to, VGPU_STUB_REG_STATUS,
			    VGPU_STUB_REG_BAD_ACCESS);
	if (readl(vgpu->regs + VGPU_STUB_REG_FEATURES) & VGPU_STUB_FEATURE_QUEUES)
		vgpu_copy_queue_registers(vgpu, to);
	ret = vgpu_check_present(vgpu);
	mutex_unlock(&vgpu->lock);
	return ret;
}

/* The doorbells follow, which cannot be read */
#define VGPU_REGISTERS_SIZE	VGPU_STUB_WIN_DOORBELL

static ssize_t registers_read(struct file *file, struct kobject *kobj,
			      VGPU_BIN_CONST struct bin_attribute *attr,
			      char *buf, loff_t pos, size_t count)
{
	struct vgpu *vgpu = dev_get_drvdata(kobj_to_dev(kobj));
	__le32 *registers = kzalloc(VGPU_REGISTERS_SIZE, GFP_KERNEL);
	ssize_t ret;

	if (!registers)
		return -ENOMEM;
	ret = vgpu_copy_all_registers(vgpu, registers);
	if (!ret)
		ret = memory_read_from_buffer(buf, count, &pos, registers,
					      VGPU_REGISTERS_SIZE);
	kfree(registers);
	return ret;
}

static VGPU_BIN_CONST struct bin_attribute bin_attr_registers =
	__BIN_ATTR(registers, 0400, registers_read, NULL, VGPU_REGISTERS_SIZE);

static struct attribute *vgpu_attrs[] = {
	&dev_attr_version.attr,
	&dev_attr_features.attr,
	&dev_attr_status.attr,
	&dev_attr_scratch.attr,
	&dev_attr_bad_access_count.attr,
	NULL
};

static VGPU_BIN_CONST struct bin_attribute *VGPU_BIN_CONST vgpu_bin_attrs[] = {
	&bin_attr_registers,
	NULL
};

static const struct attribute_group vgpu_group = {
	.name = KBUILD_MODNAME,
	.attrs = vgpu_attrs,
	.bin_attrs = vgpu_bin_attrs,
};

const struct attribute_group *vgpu_groups[] = {
	&vgpu_group,
	NULL
};
