// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers of a context: pages that the device may access
 *
 * They are registered with the device once. Commands name them by a handle that is
 * valid in their context only.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "vgpu.h"

#define VGPU_BUFFER_FLAGS	(VGPU_STUB_BUFFER_USER | \
				 VGPU_STUB_BUFFER_DEVICE_READ | \
				 VGPU_STUB_BUFFER_DEVICE_WRITE)

/* mmap_offset of a buffer: no buffer is longer than TRANSFER_MAX */
#define VGPU_MMAP_SHIFT		30

static enum dma_data_direction vgpu_direction(const struct vgpu_buffer *buffer)
{
	switch (buffer->flags & ~VGPU_STUB_BUFFER_USER) {
	case VGPU_STUB_BUFFER_DEVICE_READ:
		return DMA_TO_DEVICE;
	case VGPU_STUB_BUFFER_DEVICE_WRITE:
		return DMA_FROM_DEVICE;
	default:
		return DMA_BIDIRECTIONAL;
	}
}

/* Registering */

static void vgpu_fill_segments(struct vgpu_buffer *buffer,
			       struct vgpu_stub_segment *segments)
{
	struct scatterlist *sg;
	int i;

	for_each_sgtable_dma_sg(&buffer->table, sg, i) {
		segments[i].addr = cpu_to_le64(sg_dma_address(sg));
		segments[i].len = cpu_to_le32(sg_dma_len(sg));
		segments[i].reserved = 0;
	}
}

static void vgpu_register_sqe(struct vgpu_buffer *buffer,
			      struct vgpu_stub_sqe *sqe, dma_addr_t segments,
			      u32 len)
{
	u64 arg = buffer->device_handle;

	if (buffer->flags & VGPU_STUB_BUFFER_DEVICE_READ)
		arg |= VGPU_STUB_BUFFER_READ;
	if (buffer->flags & VGPU_STUB_BUFFER_DEVICE_WRITE)
		arg |= VGPU_STUB_BUFFER_WRITE;
	sqe->opcode = cpu_to_le16(VGPU_STUB_OP_REGISTER);
	sqe->arg = cpu_to_le64(arg);
	sqe->out.addr = cpu_to_le64(segments);
	sqe->out.len = cpu_to_le32(len);
	sqe->out.type = VGPU_STUB_DESC_DIRECT;
}

/* Also after a reset, which made the device forget it */
int vgpu_buffer_register(struct vgpu_buffer *buffer)
{
	struct device *dev = &buffer->vgpu->pdev->dev;
	u32 len = buffer->table.nents * sizeof(struct vgpu_stub_segment);
	struct vgpu_stub_sqe sqe = {};
	struct vgpu_stub_segment *segments;
	dma_addr_t dma;
	int ret;

	segments = dma_alloc_coherent(dev, len, &dma, GFP_KERNEL);
	if (!segments)
		return -ENOMEM;
	vgpu_fill_segments(buffer, segments);
	vgpu_register_sqe(buffer, &sqe, dma, len);
	ret = vgpu_queue_execute(buffer->context->queue, &sqe);
	dma_free_coherent(dev, len, segments, dma);
	return ret;
}

static int vgpu_buffer_unregister(struct vgpu_buffer *buffer)
{
	struct vgpu_stub_sqe sqe = {
		.opcode = cpu_to_le16(VGPU_STUB_OP_UNREGISTER),
		.arg = cpu_to_le64(buffer->device_handle),
	};

	return vgpu_queue_execute(buffer->context->queue, &sqe);
}

/* The device may have a buffer that the driver does not: a reset makes it forget */
static void vgpu_forget_all(struct vgpu *vgpu)
{
	WRITE_ONCE(vgpu->forget, true);
	schedule_work(&vgpu->recover);
}

/* Mapping */

/*
 * vgpu_check_mapping() refuses what would need synchronizing. Without the attribute,
 * buffers of a program that share pages are an error to the kernel's DMA debugging. It
 * still warns, once, of the eighth mapping of a page, because it cannot count further.
 */
#define VGPU_MAP_ATTRS	DMA_ATTR_SKIP_CPU_SYNC

static void vgpu_buffer_unmap_table(struct vgpu_buffer *buffer)
{
	dma_unmap_sgtable(&buffer->vgpu->pdev->dev, &buffer->table,
			  vgpu_direction(buffer), VGPU_MAP_ATTRS);
	sg_free_table(&buffer->table);
}

/*
 * Buffers stay mapped while both sides use them. That excludes bounce buffers, of
 * guests with encrypted memory for instance, and caches that are not coherent.
 */
