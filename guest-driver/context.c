// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/vgpu_stub<n>: contexts and their calls
 *
 * The calls are documented in uapi/vgpu_stub_ioctl.h.
 */
#include <linux/build_bug.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "uring.h"
#include "vgpu.h"

/* A closed file's commands get this long before their queue is restarted */
#define VGPU_CLOSE_JIFFIES	(10 * HZ)

static DEFINE_IDA(vgpu_numbers);

/* The same on every architecture: no holes, and 32-bit programs need no translation */
static_assert(sizeof(struct vgpu_stub_info) == 32);
static_assert(sizeof(struct vgpu_stub_buffer) == 40);
static_assert(sizeof(struct vgpu_stub_destroy) == 16);
static_assert(sizeof(struct vgpu_stub_command) == 72);
static_assert(sizeof(struct vgpu_stub_completion) == 24);
static_assert(sizeof(struct vgpu_stub_submit) == 24);
static_assert(sizeof(struct vgpu_stub_wait) == 40);
static_assert(sizeof(struct vgpu_stub_eventfd) == 16);
static_assert(sizeof(struct vgpu_stub_uring) == 16);

/* Calls */

static int vgpu_ioctl_info(struct vgpu_context *context, void *data)
{
	struct vgpu_stub_info *args = data;
	struct vgpu *vgpu = context->vgpu;

	if (args->flags)
		return -EINVAL;
	args->version = vgpu->version;
	args->command_sets = vgpu->command_sets;
	args->depth = VGPU_DEPTH;
	args->max_buffers = vgpu->buffers_max;
	args->max_length = vgpu->transfer_max;
	return 0;
}

static int vgpu_ioctl_create(struct vgpu_context *context, void *data)
{
	return vgpu_buffer_create(context, data);
}

static int vgpu_ioctl_destroy(struct vgpu_context *context, void *data)
{
	struct vgpu_stub_destroy *args = data;

	if (args->flags || args->reserved)
		return -EINVAL;
	return vgpu_buffer_destroy(context, args->handle);
}

static void vgpu_set_eventfd(struct vgpu_context *context,
			     struct eventfd_ctx *eventfd)
{
	struct eventfd_ctx *old;

	spin_lock_irq(&context->done_lock);
	old = context->eventfd;
	context->eventfd = eventfd;
	spin_unlock_irq(&context->done_lock);
	vgpu_queue_eager(context->queue, !!eventfd - !!old);
	if (old)
		eventfd_ctx_put(old);
}

static int vgpu_ioctl_eventfd(struct vgpu_context *context, void *data)
{
	struct vgpu_stub_eventfd *args = data;
	struct eventfd_ctx *eventfd = NULL;

	if (args->flags || args->reserved || args->fd < -1)
		return -EINVAL;
	if (args->fd != -1)
		eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	vgpu_set_eventfd(context, eventfd);
	return 0;
}

/* by number: how long the structure is, and who submits or manages buffers */
static const struct vgpu_call {
	size_t size;
	int (*run)(struct vgpu_context *context, void *data);
	bool locked;
} vgpu_calls[] = {
	[_IOC_NR(VGPU_STUB_IOC_INFO)] = {
		sizeof(struct vgpu_stub_info), vgpu_ioctl_info },
	[_IOC_NR(VGPU_STUB_IOC_CREATE)] = {
		sizeof(struct vgpu_stub_buffer), vgpu_ioctl_create, true },
	[_IOC_NR(VGPU_STUB_IOC_DESTROY)] = {
		sizeof(struct vgpu_stub_destroy), vgpu_ioctl_destroy, true },
	[_IOC_NR(VGPU_STUB_IOC_SUBMIT)] = {
		sizeof(struct vgpu_stub_submit), vgpu_call_submit, true },
	[_IOC_NR(VGPU_STUB_IOC_WAIT)] = {
		sizeof(struct vgpu_stub_wait), vgpu_call_wait },
	[_IOC_NR(VGPU_STUB_IOC_EVENTFD)] = {
		sizeof(struct vgpu_stub_eventfd), vgpu_ioctl_eventfd, true },
};

static int vgpu_run_call(struct vgpu_context *context,
			 const struct vgpu_call *call, void *data)
{
	int ret;

	if (!call->locked)
		return call->run(context, data);
	/* as if the call had not begun */
	if (mutex_lock_interruptible(&context->lock))
		return -ERESTARTNOHAND;
	ret = call->run(context, data);
	mutex_unlock(&context->lock);
	return ret;
}

static long vgpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vgpu_context *context = file->private_data;
	union {
		struct vgpu_stub_info info;
		struct vgpu_stub_buffer buffer;
		struct vgpu_stub_submit submit;
		struct vgpu_stub_wait wait;
	} data = {};
	const struct vgpu_call *call;
	void __user *user = (void __user *)arg;
	u32 size;
	int ret;

	if (_IOC_TYPE(cmd) != VGPU_STUB_IOC_MAGIC ||
	    cmd != _IO(VGPU_STUB_IOC_MAGIC, _IOC_NR(cmd)) ||
	    _IOC_NR(cmd) >= ARRAY_SIZE(vgpu_calls))
		return -ENOTTY;
	if (READ_ONCE(context->vgpu->gone))
		return -ENODEV;
	call = &vgpu_calls[_IOC_NR(cmd)];
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < call->size)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(&data, call->size, user, size);
	if (ret)
		return ret;
	ret = vgpu_run_call(context, call, &data);
	if (copy_to_user(user, &data, call->size) && !ret)
		ret = -EFAULT;
	return ret;
}

