// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stop and start the queues: for resets, sleep, removal, and after errors
 *
 * The gate is held for writing, except in probe, by vgpu_drain() and by vgpu_enter().
 */
#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/sched/signal.h>

#include "vgpu.h"

#define VGPU_RESET_US	1000000	/* CONTROL bit 0 takes less, says the specification */

/* Nothing is asked of the device any more. Everybody who waits for it is woken */
void vgpu_leave(struct vgpu *vgpu)
{
	struct vgpu_context *context;
	unsigned int i;

	WRITE_ONCE(vgpu->gone, true);
	wake_up_all(&vgpu->awake);
	for (i = 0; i < vgpu->queue_count; i++)
		wake_up_all(&vgpu->queues[i].room);
	mutex_lock(&vgpu->contexts_lock);
	list_for_each_entry(context, &vgpu->contexts, link)
		vgpu_context_leave(context);
	mutex_unlock(&vgpu->contexts_lock);
}

static void vgpu_reset_queues(struct vgpu *vgpu)
{
	void __iomem *control = vgpu->regs + VGPU_STUB_REG_CONTROL;
	u32 value;

	writel(VGPU_STUB_CONTROL_RESET, control);
	if (!readl_poll_timeout(control, value,
				!(value & VGPU_STUB_CONTROL_RESET), 10,
				VGPU_RESET_US))
		return;
	dev_err(&vgpu->pdev->dev,
		"the device does not stop: bus mastering is turned off, unbind the driver\n");
	pci_clear_master(vgpu->pdev);
	vgpu_leave(vgpu);
}

/* All commands end, the device forgets all buffers and accesses no memory */
void vgpu_stop(struct vgpu *vgpu)
{
	unsigned int i;

	for (i = 0; i < vgpu->queue_count; i++)
		vgpu_queue_stop(&vgpu->queues[i]);
	if (vgpu->queue_count && !vgpu_check_present(vgpu))
		vgpu_reset_queues(vgpu);
}

int vgpu_start_queues(struct vgpu *vgpu)
{
	struct vgpu_buffer *buffer;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < vgpu->queue_count && !ret; i++)
		ret = vgpu_queue_start(&vgpu->queues[i]);
	list_for_each_entry(buffer, &vgpu->buffers, link)
		if (!ret)
			ret = vgpu_buffer_register(buffer);
	return ret;
}

/* After vgpu_stop(), and after what was done to the device since */
void vgpu_start(struct vgpu *vgpu)
{
	int ret;

	if (vgpu->gone)
		return;
	ret = vgpu_start_queues(vgpu);
	vgpu->forget = false;
	if (!ret)
		return;
	dev_err(&vgpu->pdev->dev,
		"cannot start the queues (%d): unbind the driver and bind it again\n",
		ret);
	vgpu_stop(vgpu);
	vgpu_leave(vgpu);
}

/* In-flight commands get a second to end by themselves */
void vgpu_drain(struct vgpu *vgpu)
{
	unsigned long end = jiffies + HZ;
	unsigned int i;

	for (i = 0; i < vgpu->queue_count; i++) {
		struct vgpu_queue *queue = &vgpu->queues[i];

		do {
			vgpu_queue_reap(queue);
			if (!READ_ONCE(queue->in_flight))
				break;
			fsleep(1000);
		} while (time_before(jiffies, end));
	}
}

/* Until the driver is bound again */
void vgpu_give_up(struct vgpu *vgpu)
{
	down_write(&vgpu->gate);
	vgpu_stop(vgpu);
	vgpu_leave(vgpu);
	up_write(&vgpu->gate);
}

/* Restart the queues that are broken; false: a reset of all of them is needed */
static bool vgpu_restart_broken(struct vgpu *vgpu)
{
	unsigned int i;

	for (i = 0; i < vgpu->queue_count; i++) {
		struct vgpu_queue *queue = &vgpu->queues[i];

		if (queue->broken &&
		    (vgpu_queue_stop(queue) || vgpu_queue_start(queue)))
			return false;
	}
	return true;
}

void vgpu_recover(struct work_struct *work)
{
	struct vgpu *vgpu = container_of(work, struct vgpu, recover);

	down_write(&vgpu->gate);
	if (!vgpu->gone && !vgpu->asleep &&
	    (!vgpu_restart_broken(vgpu) || vgpu->forget)) {
		vgpu_stop(vgpu);
		vgpu_start(vgpu);
	}
	up_write(&vgpu->gate);
}

/* The queues stay stopped until vgpu_wake() */
void vgpu_sleep(struct vgpu *vgpu)
{
	down_write(&vgpu->gate);
	vgpu_stop(vgpu);
	vgpu->asleep = true;
	up_write(&vgpu->gate);
}

void vgpu_wake(struct vgpu *vgpu)
{
	down_write(&vgpu->gate);
	vgpu->asleep = false;
	vgpu_start(vgpu);
	up_write(&vgpu->gate);
	wake_up_all(&vgpu->awake);
}

/* Take the gate for reading when the device is not asleep. It may be gone */
int vgpu_enter(struct vgpu *vgpu)
{
	for (;;) {
		down_read(&vgpu->gate);
		if (!vgpu->asleep || vgpu->gone)
			return 0;
		up_read(&vgpu->gate);
		if (wait_event_interruptible(vgpu->awake,
					     !READ_ONCE(vgpu->asleep) ||
					     READ_ONCE(vgpu->gone)))
			return -ERESTARTNOHAND;
	}
}