static int vgpu_check_mapping(struct vgpu_buffer *buffer)
{
	struct device *dev = &buffer->vgpu->pdev->dev;
	struct scatterlist *sg;
	int i;

	if (buffer->table.nents > buffer->vgpu->segments_max)
		return -ENOSPC;
	if (vgpu_never_syncs(dev))
		return 0;
	for_each_sgtable_dma_sg(&buffer->table, sg, i)
		if (dma_need_sync(dev, sg_dma_address(sg)))
			return -EOPNOTSUPP;
	return 0;
}

static int vgpu_buffer_map(struct vgpu_buffer *buffer)
{
	struct device *dev = &buffer->vgpu->pdev->dev;
	int ret;

	ret = sg_alloc_table_from_pages(&buffer->table, buffer->pages,
					buffer->page_count, 0, buffer->length,
					GFP_KERNEL);
	if (ret)
		return ret;
	ret = dma_map_sgtable(dev, &buffer->table, vgpu_direction(buffer),
			      VGPU_MAP_ATTRS);
	if (ret) {
		sg_free_table(&buffer->table);
		return ret;
	}
	ret = vgpu_check_mapping(buffer);
	if (ret)
		vgpu_buffer_unmap_table(buffer);
	buffer->mapped = !ret;
	return ret;
}

/* The device does not access it any more. remove() comes before the last close() */
void vgpu_buffer_unmap(struct vgpu_buffer *buffer)
{
	if (buffer->mapped)
		vgpu_buffer_unmap_table(buffer);
	buffer->mapped = false;
}

/* Create and destroy */

static bool vgpu_addr_is_good(const struct vgpu_stub_buffer *args)
{
	if (!(args->flags & VGPU_STUB_BUFFER_USER))
		return !args->addr;
	return !(args->addr & ~PAGE_MASK) &&
	       args->addr + args->length >= args->addr;
}

static int vgpu_check_args(const struct vgpu_context *context,
			   const struct vgpu_stub_buffer *args)
{
	if (args->flags & ~VGPU_BUFFER_FLAGS ||
	    !(args->flags & ~VGPU_STUB_BUFFER_USER) || args->reserved)
		return -EINVAL;
	if (!args->length || args->length & ~PAGE_MASK ||
	    args->length > context->vgpu->transfer_max)
		return -EINVAL;
	return vgpu_addr_is_good(args) ? 0 : -EINVAL;
}

static struct vgpu_buffer *vgpu_buffer_new(struct vgpu_context *context,
					   const struct vgpu_stub_buffer *args)
{
	struct vgpu_buffer *buffer = kzalloc(sizeof(*buffer),
					     GFP_KERNEL_ACCOUNT);

	if (!buffer)
		return NULL;
	buffer->vgpu = context->vgpu;
	buffer->context = context;
	buffer->flags = args->flags;
	buffer->length = args->length;
	buffer->page_count = args->length >> PAGE_SHIFT;
	INIT_LIST_HEAD(&buffer->link);
	init_waitqueue_head(&buffer->unused);
	buffer->pages = kvcalloc(buffer->page_count, sizeof(*buffer->pages),
				 GFP_KERNEL_ACCOUNT);
	if (!buffer->pages) {
		kfree(buffer);
		return NULL;
	}
	return buffer;
}

static void vgpu_buffer_delete(struct vgpu_buffer *buffer)
{
	vgpu_buffer_unaccount(buffer);
	kvfree(buffer->pages);
	kfree(buffer);
}

static int vgpu_buffer_publish(struct vgpu_buffer *buffer)
{
	struct vgpu *vgpu = buffer->vgpu;
	int ret;

	ret = ida_alloc_max(&vgpu->handles, vgpu->buffers_max - 1, GFP_KERNEL);
	if (ret < 0)
		return ret;
	buffer->device_handle = ret;
	ret = vgpu_buffer_register(buffer);
	if (ret)
		goto free_handle;
	ret = xa_alloc(&buffer->context->buffers, &buffer->handle, buffer,
		       XA_LIMIT(1, VGPU_STUB_BUFFERS_MAX), GFP_KERNEL);
	if (ret)
		goto unregister;
	mutex_lock(&vgpu->buffers_lock);
	list_add(&buffer->link, &vgpu->buffers);
	mutex_unlock(&vgpu->buffers_lock);
	return 0;

unregister:
	if (vgpu_buffer_unregister(buffer))
		ret = -EIO;
free_handle:
	if (ret == -EIO)
		vgpu_forget_all(vgpu);
	ida_free(&vgpu->handles, buffer->device_handle);
	return ret;
}

