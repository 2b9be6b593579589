// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of a buffer: pinned ones of a program, or the driver's own
 */
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "compat.h"
#include "vgpu.h"

/* Allocate runs of up to 2^ORDER pages, which keeps the device's segments few */
#define VGPU_ORDER_MAX		9
/* Memory that a buffer leaves for what else is allocated meanwhile */
#define VGPU_SPARE_PAGES	(SZ_4M >> PAGE_SHIFT)

int vgpu_buffer_account(struct vgpu_buffer *buffer)
{
	int ret = account_locked_vm(current->mm, buffer->page_count, true);

	if (ret)
		return ret;
	buffer->mm = current->mm;
	mmgrab(buffer->mm);
	return 0;
}

/* Takes the mmap lock of the creator: not with the gate held, nor in mmap() */
void vgpu_buffer_unaccount(struct vgpu_buffer *buffer)
{
	if (!buffer->mm)
		return;
	account_locked_vm(buffer->mm, buffer->page_count, false);
	mmdrop(buffer->mm);
}

static int vgpu_pin_pages(struct vgpu_buffer *buffer, u64 addr)
{
	unsigned int flags = FOLL_LONGTERM |
			     (buffer->flags & VGPU_STUB_BUFFER_DEVICE_WRITE ?
			      FOLL_WRITE : VGPU_PIN_READ_ONLY);
	unsigned long pinned = 0;
	int ret;

	while (pinned < buffer->page_count) {
		ret = pin_user_pages_fast(addr + pinned * PAGE_SIZE,
					  buffer->page_count - pinned, flags,
					  buffer->pages + pinned);
		if (ret <= 0) {
			unpin_user_pages(buffer->pages, pinned);
			return ret ? ret : -EFAULT;
		}
		pinned += ret;
	}
	return 0;
}

static void vgpu_free_pages(struct vgpu_buffer *buffer, unsigned long count)
{
	while (count--)
		__free_page(buffer->pages[count]);
}

/*
 * A run of pages, each with a reference count of its own, as mmap() needs. A program that
 * asks for too much gets an error: no other program is killed for it.
 */
static unsigned long vgpu_alloc_run(struct page **pages, unsigned long count)
{
	unsigned int order = min_t(unsigned int, ilog2(count), VGPU_ORDER_MAX);
	gfp_t gfp = VGPU_GFP_MAPPED | __GFP_ZERO | __GFP_NOWARN;
	struct page *page;
	unsigned long i;

	do {
		page = alloc_pages(gfp | (order ? __GFP_NORETRY :
						  __GFP_RETRY_MAYFAIL), order);
	} while (!page && order--);
	if (!page)
		return 0;
	split_page(page, order);
	for (i = 0; i < 1UL << order; i++)
		pages[i] = page + i;
	return 1UL << order;
}

static int vgpu_alloc_pages(struct vgpu_buffer *buffer)
{
	unsigned long done = 0, run;

	/* before memory is short for all others */
	if (buffer->page_count + VGPU_SPARE_PAGES > si_mem_available())
		return -ENOMEM;
	while (done < buffer->page_count) {
		run = vgpu_alloc_run(buffer->pages + done,
				     buffer->page_count - done);
		if (!run || fatal_signal_pending(current)) {
			vgpu_free_pages(buffer, done + run);
			return -ENOMEM;
		}
		done += run;
	}
	return 0;
}

void vgpu_buffer_release_pages(struct vgpu_buffer *buffer)
{
	bool dirty = buffer->flags & VGPU_STUB_BUFFER_DEVICE_WRITE;

	if (buffer->flags & VGPU_STUB_BUFFER_USER)
		unpin_user_pages_dirty_lock(buffer->pages, buffer->page_count,
					    dirty);
	else
		vgpu_free_pages(buffer, buffer->page_count);
}

int vgpu_buffer_get_pages(struct vgpu_buffer *buffer, u64 addr)
{
	return buffer->flags & VGPU_STUB_BUFFER_USER ?
	       vgpu_pin_pages(buffer, addr) : vgpu_alloc_pages(buffer);
}
