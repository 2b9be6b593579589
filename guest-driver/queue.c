// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: create, start and stop them, and run the driver's own commands
 */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/iopoll.h>

#include "compat.h"
#include "vgpu.h"

#define VGPU_QUEUE_SIZE		VGPU_STUB_QUEUE_SIZE_MAX
#define VGPU_STATE_US		1000000		/* the specification's second */
#define VGPU_COMMAND_JIFFIES	(10 * HZ)

static void vgpu_queue_write64(struct vgpu_queue *queue, u32 offset, u64 value)
{
	writel(lower_32_bits(value), vgpu_queue_reg(queue, offset));
	writel(upper_32_bits(value), vgpu_queue_reg(queue, offset + 4));
}

/* The driver's own commands, which it waits for */

static int vgpu_status_error(u32 status)
{
	switch (status) {
	case VGPU_STUB_OK:
		return 0;
	case VGPU_STUB_ERR_SPACE:
		return -ENOSPC;
	default:
		return -EIO;
	}
}

static int vgpu_queue_push_wait(struct vgpu_queue *queue,
				struct vgpu_stub_sqe *sqe,
				const struct vgpu_request *request)
{
	unsigned long end = jiffies + VGPU_COMMAND_JIFFIES;
	int ret;

	for (;;) {
		ret = vgpu_queue_push(queue, sqe, request);
		if (ret != -EBUSY || time_after(jiffies, end))
			return ret;
		/* the device moves SQ_HEAD without an interrupt */
		wait_event_timeout(queue->room, !READ_ONCE(queue->running) ||
				   vgpu_queue_usable(queue), 1);
	}
}

static void vgpu_queue_wait_sync(struct vgpu_queue *queue,
				 struct vgpu_sync *sync)
{
	vgpu_queue_ring(queue);
	if (wait_event_timeout(queue->room, READ_ONCE(sync->done) ||
			       !READ_ONCE(queue->running), VGPU_COMMAND_JIFFIES) &&
	    READ_ONCE(sync->done))
		return;
	vgpu_queue_abort(queue, "a command of the driver did not end");
	/* ends the command, whose request is on the caller's stack */
	vgpu_queue_stop(queue);
}

/* With the gate held. -ENOSPC: the device has no space; -EIO: any other failure */
int vgpu_queue_execute(struct vgpu_queue *queue, struct vgpu_stub_sqe *sqe)
{
	struct vgpu_sync sync = {};
	struct vgpu_request request = { .sync = &sync };
	int ret;

	vgpu_queue_eager(queue, 1);
	ret = vgpu_queue_push_wait(queue, sqe, &request);
	if (!ret)
		vgpu_queue_wait_sync(queue, &sync);
	/* takes the lock that vgpu_request_done() holds: it does not use sync any more */
	vgpu_queue_eager(queue, -1);
	return ret ? -EIO : vgpu_status_error(sync.status);
}

/* Start and stop */

static int vgpu_queue_wait_state(struct vgpu_queue *queue, u32 state)
{
	u32 status;
	int ret;

	ret = readl_poll_timeout(vgpu_queue_reg(queue, VGPU_STUB_QUEUE_STATUS),
				 status,
				 (status & VGPU_STUB_QUEUE_STATE_MASK) == state ||
				 (status & VGPU_STUB_QUEUE_STATE_MASK) ==
				 VGPU_STUB_QUEUE_ERROR,
				 10, VGPU_STATE_US);
	if (!ret && (status & VGPU_STUB_QUEUE_STATE_MASK) == state)
		return 0;
	dev_err(&queue->vgpu->pdev->dev,
		"queue %u: cannot be %s, status 0x%x\n", queue->number,
		state == VGPU_STUB_QUEUE_RUNNING ? "enabled" : "disabled", status);
	return -EIO;
}

static void vgpu_queue_clear(struct vgpu_queue *queue)
{
	memset(queue->index, 0, sizeof(*queue->index));
	queue->sq_tail = 0;
	queue->sq_rung = 0;
	queue->cq_head = 0;
}

/* Vector 0 is for events, which the driver does not use */
static void vgpu_queue_program(struct vgpu_queue *queue)
{
	u32 vector = queue->irq ? queue->number + 1 : VGPU_STUB_VECTOR_NONE;

	writel(queue->size, vgpu_queue_reg(queue, VGPU_STUB_QUEUE_SIZE));
	writel(vector, vgpu_queue_reg(queue, VGPU_STUB_QUEUE_VECTOR));
	vgpu_queue_write64(queue, VGPU_STUB_QUEUE_SQ_LO, queue->sq_dma);
	vgpu_queue_write64(queue, VGPU_STUB_QUEUE_CQ_LO, queue->cq_dma);
	vgpu_queue_write64(queue, VGPU_STUB_QUEUE_INDEX_LO, queue->index_dma);
	writel(VGPU_STUB_QUEUE_ENABLE,
	       vgpu_queue_reg(queue, VGPU_STUB_QUEUE_CONTROL));
}

/* Only when the queue is stopped, and disabled in the device */
int vgpu_queue_start(struct vgpu_queue *queue)
{
	int ret;

	vgpu_queue_clear(queue);
	vgpu_queue_program(queue);
	ret = vgpu_queue_wait_state(queue, VGPU_STUB_QUEUE_RUNNING);
	if (ret)
		return ret;
	spin_lock_irq(&queue->lock);
	queue->broken = false;
	queue->running = true;
	vgpu_queue_rearm(queue);
	spin_unlock_irq(&queue->lock);
	wake_up_all(&queue->room);
	return 0;
}