/* With the gate held */
static int vgpu_buffer_attach(struct vgpu_buffer *buffer)
{
	int ret;

	if (buffer->vgpu->gone)
		return -ENODEV;
	ret = vgpu_buffer_map(buffer);
	if (ret)
		return ret;
	ret = vgpu_buffer_publish(buffer);
	if (ret)
		vgpu_buffer_unmap(buffer);
	return ret;
}

static void vgpu_buffer_detach(struct vgpu_buffer *buffer)
{
	struct vgpu *vgpu = buffer->vgpu;

	if (!vgpu->gone && vgpu_buffer_unregister(buffer))
		vgpu_forget_all(vgpu);
	mutex_lock(&vgpu->buffers_lock);
	list_del(&buffer->link);
	mutex_unlock(&vgpu->buffers_lock);
	vgpu_buffer_unmap(buffer);
	ida_free(&vgpu->handles, buffer->device_handle);
}

/* With the context's lock held */
int vgpu_buffer_create(struct vgpu_context *context,
		       struct vgpu_stub_buffer *args)
{
	struct vgpu_buffer *buffer;
	int ret = vgpu_check_args(context, args);

	if (ret)
		return ret;
	buffer = vgpu_buffer_new(context, args);
	if (!buffer)
		return -ENOMEM;
	ret = vgpu_buffer_account(buffer);
	if (ret)
		goto delete;
	ret = vgpu_buffer_get_pages(buffer, args->addr);
	if (ret)
		goto delete;
	ret = vgpu_enter(buffer->vgpu);
	if (ret)
		goto release;
	ret = vgpu_buffer_attach(buffer);
	up_read(&buffer->vgpu->gate);
	if (ret)
		goto release;
	args->handle = buffer->handle;
	if (!(args->flags & VGPU_STUB_BUFFER_USER))
		args->mmap_offset = (u64)buffer->handle << VGPU_MMAP_SHIFT;
	return 0;

release:
	vgpu_buffer_release_pages(buffer);
delete:
	vgpu_buffer_delete(buffer);
	return ret;
}

/* No command uses it, and nobody finds it any more */
void vgpu_buffer_free(struct vgpu_buffer *buffer)
{
	down_read(&buffer->vgpu->gate);
	vgpu_buffer_detach(buffer);
	up_read(&buffer->vgpu->gate);
	vgpu_buffer_release_pages(buffer);
	vgpu_buffer_delete(buffer);
}

/* Takes the lock that vgpu_request_done() holds: it does not use the buffer any more */
static bool vgpu_buffer_is_unused(struct vgpu_buffer *buffer)
{
	bool unused;

	spin_lock_irq(&buffer->context->queue->lock);
	unused = !buffer->users;
	spin_unlock_irq(&buffer->context->queue->lock);
	return unused;
}

/* With the context's lock held, so that no command begins to use it */
int vgpu_buffer_destroy(struct vgpu_context *context, u32 handle)
{
	struct vgpu_buffer *buffer = xa_load(&context->buffers, handle);
	int ret;

	if (!buffer)
		return -ENOENT;
	vgpu_queue_eager(context->queue, 1);
	ret = wait_event_interruptible(buffer->unused,
				       vgpu_buffer_is_unused(buffer));
	vgpu_queue_eager(context->queue, -1);
	if (ret)
		return -ERESTARTNOHAND;
	mutex_lock(&context->map_lock);
	xa_erase(&context->buffers, handle);
	mutex_unlock(&context->map_lock);
	vgpu_buffer_free(buffer);
	return 0;
}

static int vgpu_buffer_insert(struct vgpu_buffer *buffer,
			      struct vm_area_struct *vma)
{
	if (buffer->flags & VGPU_STUB_BUFFER_USER ||
	    vma_pages(vma) > buffer->page_count)
		return -EINVAL;
	vgpu_vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	/* each page of the mapping gets a reference to the buffer's page */
	return vm_map_pages_zero(vma, buffer->pages, buffer->page_count);
}

/*
 * Called with the mmap lock held, which page faults and accounting take with the context's
 * lock held: so not that lock, but one under which nothing faults.
 */
int vgpu_buffer_mmap(struct vgpu_context *context, struct vm_area_struct *vma)
{
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	struct vgpu_buffer *buffer;
	int ret = -EINVAL;

	/* a private mapping would keep what is written to it from the device */
	if (offset & ((1ULL << VGPU_MMAP_SHIFT) - 1) ||
	    !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	mutex_lock(&context->map_lock);
	buffer = xa_load(&context->buffers, offset >> VGPU_MMAP_SHIFT);
	if (buffer)
		ret = vgpu_buffer_insert(buffer, vma);
	mutex_unlock(&context->map_lock);
	return ret;
}