static __poll_t vgpu_poll(struct file *file, poll_table *table)
{
	struct vgpu_context *context = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &context->wait, table);
	if (READ_ONCE(context->vgpu->gone))
		return EPOLLHUP | EPOLLERR;
	vgpu_queue_watch(context);
	spin_lock_irq(&context->done_lock);
	if (vgpu_unread(context))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (vgpu_unread(context) + context->loud + context->quiet < VGPU_DEPTH)
		mask |= EPOLLOUT | EPOLLWRNORM;
	spin_unlock_irq(&context->done_lock);
	return mask;
}

static int vgpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vgpu_context *context = file->private_data;

	if (READ_ONCE(context->vgpu->gone))
		return -ENODEV;
	return vgpu_buffer_mmap(context, vma);
}

/* Opening and closing */

static struct vgpu_context *vgpu_context_new(struct vgpu *vgpu)
{
	struct vgpu_context *context = kzalloc(sizeof(*context), GFP_KERNEL);

	if (!context)
		return NULL;
	context->done = kvcalloc(VGPU_DEPTH, sizeof(*context->done), GFP_KERNEL);
	if (!context->done) {
		kfree(context);
		return NULL;
	}
	context->vgpu = vgpu;
	context->queue = &vgpu->queues[(unsigned int)atomic_inc_return(&vgpu->next_queue) %
				       vgpu->queue_count];
	mutex_init(&context->lock);
	mutex_init(&context->map_lock);
	mutex_init(&context->read_lock);
	xa_init_flags(&context->buffers, XA_FLAGS_ALLOC1);
	spin_lock_init(&context->done_lock);
	init_waitqueue_head(&context->wait);
	return context;
}

/* misc_open() holds the lock that misc_deregister() takes: vgpu is there */
static int vgpu_open(struct inode *inode, struct file *file)
{
	struct vgpu *vgpu = container_of(file->private_data, struct vgpu, misc);
	struct vgpu_context *context;

	if (READ_ONCE(vgpu->gone))
		return -ENODEV;
	context = vgpu_context_new(vgpu);
	if (!context)
		return -ENOMEM;
	kref_get(&vgpu->ref);
	mutex_lock(&vgpu->contexts_lock);
	list_add(&context->link, &vgpu->contexts);
	mutex_unlock(&vgpu->contexts_lock);
	file->private_data = context;
	return stream_open(inode, file);
}

/* Takes the lock that vgpu_request_done() holds: it does not use the context any more */
static bool vgpu_context_idle(struct vgpu_context *context)
{
	bool idle;

	spin_lock_irq(&context->queue->lock);
	idle = !context->loud && !context->quiet;
	spin_unlock_irq(&context->queue->lock);
	return idle;
}

/* Commands in flight refer to the context and its buffers */
static void vgpu_context_drain(struct vgpu_context *context)
{
	struct vgpu_queue *queue = context->queue;

	vgpu_queue_eager(queue, 1);
	if (!wait_event_timeout(context->wait, vgpu_context_idle(context),
				VGPU_CLOSE_JIFFIES)) {
		vgpu_queue_abort(queue, "commands of a closed file do not end");
		wait_event(context->wait, vgpu_context_idle(context));
	}
	vgpu_queue_eager(queue, -1);
}

static int vgpu_close(struct inode *inode, struct file *file)
{
	struct vgpu_context *context = file->private_data;
	struct vgpu *vgpu = context->vgpu;
	struct vgpu_buffer *buffer;
	unsigned long handle;

	vgpu_context_drain(context);
	vgpu_set_eventfd(context, NULL);
	vgpu_queue_unwatch(context);
	xa_for_each(&context->buffers, handle, buffer)
		vgpu_buffer_free(buffer);
	xa_destroy(&context->buffers);
	mutex_lock(&vgpu->contexts_lock);
	list_del(&context->link);
	mutex_unlock(&vgpu->contexts_lock);
	kvfree(context->done);
	kfree(context);
	vgpu_put(vgpu);
	return 0;
}

static const struct file_operations vgpu_fops = {
	.owner = THIS_MODULE,
	.open = vgpu_open,
	.release = vgpu_close,
	.unlocked_ioctl = vgpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = vgpu_poll,
	.mmap = vgpu_mmap,
	VGPU_URING_FOPS
};

int vgpu_context_init(struct vgpu *vgpu)
{
	vgpu->misc = (struct miscdevice) {
		.minor = MISC_DYNAMIC_MINOR,
		.name = vgpu->name,
		.fops = &vgpu_fops,
		.parent = &vgpu->pdev->dev,
		.mode = 0660,
	};
	return misc_register(&vgpu->misc);
}

/* The name of the file, and of the interrupts */
int vgpu_context_name(struct vgpu *vgpu)
{
	vgpu->number = ida_alloc(&vgpu_numbers, GFP_KERNEL);
	if (vgpu->number < 0)
		return vgpu->number;
	snprintf(vgpu->name, sizeof(vgpu->name), "vgpu_stub%d", vgpu->number);
	return 0;
}

void vgpu_context_unname(struct vgpu *vgpu)
{
	ida_free(&vgpu_numbers, vgpu->number);
}

/* Afterwards no file is opened */
void vgpu_context_exit(struct vgpu *vgpu)
{
	misc_deregister(&vgpu->misc);
}
