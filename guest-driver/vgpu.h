/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the driver share
 *
 * pci.c binds the device, sysfs.c shows its registers. For a device with queues:
 *
 *   queue.c     creates, starts and stops the queues
 *   ring.c      passes commands to the device and takes completions from it
 *   recover.c   stops and starts all queues: resets, sleep, removal, errors
 *   context.c   the character device and its calls
 *   submit.c    checks and submits commands
 *   complete.c  keeps completions until they are read
 *   buffer.c    memory that the device may access
 *   pages.c     the pages of a buffer
 *   uring.c     commands from io_uring
 *
 * Order of locks: the context's lock, the gate, buffers_lock or contexts_lock; the
 * queue's lock, done_lock.
 */
#ifndef VGPU_H
#define VGPU_H

#include <linux/completion.h>
#include <linux/eventfd.h>
#include <linux/idr.h>
#include <linux/interrupt.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "vgpu_stub.h"
#include "vgpu_stub_queue.h"
#include "uapi/vgpu_stub_ioctl.h"

struct vgpu_context;

/*
 * A bound device. Open files keep it in memory after it was unbound; regs, the
 * rings and everything else that devm releases must not be touched then.
 */
struct vgpu {
	struct kref ref;
	struct pci_dev *pdev;
	void __iomem *regs;	/* BAR0 */
	struct mutex lock;	/* held for a sysfs access and for a reset */

	/*
	 * Held for reading by whoever uses the device, for writing by who stops or
	 * starts it. Nobody holds it while user memory is accessed: a page fault may
	 * last as long as a user likes. Nor while the PCI core resets the device: the
	 * core takes locks there, with which it also calls the error handlers.
	 */
	struct rw_semaphore gate;
	bool gone;		/* unbound, or the device cannot be started again */
	bool asleep;		/* stopped for a reset, or with the machine */
	wait_queue_head_t awake;	/* or gone */

	/* read from the device once; with queues, its limits too */
	u32 version;
	u32 command_sets;
	u32 buffers_max;
	u32 segments_max;	/* of a buffer */
	u32 transfer_max;

	unsigned int queue_count;
	struct vgpu_queue *queues;
	struct work_struct recover;
	bool forget;		/* recover: the device may have a buffer too many */
	atomic_t next_queue;	/* for the next context */

	struct ida handles;	/* of the device's buffers */
	struct mutex buffers_lock;	/* protects the list */
	struct list_head buffers;	/* registered ones */

	struct mutex contexts_lock;	/* protects the list */
	struct list_head contexts;

	struct miscdevice misc;
	int number;		/* of the file's name, or an error */
	char name[24];
};

/* The driver waits for a command of its own */
struct vgpu_sync {
	bool done;
	u32 status;
};

/* A command in flight: of a context, or of the driver itself (sync) */
struct vgpu_request {
	struct vgpu_context *context;
	u64 user_data;
	struct vgpu_buffer *out;
	struct vgpu_buffer *in;
	bool quiet;		/* success leaves no completion to read */
	struct vgpu_sync *sync;
	void *uring;
	bool busy;
};

/* A task that sleeps until a context has min completions to read */
struct vgpu_waiter {
	struct list_head link;
	struct vgpu_context *context;
	u32 min;
};

struct vgpu_queue {
	struct vgpu *vgpu;
	unsigned int number;
	unsigned int size;
	int irq;		/* 0: none, a timer polls */

	struct vgpu_stub_sqe *sq;
	struct vgpu_stub_cqe *cq;
	struct vgpu_stub_index *index;
	dma_addr_t sq_dma, cq_dma, index_dma;

	spinlock_t lock;	/* protects everything below, and the rings */
	bool running;
	bool broken;		/* to be started again by vgpu->recover */
	u32 sq_tail;
	u32 sq_rung;		/* the tail that the device was last told of */
	u32 cq_head;
	unsigned int eager;	/* number of those who want every interrupt */
	struct list_head waiters;
	unsigned int in_flight;
	struct vgpu_request *requests;	/* by the id of the command */
	u32 *free;		/* ids, a stack */
	unsigned int free_count;
	wait_queue_head_t room;	/* or the queue stopped running */
	struct timer_list timer;
};

struct vgpu_buffer {
	struct vgpu *vgpu;
	struct vgpu_context *context;
	struct list_head link;	/* in vgpu->buffers */
	u32 handle;		/* of the user */
	u32 device_handle;
	u32 flags;
	u64 length;
	struct page **pages;
	unsigned long page_count;
	struct sg_table table;
	bool mapped;
	struct mm_struct *mm;	/* that the pages are accounted to */
	unsigned int users;	/* operands in flight; the queue's lock */
	wait_queue_head_t unused;
};

/* Commands that one call to the kernel copies at a time */
#define VGPU_BATCH	16

/* An open file */
struct vgpu_context {
	struct vgpu *vgpu;
	struct list_head link;	/* in vgpu->contexts */
	struct vgpu_queue *queue;
	bool watched;		/* by poll(); the queue's lock */

	struct mutex lock;	/* held by calls that submit or manage buffers */
	struct vgpu_stub_command batch[VGPU_BATCH];
	struct xarray buffers;
	/* held while a buffer is looked up for mmap(), which cannot take lock */
	struct mutex map_lock;

