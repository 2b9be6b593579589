/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that the driver is built for
 */
#ifndef VGPU_COMPAT_H
#define VGPU_COMPAT_H

#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/eventfd.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sysfs.h>
#include <linux/timer.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define vgpu_timer_container	timer_container_of
#else
#define vgpu_timer_container	from_timer
#endif

static inline void vgpu_timer_stop(struct timer_list *timer)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	timer_delete_sync(timer);
#else
	del_timer_sync(timer);
#endif
}

static inline void vgpu_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

static inline void vgpu_vm_flags_set(struct vm_area_struct *vma,
				     unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

/*
 * Before 6.2 a read-only long-term pin does not break copy-on-write: the next write of
 * the user would go to another page than the one that the device reads.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define VGPU_PIN_READ_ONLY	0
#else
#define VGPU_PIN_READ_ONLY	(FOLL_WRITE | FOLL_FORCE)
#endif

/* Before 5.11 a page that is charged to a control group cannot be mapped */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0)
#define VGPU_GFP_MAPPED		GFP_KERNEL_ACCOUNT
#else
#define VGPU_GFP_MAPPED		GFP_KERNEL
#endif

/* sysfs passes binary attributes to their functions as constants from 6.16 on */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define VGPU_BIN_CONST		const
#else
#define VGPU_BIN_CONST
#endif

/*
 * Before 6.10, dma_need_sync() is true for every address that an IOMMU translates. Only
 * parts of pages are bounced there, so what matters is whether caches are coherent.
 */
static inline bool vgpu_never_syncs(struct device *dev)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0) && IS_ENABLED(CONFIG_IOMMU_API)
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type != IOMMU_DOMAIN_IDENTITY &&
	       dev_is_dma_coherent(dev);
#else
	return false;
#endif
}

#endif /* VGPU_COMPAT_H */
