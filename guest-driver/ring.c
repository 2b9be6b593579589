// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rings of a queue: commands to the device, completions back
 *
 * The specification's chapter "Queues" defines the order of memory accesses. The
 * driver does not trust what the device writes: a completion that cannot be right
 * stops the queue, which is then restarted.
 */
#include <linux/interrupt.h>

#include "compat.h"
#include "vgpu.h"

/* So far ahead that no interrupt is sent */
#define VGPU_NO_EVENT		0x80000000U

/* The specification's formula, for doorbells and interrupts alike */
static bool vgpu_wants(u32 event, u32 old, u32 new)
{
	return new - event - 1 < new - old;
}

static void vgpu_doorbell(struct vgpu_queue *queue)
{
	writel(0, queue->vgpu->regs + VGPU_STUB_WIN_DOORBELL +
	       queue->number * VGPU_STUB_DOORBELL_STRIDE);
}

/* Completions */

static void vgpu_buffer_unuse(struct vgpu_buffer *buffer)
{
	if (buffer && !--buffer->users)
		wake_up_all(&buffer->unused);
}

static void vgpu_sync_done(struct vgpu_sync *sync, u32 status)
{
	sync->status = status;
	WRITE_ONCE(sync->done, true);
}

static void vgpu_unwatch_locked(struct vgpu_context *context)
{
	if (context->watched)
		context->queue->eager--;
	context->watched = false;
}

void vgpu_request_done(struct vgpu_queue *queue, u32 id, u32 status,
		       u64 result)
{
	struct vgpu_request *request = &queue->requests[id];

	if (request->sync) {
		vgpu_sync_done(request->sync, status);
	} else {
		vgpu_unwatch_locked(request->context);
		vgpu_context_done(request->context, request, status, result);
	}
	vgpu_buffer_unuse(request->out);
	vgpu_buffer_unuse(request->in);
	if (request->uring)
		queue->eager--;
	request->busy = false;
	queue->free[queue->free_count++] = id;
	queue->in_flight--;
}

/* Commands in flight end when recover has stopped the queue, not before */
void vgpu_queue_break(struct vgpu_queue *queue)
{
	WRITE_ONCE(queue->running, false);
	queue->broken = true;
	schedule_work(&queue->vgpu->recover);
	wake_up_all(&queue->room);
}

static void vgpu_queue_broken(struct vgpu_queue *queue, const char *what,
			      u32 value)
{
	dev_err_ratelimited(&queue->vgpu->pdev->dev,
			    "queue %u: %s 0x%x; restarting the queue\n",
			    queue->number, what, value);
	vgpu_queue_break(queue);
}

/* The entry is read once: the device may change it at any time */
static bool vgpu_queue_reap_one(struct vgpu_queue *queue)
{
	const struct vgpu_stub_cqe *cqe =
		&queue->cq[queue->cq_head & (queue->size - 1)];
	u32 id = le32_to_cpu(READ_ONCE(cqe->id));
	u16 status = le16_to_cpu(READ_ONCE(cqe->status));
	u64 result = le64_to_cpu(READ_ONCE(cqe->result));

	if (id >= queue->size || !queue->requests[id].busy) {
		vgpu_queue_broken(queue, "completion for a command that is not in flight, id", id);
		return false;
	}
	vgpu_request_done(queue, id, status, result);
	queue->cq_head++;
	return true;
}

/* Read all completions that are there; returns how many */
static u32 vgpu_queue_reap_locked(struct vgpu_queue *queue)
{
	u32 old = queue->cq_head;
	u32 tail;

	if (!queue->running)
		return 0;
	tail = le32_to_cpu(READ_ONCE(queue->index->cq_tail));
	if (tail == old)
		return 0;
	if (tail - old > queue->in_flight) {
		vgpu_queue_broken(queue, "more completions than commands in flight, CQ_TAIL", tail);
		return 0;
	}
	dma_rmb();	/* the entries were written before the tail */
	while (queue->cq_head != tail && vgpu_queue_reap_one(queue))
		;
	/* the entries were read before the device gets them back */
	virt_store_release(&queue->index->cq_head, cpu_to_le32(queue->cq_head));
	wake_up_all(&queue->room);
	return queue->cq_head - old;
}