/* All commands in flight end, with the status that says so */
static void vgpu_queue_fail_all(struct vgpu_queue *queue)
{
	u32 id;

	spin_lock_irq(&queue->lock);
	for (id = 0; id < queue->size; id++)
		if (queue->requests[id].busy)
			vgpu_request_done(queue, id, VGPU_STUB_STATUS_RESET, 0);
	spin_unlock_irq(&queue->lock);
	wake_up_all(&queue->room);
}

/* An error means that the device may still access memory for this queue */
int vgpu_queue_stop(struct vgpu_queue *queue)
{
	int ret = 0;

	vgpu_queue_reap(queue);
	spin_lock_irq(&queue->lock);
	WRITE_ONCE(queue->running, false);
	spin_unlock_irq(&queue->lock);
	vgpu_timer_stop(&queue->timer);
	if (!vgpu_check_present(queue->vgpu)) {
		writel(0, vgpu_queue_reg(queue, VGPU_STUB_QUEUE_CONTROL));
		ret = vgpu_queue_wait_state(queue, VGPU_STUB_QUEUE_DISABLED);
	}
	vgpu_queue_fail_all(queue);
	return ret;
}

/* Have the queue restarted, which ends what is in flight */
void vgpu_queue_abort(struct vgpu_queue *queue, const char *why)
{
	dev_err_ratelimited(&queue->vgpu->pdev->dev,
			    "queue %u: %s; restarting the queue\n",
			    queue->number, why);
	spin_lock_irq(&queue->lock);
	vgpu_queue_break(queue);
	spin_unlock_irq(&queue->lock);
}

static void *vgpu_ring_alloc(struct vgpu_queue *queue, size_t size,
			     dma_addr_t *dma)
{
	return dmam_alloc_coherent(&queue->vgpu->pdev->dev, size, dma,
				   GFP_KERNEL);
}

static int vgpu_queue_alloc(struct vgpu_queue *queue)
{
	u32 i;

	queue->sq = vgpu_ring_alloc(queue, queue->size * sizeof(*queue->sq),
				    &queue->sq_dma);
	queue->cq = vgpu_ring_alloc(queue, queue->size * sizeof(*queue->cq),
				    &queue->cq_dma);
	queue->index = vgpu_ring_alloc(queue, PAGE_SIZE, &queue->index_dma);
	queue->requests = kvcalloc(queue->size, sizeof(*queue->requests),
				   GFP_KERNEL);
	queue->free = kvcalloc(queue->size, sizeof(*queue->free), GFP_KERNEL);
	if (!queue->sq || !queue->cq || !queue->index || !queue->requests ||
	    !queue->free)
		return -ENOMEM;
	for (i = 0; i < queue->size; i++)
		queue->free[i] = i;
	queue->free_count = queue->size;
	return 0;
}

static int vgpu_queue_init(struct vgpu *vgpu, unsigned int number)
{
	struct vgpu_queue *queue = &vgpu->queues[number];
	u32 max = readl(vgpu->regs + VGPU_STUB_REG_QUEUE_SIZE_MAX);
	/* 5.10 warns of a vector that does not exist */
	int irq = vgpu->pdev->msix_enabled ?
		  pci_irq_vector(vgpu->pdev, number + 1) : 0;

	queue->vgpu = vgpu;
	queue->number = number;
	queue->size = rounddown_pow_of_two(clamp_t(u32, max,
						   VGPU_STUB_QUEUE_SIZE_MIN,
						   VGPU_QUEUE_SIZE));
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->waiters);
	init_waitqueue_head(&queue->room);
	timer_setup(&queue->timer, vgpu_queue_poll, 0);
	if (vgpu_queue_alloc(queue))
		return -ENOMEM;
	if (irq <= 0)
		return 0;
	queue->irq = irq;
	return devm_request_irq(&vgpu->pdev->dev, irq, vgpu_queue_interrupt, 0,
				vgpu->name, queue);
}

/* devm frees the rings; open files may keep the rest for longer */
void vgpu_queues_free(struct vgpu *vgpu)
{
	unsigned int i;

	for (i = 0; vgpu->queues && i < vgpu->queue_count; i++) {
		kvfree(vgpu->queues[i].requests);
		kvfree(vgpu->queues[i].free);
	}
	kfree(vgpu->queues);
}

/* A queue for each processor, or as many as the device has */
int vgpu_queues_init(struct vgpu *vgpu)
{
	u32 count = readl(vgpu->regs + VGPU_STUB_REG_QUEUES);
	unsigned int i;
	int ret;

	vgpu->queue_count = min3(count, num_online_cpus(),
				 (u32)VGPU_STUB_QUEUES_MAX);
	if (!vgpu->queue_count)
		return -EIO;
	vgpu->queues = kcalloc(vgpu->queue_count, sizeof(*vgpu->queues),
			       GFP_KERNEL);
	if (!vgpu->queues)
		return -ENOMEM;
	/* one for events, which the driver does not use, and one a queue */
	ret = pci_alloc_irq_vectors(vgpu->pdev, vgpu->queue_count + 1,
				    vgpu->queue_count + 1, PCI_IRQ_MSIX);
	if (ret < 0)
		dev_info(&vgpu->pdev->dev,
			 "no MSI-X: a timer polls for completions\n");
	for (i = 0; i < vgpu->queue_count; i++) {
		ret = vgpu_queue_init(vgpu, i);
		if (ret)
			return ret;
	}
	return 0;
}
