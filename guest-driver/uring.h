/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * io_uring commands, for the kernels that have them, and what differs between these
 */
#ifndef VGPU_URING_H
#define VGPU_URING_H

#include <linux/kconfig.h>
#include <linux/version.h>

#include "uapi/vgpu_stub_ioctl.h"

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0) && IS_ENABLED(CONFIG_IO_URING)
#define VGPU_HAS_URING

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#include <linux/io_uring/cmd.h>
#else
#include <linux/io_uring.h>
#endif

int vgpu_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);
void vgpu_uring_done(void *uring, const struct vgpu_stub_completion *done);

#define VGPU_URING_FOPS		.uring_cmd = vgpu_uring_cmd,

/* The part of struct io_uring_cmd that is ours */
struct vgpu_uring_pdu {
	struct vgpu_uring *uring;
};

static inline struct vgpu_uring_pdu *vgpu_uring_pdu(struct io_uring_cmd *cmd)
{
	return (struct vgpu_uring_pdu *)cmd->pdu;
}

static inline const struct vgpu_stub_uring *
vgpu_uring_args(struct io_uring_cmd *cmd)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
	return io_uring_sqe_cmd(cmd->sqe, struct vgpu_stub_uring);
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return io_uring_sqe_cmd(cmd->sqe);
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	return (const void *)cmd->sqe->cmd;
#else
	return cmd->cmd;
#endif
}

static inline void vgpu_uring_cmd_done(struct io_uring_cmd *cmd, int ret,
				       unsigned int issue_flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
	io_uring_cmd_done(cmd, ret, issue_flags);
#else
	io_uring_cmd_done(cmd, ret, 0, issue_flags);
#endif
}

/* The function that task work calls, made of one that takes a command */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#define VGPU_URING_TASK_WORK(function) \
static void function##_work(struct io_tw_req tw_req, io_tw_token_t tw) \
{ \
	function(io_uring_cmd_from_tw(tw_req), \
		 IO_URING_CMD_TASK_WORK_ISSUE_FLAGS); \
}

#define VGPU_URING_FINISH	vgpu_uring_finish_work
#else
#define VGPU_URING_TASK_WORK(function)
#define VGPU_URING_FINISH	vgpu_uring_finish
#endif

#else
static inline void vgpu_uring_done(void *uring,
				   const struct vgpu_stub_completion *done)
{
}

#define VGPU_URING_FOPS
#endif

#endif /* VGPU_URING_H */