/* After how many more completions somebody has to be woken; 0: nobody waits */
static u32 vgpu_queue_wanted(struct vgpu_queue *queue)
{
	struct vgpu_waiter *waiter;
	u32 wanted = 0, missing;

	if (queue->eager)
		return 1;
	list_for_each_entry(waiter, &queue->waiters, link) {
		missing = vgpu_context_missing(waiter->context, waiter->min);
		if (missing && (!wanted || missing < wanted))
			wanted = missing;
	}
	return wanted;
}

/*
 * Ask for the interrupt that those who wait now need. Completions that came before
 * the device could see the request are read here. Reading completions elsewhere leaves
 * it as it is: either the interrupt is still to come, or it is on its way.
 */
void vgpu_queue_rearm(struct vgpu_queue *queue)
{
	u32 wanted;

	do {
		if (!queue->running)
			return;
		wanted = vgpu_queue_wanted(queue);
		WRITE_ONCE(queue->index->cq_event,
			   cpu_to_le32(queue->cq_head +
				       (wanted ? wanted - 1 : VGPU_NO_EVENT)));
		mb();	/* either the device sees the event, or we see the completion */
	} while (vgpu_queue_reap_locked(queue));
}

void vgpu_queue_reap(struct vgpu_queue *queue)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	vgpu_queue_reap_locked(queue);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* One more, or one less, who wants an interrupt for every completion */
void vgpu_queue_eager(struct vgpu_queue *queue, int change)
{
	spin_lock_irq(&queue->lock);
	queue->eager += change;
	if (change > 0)
		vgpu_queue_rearm(queue);
	spin_unlock_irq(&queue->lock);
}

/* Until the next completion of @context */
void vgpu_queue_watch(struct vgpu_context *context)
{
	struct vgpu_queue *queue = context->queue;

	spin_lock_irq(&queue->lock);
	if (!context->watched)
		queue->eager++;
	context->watched = true;
	vgpu_queue_rearm(queue);
	spin_unlock_irq(&queue->lock);
}

void vgpu_queue_unwatch(struct vgpu_context *context)
{
	spin_lock_irq(&context->queue->lock);
	vgpu_unwatch_locked(context);
	spin_unlock_irq(&context->queue->lock);
}

void vgpu_queue_add_waiter(struct vgpu_queue *queue, struct vgpu_waiter *waiter)
{
	spin_lock_irq(&queue->lock);
	list_add(&waiter->link, &queue->waiters);
	vgpu_queue_rearm(queue);
	spin_unlock_irq(&queue->lock);
}

/*
 * A waiter of the same context may have been counted on completions that another reader
 * took; without this it would wait for an interrupt that nobody asked for.
 */
void vgpu_queue_recount(struct vgpu_queue *queue)
{
	spin_lock_irq(&queue->lock);
	if (!list_empty(&queue->waiters))
		vgpu_queue_rearm(queue);
	spin_unlock_irq(&queue->lock);
}

void vgpu_queue_del_waiter(struct vgpu_queue *queue, struct vgpu_waiter *waiter)
{
	spin_lock_irq(&queue->lock);
	list_del(&waiter->link);
	spin_unlock_irq(&queue->lock);
}

/* Nothing came: has the device stopped the queue? */
static void vgpu_queue_check(struct vgpu_queue *queue)
{
	u32 status;

	if (!queue->running)
		return;
	status = readl(vgpu_queue_reg(queue, VGPU_STUB_QUEUE_STATUS));
	if ((status & VGPU_STUB_QUEUE_STATE_MASK) != VGPU_STUB_QUEUE_RUNNING)
		vgpu_queue_broken(queue, "stopped by the device, status", status);
}