	struct mutex read_lock;	/* of the readers of completions */
	spinlock_t done_lock;	/* protects everything below */
	struct vgpu_stub_completion *done;	/* a ring of VGPU_DEPTH */
	u32 done_head, done_tail;
	u32 loud;		/* commands in flight that will be in it */
	u32 quiet;		/* and those that may be */
	struct eventfd_ctx *eventfd;
	wait_queue_head_t wait;
};

/* Commands of a context, in flight or completed and not read */
#define VGPU_DEPTH	256

static inline u32 vgpu_unread(const struct vgpu_context *context)
{
	return context->done_tail - context->done_head;
}

static inline void __iomem *vgpu_queue_reg(struct vgpu_queue *queue, u32 offset)
{
	return queue->vgpu->regs + VGPU_STUB_WIN_QUEUE +
	       queue->number * VGPU_STUB_QUEUE_STRIDE + offset;
}

/* pci.c */
int vgpu_check_present(struct vgpu *vgpu);
void vgpu_put(struct vgpu *vgpu);

/* recover.c */
void vgpu_leave(struct vgpu *vgpu);
void vgpu_stop(struct vgpu *vgpu);
int vgpu_start_queues(struct vgpu *vgpu);
void vgpu_start(struct vgpu *vgpu);
void vgpu_drain(struct vgpu *vgpu);
void vgpu_give_up(struct vgpu *vgpu);
void vgpu_recover(struct work_struct *work);
void vgpu_sleep(struct vgpu *vgpu);
void vgpu_wake(struct vgpu *vgpu);
int vgpu_enter(struct vgpu *vgpu);

/* sysfs.c */
extern const struct attribute_group *vgpu_groups[];

/* queue.c */
int vgpu_queues_init(struct vgpu *vgpu);
void vgpu_queues_free(struct vgpu *vgpu);
int vgpu_queue_start(struct vgpu_queue *queue);
int vgpu_queue_stop(struct vgpu_queue *queue);
void vgpu_queue_abort(struct vgpu_queue *queue, const char *why);
int vgpu_queue_execute(struct vgpu_queue *queue, struct vgpu_stub_sqe *sqe);

/* ring.c */
irqreturn_t vgpu_queue_interrupt(int irq, void *data);
void vgpu_queue_poll(struct timer_list *timer);
void vgpu_queue_break(struct vgpu_queue *queue);
void vgpu_queue_rearm(struct vgpu_queue *queue);
void vgpu_request_done(struct vgpu_queue *queue, u32 id, u32 status,
		       u64 result);
int vgpu_queue_push(struct vgpu_queue *queue, struct vgpu_stub_sqe *sqe,
		    const struct vgpu_request *request);
void vgpu_queue_ring(struct vgpu_queue *queue);
void vgpu_queue_reap(struct vgpu_queue *queue);
bool vgpu_queue_usable(struct vgpu_queue *queue);
void vgpu_queue_eager(struct vgpu_queue *queue, int change);
void vgpu_queue_watch(struct vgpu_context *context);
void vgpu_queue_unwatch(struct vgpu_context *context);
void vgpu_queue_add_waiter(struct vgpu_queue *queue, struct vgpu_waiter *waiter);
void vgpu_queue_recount(struct vgpu_queue *queue);
void vgpu_queue_del_waiter(struct vgpu_queue *queue, struct vgpu_waiter *waiter);

/* buffer.c */
int vgpu_buffer_create(struct vgpu_context *context,
		       struct vgpu_stub_buffer *args);
int vgpu_buffer_destroy(struct vgpu_context *context, u32 handle);
void vgpu_buffer_free(struct vgpu_buffer *buffer);
int vgpu_buffer_register(struct vgpu_buffer *buffer);
void vgpu_buffer_unmap(struct vgpu_buffer *buffer);
int vgpu_buffer_mmap(struct vgpu_context *context, struct vm_area_struct *vma);

/* pages.c */
int vgpu_buffer_account(struct vgpu_buffer *buffer);
void vgpu_buffer_unaccount(struct vgpu_buffer *buffer);
int vgpu_buffer_get_pages(struct vgpu_buffer *buffer, u64 addr);
void vgpu_buffer_release_pages(struct vgpu_buffer *buffer);

/* context.c */
int vgpu_context_name(struct vgpu *vgpu);
void vgpu_context_unname(struct vgpu *vgpu);
int vgpu_context_init(struct vgpu *vgpu);
void vgpu_context_exit(struct vgpu *vgpu);

/* submit.c */
int vgpu_context_submit(struct vgpu_context *context,
			const struct vgpu_stub_command *command, void *uring);
int vgpu_call_submit(struct vgpu_context *context, void *data);

/* complete.c */
void vgpu_context_done(struct vgpu_context *context,
		       const struct vgpu_request *request, u32 status,
		       u64 result);
void vgpu_context_leave(struct vgpu_context *context);
u32 vgpu_context_missing(struct vgpu_context *context, u32 min);
int vgpu_call_wait(struct vgpu_context *context, void *data);

#endif /* VGPU_H */
