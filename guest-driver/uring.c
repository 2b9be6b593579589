// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring: one command for each IORING_OP_URING_CMD
 *
 * The command is read from user memory when it is submitted. Its completion is written
 * by the task that submitted it, because an interrupt cannot write to user memory.
 */
#include "uring.h"

#ifdef VGPU_HAS_URING
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vgpu.h"

struct vgpu_uring {
	struct io_uring_cmd *cmd;
	struct vgpu_stub_completion __user *user;
	struct vgpu_stub_completion done;
};

/* After the task has ended this runs in a kernel thread, which has no user memory */
static void vgpu_uring_finish(struct io_uring_cmd *cmd,
			      unsigned int issue_flags)
{
	struct vgpu_uring *uring = vgpu_uring_pdu(cmd)->uring;
	int ret = 0;

	if (!current->mm || current->flags & PF_KTHREAD ||
	    copy_to_user(uring->user, &uring->done, sizeof(uring->done)))
		ret = -EFAULT;
	kfree(uring);
	vgpu_uring_cmd_done(cmd, ret, issue_flags);
}

VGPU_URING_TASK_WORK(vgpu_uring_finish)

/* Called in interrupts */
void vgpu_uring_done(void *data, const struct vgpu_stub_completion *done)
{
	struct vgpu_uring *uring = data;

	uring->done = *done;
	io_uring_cmd_complete_in_task(uring->cmd, VGPU_URING_FINISH);
}

static int vgpu_uring_submit(struct vgpu_context *context,
			     const struct vgpu_stub_command *command,
			     struct vgpu_uring *uring)
{
	int ret = context->vgpu->gone ? -ENODEV :
		  vgpu_context_submit(context, command, uring);

	if (!ret)
		vgpu_queue_ring(context->queue);
	return ret == -EBUSY || ret == -ESHUTDOWN ? -EAGAIN : ret;
}

/* -EAGAIN of a submission that must not block is tried again in one that may */
static int vgpu_uring_try(struct vgpu_context *context,
			  const struct vgpu_stub_command *command,
			  struct vgpu_uring *uring)
{
	int ret = -EAGAIN;

	if (!mutex_trylock(&context->lock))
		return ret;
	if (down_read_trylock(&context->vgpu->gate)) {
		ret = vgpu_uring_submit(context, command, uring);
		up_read(&context->vgpu->gate);
	}
	mutex_unlock(&context->lock);
	return ret;
}

static int vgpu_uring_block(struct vgpu_context *context,
			    const struct vgpu_stub_command *command,
			    struct vgpu_uring *uring)
{
	int ret = -EAGAIN;

	mutex_lock(&context->lock);
	if (!vgpu_enter(context->vgpu)) {
		ret = vgpu_uring_submit(context, command, uring);
		up_read(&context->vgpu->gate);
	}
	mutex_unlock(&context->lock);
	return ret;
}

static struct vgpu_uring *vgpu_uring_new(struct io_uring_cmd *cmd, u64 user)
{
	struct vgpu_uring *uring = kzalloc(sizeof(*uring), GFP_KERNEL);

	if (!uring)
		return NULL;
	uring->cmd = cmd;
	uring->user = u64_to_user_ptr(user);
	vgpu_uring_pdu(cmd)->uring = uring;
	return uring;
}

int vgpu_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct vgpu_context *context = cmd->file->private_data;
	const struct vgpu_stub_uring *args = vgpu_uring_args(cmd);
	u64 user_command = READ_ONCE(args->command);
	u64 user_completion = READ_ONCE(args->completion);
	struct vgpu_stub_command command;
	struct vgpu_uring *uring;
	int ret;

	if (cmd->cmd_op != VGPU_STUB_URING_SUBMIT)
		return -ENOTTY;
	if (copy_from_user(&command, u64_to_user_ptr(user_command),
			   sizeof(command)))
		return -EFAULT;
	/* each has its own completion */
	if (command.flags & VGPU_STUB_COMMAND_QUIET)
		return -EINVAL;
	uring = vgpu_uring_new(cmd, user_completion);
	if (!uring)
		return -ENOMEM;
	ret = issue_flags & IO_URING_F_NONBLOCK ?
	      vgpu_uring_try(context, &command, uring) :
	      vgpu_uring_block(context, &command, uring);
	if (!ret)
		return -EIOCBQUEUED;
	kfree(uring);
	return ret;
}
#endif