irqreturn_t vgpu_queue_interrupt(int irq, void *data)
{
	struct vgpu_queue *queue = data;

	spin_lock(&queue->lock);
	if (!vgpu_queue_reap_locked(queue))
		vgpu_queue_check(queue);
	vgpu_queue_rearm(queue);
	spin_unlock(&queue->lock);
	return IRQ_HANDLED;
}

/* Without MSI-X, as long as commands are in flight */
void vgpu_queue_poll(struct timer_list *timer)
{
	struct vgpu_queue *queue = vgpu_timer_container(queue, timer, timer);
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	if (!vgpu_queue_reap_locked(queue))
		vgpu_queue_check(queue);
	if (queue->running && queue->in_flight)
		mod_timer(&queue->timer, jiffies + 1);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* Submissions */

/* SQ_HEAD is the device's: a wrong one can only make the queue look full */
static bool vgpu_queue_has_room(struct vgpu_queue *queue)
{
	u32 head = le32_to_cpu(READ_ONCE(queue->index->sq_head));

	return queue->free_count && queue->sq_tail - head < queue->size;
}

/* Is there room for a command, or is it no use to wait for it? */
bool vgpu_queue_usable(struct vgpu_queue *queue)
{
	bool usable;

	spin_lock_irq(&queue->lock);
	usable = READ_ONCE(queue->vgpu->gone) ||
		 (queue->running && vgpu_queue_has_room(queue));
	spin_unlock_irq(&queue->lock);
	return usable;
}

static void vgpu_request_begin(struct vgpu_queue *queue, u32 id,
			       const struct vgpu_request *request)
{
	queue->requests[id] = *request;
	queue->requests[id].busy = true;
	queue->in_flight++;
	if (request->out)
		request->out->users++;
	if (request->in)
		request->in->users++;
	if (request->uring)
		queue->eager++;
}

static int vgpu_queue_push_locked(struct vgpu_queue *queue,
				  struct vgpu_stub_sqe *sqe,
				  const struct vgpu_request *request)
{
	u32 id;

	if (!queue->running)
		return -ESHUTDOWN;
	if (!vgpu_queue_has_room(queue))
		return -EBUSY;
	id = queue->free[--queue->free_count];
	vgpu_request_begin(queue, id, request);
	sqe->id = cpu_to_le32(id);
	queue->sq[queue->sq_tail++ & (queue->size - 1)] = *sqe;
	return 0;
}

/*
 * Put a command into the ring. The device sees it when vgpu_queue_ring() is called. -EBUSY:
 * the queue is full, -ESHUTDOWN: it does not run, for instance while it is restarted.
 */
int vgpu_queue_push(struct vgpu_queue *queue, struct vgpu_stub_sqe *sqe,
		    const struct vgpu_request *request)
{
	int ret;

	spin_lock_irq(&queue->lock);
	ret = vgpu_queue_push_locked(queue, sqe, request);
	if (ret == -EBUSY && vgpu_queue_reap_locked(queue))
		ret = vgpu_queue_push_locked(queue, sqe, request);
	spin_unlock_irq(&queue->lock);
	return ret;
}

static void vgpu_queue_ring_locked(struct vgpu_queue *queue)
{
	u32 old = queue->sq_rung;

	if (old == queue->sq_tail || !queue->running)
		return;
	queue->sq_rung = queue->sq_tail;
	dma_wmb();	/* the entries before the tail */
	WRITE_ONCE(queue->index->sq_tail, cpu_to_le32(queue->sq_tail));
	mb();	/* either the device sees the tail, or we see its event */
	if (vgpu_wants(le32_to_cpu(READ_ONCE(queue->index->sq_event)), old,
		       queue->sq_tail))
		vgpu_doorbell(queue);
	if (!queue->irq)
		mod_timer(&queue->timer, jiffies + 1);
	else if (queue->eager)	/* a uring command has just become eager */
		vgpu_queue_rearm(queue);
}

void vgpu_queue_ring(struct vgpu_queue *queue)
{
	spin_lock_irq(&queue->lock);
	vgpu_queue_ring_locked(queue);
	spin_unlock_irq(&queue->lock);
}
