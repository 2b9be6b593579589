// SPDX-License-Identifier: GPL-2.0-only
/*
 * The call that submits commands
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "vgpu.h"

/* A place among the completions for a command that is going to be submitted */
static bool vgpu_reserve(struct vgpu_context *context, bool quiet)
{
	bool reserved;

	spin_lock_irq(&context->done_lock);
	reserved = vgpu_unread(context) + context->loud + context->quiet <
		   VGPU_DEPTH;
	if (reserved && quiet)
		context->quiet++;
	else if (reserved)
		context->loud++;
	spin_unlock_irq(&context->done_lock);
	return reserved;
}

static void vgpu_unreserve(struct vgpu_context *context, bool quiet)
{
	spin_lock_irq(&context->done_lock);
	if (quiet)
		context->quiet--;
	else
		context->loud--;
	spin_unlock_irq(&context->done_lock);
}

static int vgpu_use_operand(struct vgpu_context *context,
			    const struct vgpu_stub_operand *operand,
			    u32 direction, struct vgpu_buffer **buffer,
			    struct vgpu_stub_desc *desc)
{
	if (operand->reserved)
		return -EINVAL;
	if (!operand->handle)
		return operand->offset || operand->length ? -EINVAL : 0;
	*buffer = xa_load(&context->buffers, operand->handle);
	if (!*buffer)
		return -ENOENT;
	if (operand->offset > (*buffer)->length ||
	    operand->length > (*buffer)->length - operand->offset ||
	    operand->length > context->vgpu->transfer_max)
		return -ERANGE;
	if (!((*buffer)->flags & direction))
		return -EACCES;
	desc->addr = cpu_to_le64(operand->offset);
	desc->len = cpu_to_le32(operand->length);
	desc->number = cpu_to_le16((*buffer)->device_handle);
	desc->type = VGPU_STUB_DESC_BUFFER;
	return 0;
}

/*
 * The entry that the device gets. Commands that manage buffers are the driver's. Quiet
 * commands complete like the others: the driver has to know when their buffers are
 * not in use any more.
 */
static int vgpu_translate(struct vgpu_context *context,
			  const struct vgpu_stub_command *command,
			  struct vgpu_request *request,
			  struct vgpu_stub_sqe *sqe)
{
	int ret;

	if (command->reserved ||
	    command->flags & ~(VGPU_STUB_COMMAND_QUIET |
			       VGPU_STUB_COMMAND_BARRIER) ||
	    command->opcode >> 8 == VGPU_STUB_SET_BUFFER)
		return -EINVAL;
	sqe->opcode = cpu_to_le16(command->opcode);
	sqe->arg = cpu_to_le64(command->arg);
	if (command->flags & VGPU_STUB_COMMAND_BARRIER)
		sqe->flags = cpu_to_le16(VGPU_STUB_SQE_BARRIER);
	request->user_data = command->user_data;
	request->quiet = request->uring ||
			 command->flags & VGPU_STUB_COMMAND_QUIET;
	ret = vgpu_use_operand(context, &command->out,
			       VGPU_STUB_BUFFER_DEVICE_READ, &request->out,
			       &sqe->out);
	if (ret)
		return ret;
	return vgpu_use_operand(context, &command->in,
				VGPU_STUB_BUFFER_DEVICE_WRITE, &request->in,
				&sqe->in);
}

static int vgpu_push(struct vgpu_context *context, struct vgpu_stub_sqe *sqe,
		     const struct vgpu_request *request)
{
	int ret;

	if (!vgpu_reserve(context, request->quiet)) {
		vgpu_queue_reap(context->queue);
		if (!vgpu_reserve(context, request->quiet))
			return -EAGAIN;
	}
	ret = vgpu_queue_push(context->queue, sqe, request);
	if (ret)
		vgpu_unreserve(context, request->quiet);
	return ret;
}

/* With the context's lock and the gate held. uring: who waits, or NULL */
int vgpu_context_submit(struct vgpu_context *context,
			const struct vgpu_stub_command *command, void *uring)
{
	struct vgpu_request request = { .context = context, .uring = uring };
	struct vgpu_stub_sqe sqe = {};
	int ret = vgpu_translate(context, command, &request, &sqe);

	return ret ? ret : vgpu_push(context, &sqe, &request);
}

/* The queue is full of other contexts' commands, or is being restarted */
static int vgpu_wait_usable(struct vgpu_queue *queue)
{
	long ret;

	vgpu_queue_eager(queue, 1);
	/* the device moves SQ_HEAD without an interrupt */
	ret = wait_event_interruptible_timeout(queue->room,
					       vgpu_queue_usable(queue), HZ / 10);
	vgpu_queue_eager(queue, -1);
	return ret < 0 ? -ERESTARTNOHAND : 0;
}

/* User memory is read before the gate is entered, so that resets need not wait for it */
static int vgpu_submit_batch(struct vgpu_context *context,
			     struct vgpu_stub_submit *args)
{
	struct vgpu_stub_command __user *user = u64_to_user_ptr(args->commands);
	u32 count = min_t(u32, args->count - args->submitted, VGPU_BATCH);
	struct vgpu *vgpu = context->vgpu;
	int ret = 0;
	u32 i;

	if (copy_from_user(context->batch, &user[args->submitted],
			   count * sizeof(*user)))
		return -EFAULT;
	down_read(&vgpu->gate);
	if (vgpu->gone)
		ret = -ENODEV;
	for (i = 0; i < count && !ret; i++) {
		ret = vgpu_context_submit(context, &context->batch[i], NULL);
		args->submitted += !ret;
	}
	vgpu_queue_ring(context->queue);
	up_read(&vgpu->gate);
	return ret;
}

int vgpu_call_submit(struct vgpu_context *context, void *data)
{
	struct vgpu_stub_submit *args = data;
	int ret;

	args->submitted = 0;
	if (args->flags || !args->count)
		return -EINVAL;
	do {
		ret = vgpu_submit_batch(context, args);
		if ((ret == -EBUSY || ret == -ESHUTDOWN) && !args->submitted)
			ret = vgpu_wait_usable(context->queue);
	} while (!ret && args->submitted < args->count);
	return args->submitted ? 0 : ret;
}
