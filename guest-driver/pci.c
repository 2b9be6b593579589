// SPDX-License-Identifier: GPL-2.0-only
/*
 * Driver for the vgpu-stub virtual accelerator
 *
 * Binds the device and makes sure that it is one that this driver knows.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/version.h>

#include "vgpu.h"

/*
 * A function that does not decode BAR0 (unplugged, in D3hot, memory space
 * disabled) answers no read. The magic tells that from a register that happens
 * to hold the same bits.
 */
int vgpu_check_present(struct vgpu *vgpu)
{
	if (readl(vgpu->regs + VGPU_STUB_REG_MAGIC) != VGPU_STUB_MAGIC)
		return -ENODEV;
	return 0;
}

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
static int vgpu_check_identity(struct vgpu *vgpu)
{
	struct device *dev = &vgpu->pdev->dev;
	u32 magic = readl(vgpu->regs + VGPU_STUB_REG_MAGIC);
	u32 version;

	if (magic != VGPU_STUB_MAGIC) {
		dev_err(dev, "magic is 0x%08x, not 0x%08x: not a vgpu-stub\n",
			magic, VGPU_STUB_MAGIC);
		return -ENODEV;
	}
	version = readl(vgpu->regs + VGPU_STUB_REG_VERSION);
	vgpu->version = version;
	if (VGPU_STUB_MAJOR(version) != VGPU_STUB_VERSION_MAJOR) {
		dev_err(dev, "interface version %u.%u, this driver knows %u.x\n",
			VGPU_STUB_MAJOR(version), VGPU_STUB_MINOR(version),
			VGPU_STUB_VERSION_MAJOR);
		return -ENODEV;
	}
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

static void vgpu_release(struct kref *ref)
{
	struct vgpu *vgpu = container_of(ref, struct vgpu, ref);

	vgpu_queues_free(vgpu);
	ida_destroy(&vgpu->handles);
	kfree(vgpu);
}

void vgpu_put(struct vgpu *vgpu)
{
	kref_put(&vgpu->ref, vgpu_release);
}

/* Nothing schedules the work any more, and it does nothing once gone is set */
static void vgpu_put_action(void *data)
{
	struct vgpu *vgpu = data;

	cancel_work_sync(&vgpu->recover);
	/* open files keep the rest, but the next device may have the name */
	if (vgpu->number >= 0)
		vgpu_context_unname(vgpu);
	vgpu_put(vgpu);
}

/* The device's limits, as far as the interface knows them */
static int vgpu_read_limits(struct vgpu *vgpu)
{
	void __iomem *regs = vgpu->regs;

	vgpu->command_sets = readl(regs + VGPU_STUB_REG_COMMAND_SETS);
	vgpu->buffers_max = min_t(u32, readl(regs + VGPU_STUB_REG_BUFFERS_MAX),
				  VGPU_STUB_BUFFERS_MAX);
	vgpu->segments_max = min_t(u32,
				   readl(regs + VGPU_STUB_REG_BUFFER_SEGMENTS_MAX),
				   VGPU_STUB_BUFFER_SEGMENTS_MAX);
	vgpu->transfer_max = min_t(u32, readl(regs + VGPU_STUB_REG_TRANSFER_MAX),
				   VGPU_STUB_TRANSFER_MAX);
	if (vgpu->buffers_max && vgpu->segments_max && vgpu->transfer_max)
		return 0;
	dev_err(&vgpu->pdev->dev, "a limit of the device is 0: buffers %u, segments %u, bytes %u\n",
		vgpu->buffers_max, vgpu->segments_max, vgpu->transfer_max);
	return -ENODEV;
}

static int vgpu_init_queues(struct vgpu *vgpu)
{
	struct pci_dev *pdev = vgpu->pdev;
	int ret;

	ret = vgpu_read_limits(vgpu);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	/* a segment is as long as a buffer may be */
	dma_set_max_seg_size(&pdev->dev, VGPU_STUB_TRANSFER_MAX);
	ret = vgpu_context_name(vgpu);
	if (ret)
		return ret;
	pci_set_master(pdev);
	ret = vgpu_queues_init(vgpu);
	if (ret)
		return ret;
	ret = vgpu_start_queues(vgpu);
	if (ret)
		vgpu_give_up(vgpu);
	return ret;
}

static struct vgpu *vgpu_new(struct pci_dev *pdev)
{
	struct vgpu *vgpu = kzalloc(sizeof(*vgpu), GFP_KERNEL);

	if (!vgpu)
		return NULL;
	kref_init(&vgpu->ref);
	vgpu->pdev = pdev;
	vgpu->number = -1;
	mutex_init(&vgpu->lock);
	init_rwsem(&vgpu->gate);
	init_waitqueue_head(&vgpu->awake);
	INIT_WORK(&vgpu->recover, vgpu_recover);
	ida_init(&vgpu->handles);
	mutex_init(&vgpu->buffers_lock);
	INIT_LIST_HEAD(&vgpu->buffers);
	mutex_init(&vgpu->contexts_lock);
	INIT_LIST_HEAD(&vgpu->contexts);
	return vgpu;
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

	vgpu = vgpu_new(pdev);
	if (!vgpu)
		return -ENOMEM;
	/* runs after everything else of devm, such as freeing the interrupts */
	ret = devm_add_action_or_reset(dev, vgpu_put_action, vgpu);
	if (ret)
		return ret;

	vgpu->regs = vgpu_map_bar(pdev);
	if (IS_ERR(vgpu->regs))
		return PTR_ERR(vgpu->regs);

	ret = vgpu_check_identity(vgpu);
	if (ret)
		return ret;

	if (readl(vgpu->regs + VGPU_STUB_REG_FEATURES) &
	    VGPU_STUB_FEATURE_QUEUES) {
		ret = vgpu_init_queues(vgpu);
		if (ret)
			return ret;
	}

	/* The core adds the sysfs files next, and removes them before regs */
	pci_set_drvdata(pdev, vgpu);
	ret = pci_save_state(pdev);
	if (!ret && vgpu->queue_count)
		ret = vgpu_context_init(vgpu);
	if (ret) {
		vgpu_give_up(vgpu);
		return ret;
	}
	dev_info(dev, "vgpu-stub, interface version %u.%u\n",
		 VGPU_STUB_MAJOR(vgpu->version), VGPU_STUB_MINOR(vgpu->version));
	return 0;
}

static void vgpu_remove(struct pci_dev *pdev)
{
	struct vgpu *vgpu = pci_get_drvdata(pdev);
	struct vgpu_buffer *buffer;

	if (!vgpu->queue_count)
		return;
	vgpu_context_exit(vgpu);
	down_write(&vgpu->gate);
	vgpu_stop(vgpu);
	pci_clear_master(pdev);
	vgpu_leave(vgpu);
	list_for_each_entry(buffer, &vgpu->buffers, link)
		vgpu_buffer_unmap(buffer);
	up_write(&vgpu->gate);
}

/* The PCI core saves configuration space and sees to the power state */
static int __maybe_unused vgpu_suspend(struct device *dev)
{
	struct vgpu *vgpu = dev_get_drvdata(dev);

	vgpu_drain(vgpu);
	vgpu_sleep(vgpu);
	return 0;
}

static int __maybe_unused vgpu_resume(struct device *dev)
{
	vgpu_wake(dev_get_drvdata(dev));
	return 0;
}

static SIMPLE_DEV_PM_OPS(vgpu_pm_ops, vgpu_suspend, vgpu_resume);

/* The device does not decode BAR0 while it is reset: let sysfs files wait */
static void vgpu_reset_prepare(struct pci_dev *pdev)
{
	struct vgpu *vgpu = pci_get_drvdata(pdev);

	vgpu_sleep(vgpu);
	mutex_lock(&vgpu->lock);
}

static void vgpu_reset_done(struct pci_dev *pdev)
{
	struct vgpu *vgpu = pci_get_drvdata(pdev);

	mutex_unlock(&vgpu->lock);
	vgpu_wake(vgpu);
	pci_save_state(pdev);	/* the reset has used up what probe saved */
}

static pci_ers_result_t vgpu_error_detected(struct pci_dev *pdev,
					    pci_channel_state_t state)
{
	switch (state) {
	case pci_channel_io_normal:
		return PCI_ERS_RESULT_CAN_RECOVER;
	case pci_channel_io_frozen:
		vgpu_sleep(pci_get_drvdata(pdev));
		return PCI_ERS_RESULT_NEED_RESET;
	default:
		vgpu_give_up(pci_get_drvdata(pdev));
		return PCI_ERS_RESULT_DISCONNECT;
	}
}

static pci_ers_result_t vgpu_slot_reset(struct pci_dev *pdev)
{
	struct vgpu *vgpu = pci_get_drvdata(pdev);

	pci_restore_state(pdev);
	pci_save_state(pdev);	/* restoring has used it up */
	if (vgpu_check_present(vgpu)) {
		vgpu_give_up(vgpu);
		return PCI_ERS_RESULT_DISCONNECT;
	}
	vgpu_wake(vgpu);
	return PCI_ERS_RESULT_RECOVERED;
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
	.remove = vgpu_remove,
	.err_handler = &vgpu_err_handler,
	.driver.pm = &vgpu_pm_ops,
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
