// SPDX-License-Identifier: GPL-2.0-only
/*
 * Completions of a context, and the call that waits for them
 */
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "uring.h"
#include "vgpu.h"

/* Called with the queue's lock held, also in interrupts */
void vgpu_context_done(struct vgpu_context *context,
		       const struct vgpu_request *request, u32 status,
		       u64 result)
{
	struct vgpu_stub_completion done = {
		.user_data = request->user_data,
		.status = status,
		.result = status ? 0 : result,
	};

	spin_lock(&context->done_lock);
	if (request->quiet)
		context->quiet--;
	else
		context->loud--;
	if (request->uring) {
		vgpu_uring_done(request->uring, &done);
	} else if (status || !request->quiet) {
		context->done[context->done_tail++ % VGPU_DEPTH] = done;
		if (context->eventfd)
			vgpu_eventfd_signal(context->eventfd);
	}
	spin_unlock(&context->done_lock);
	wake_up_all(&context->wait);
}

/* The device is gone: whoever waits finds out */
void vgpu_context_leave(struct vgpu_context *context)
{
	spin_lock_irq(&context->done_lock);
	if (context->eventfd)
		vgpu_eventfd_signal(context->eventfd);
	spin_unlock_irq(&context->done_lock);
	wake_up_all(&context->wait);
}

/* Also called with the queue's lock held, in interrupts */
u32 vgpu_context_missing(struct vgpu_context *context, u32 min)
{
	unsigned long flags;
	u32 unread;

	spin_lock_irqsave(&context->done_lock, flags);
	unread = vgpu_unread(context);
	spin_unlock_irqrestore(&context->done_lock, flags);
	return unread < min ? min - unread : 0;
}

static bool vgpu_can_come(struct vgpu_context *context, u32 min)
{
	bool can;

	spin_lock_irq(&context->done_lock);
	can = vgpu_unread(context) + context->loud >= min;
	spin_unlock_irq(&context->done_lock);
	return can;
}

/* -EAGAIN: go on waiting */
static int vgpu_wait_state(struct vgpu_context *context, u32 min)
{
	if (!vgpu_context_missing(context, min))
		return 0;
	if (READ_ONCE(context->vgpu->gone))
		return -ENODEV;
	if (!vgpu_can_come(context, min))
		return -ENODATA;
	return signal_pending(current) ? -ERESTARTNOHAND : -EAGAIN;
}

/* After a signal, timeout is what is left of it, for the call that starts again */
static int vgpu_sleep_until(struct vgpu_context *context, u32 min, s64 *timeout)
{
	ktime_t end = ktime_add_safe(ktime_get(), max_t(s64, *timeout, 0));
	DEFINE_WAIT(entry);
	int ret;

	for (;;) {
		prepare_to_wait(&context->wait, &entry, TASK_INTERRUPTIBLE);
		ret = vgpu_wait_state(context, min);
		if (ret != -EAGAIN)
			break;
		ret = -ETIMEDOUT;
		if (!*timeout ||
		    !schedule_hrtimeout(*timeout < 0 ? NULL : &end, HRTIMER_MODE_ABS))
			break;
	}
	finish_wait(&context->wait, &entry);
	if (ret == -ERESTARTNOHAND && *timeout > 0)
		*timeout = max_t(s64, ktime_sub(end, ktime_get()), 0);
	return ret;
}

static int vgpu_wait_for(struct vgpu_context *context, u32 min, s64 *timeout)
{
	struct vgpu_waiter waiter = { .context = context, .min = min };
	int ret;

	vgpu_queue_reap(context->queue);
	if (!vgpu_context_missing(context, min))
		return 0;
	vgpu_queue_add_waiter(context->queue, &waiter);
	ret = vgpu_sleep_until(context, min, timeout);
	vgpu_queue_del_waiter(context->queue, &waiter);
	vgpu_queue_reap(context->queue);
	return ret;
}

/* What the head has not passed stays as it is: it is read without done_lock */
static int vgpu_copy_completions(struct vgpu_context *context,
				 struct vgpu_stub_wait *args, u32 head, u32 count)
{
	struct vgpu_stub_completion __user *user =
		u64_to_user_ptr(args->completions);
	u32 slot, run;

	while (args->count < count) {
		slot = (head + args->count) % VGPU_DEPTH;
		run = min_t(u32, count - args->count, VGPU_DEPTH - slot);
		if (copy_to_user(&user[args->count], &context->done[slot],
				 run * sizeof(*user)))
			return -EFAULT;
		args->count += run;
	}
	return 0;
}

static int vgpu_read_completions(struct vgpu_context *context,
				 struct vgpu_stub_wait *args)
{
	u32 head, count;
	int ret;

	if (mutex_lock_interruptible(&context->read_lock))
		return -ERESTARTNOHAND;
	spin_lock_irq(&context->done_lock);
	head = context->done_head;
	count = min(vgpu_unread(context), args->max);
	spin_unlock_irq(&context->done_lock);
	ret = vgpu_copy_completions(context, args, head, count);
	spin_lock_irq(&context->done_lock);
	context->done_head += args->count;
	spin_unlock_irq(&context->done_lock);
	mutex_unlock(&context->read_lock);
	/* there is room for commands; and others wait for what is not there any more */
	if (args->count) {
		wake_up_all(&context->wait);
		vgpu_queue_recount(context->queue);
	}
	return ret;
}

int vgpu_call_wait(struct vgpu_context *context, void *data)
{
	struct vgpu_stub_wait *args = data;
	int waited, ret;

	args->count = 0;
	if (args->flags || args->reserved || !args->max ||
	    args->min > args->max || args->max > VGPU_DEPTH ||
	    args->timeout_ns < -1)
		return -EINVAL;
	waited = vgpu_wait_for(context, args->min, &args->timeout_ns);
	if (waited == -ENODATA)
		return waited;
	ret = vgpu_read_completions(context, args);
	if (args->count)
		return 0;
	return ret ? ret : waited;
}
