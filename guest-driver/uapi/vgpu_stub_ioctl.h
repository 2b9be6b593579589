/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * vgpu_stub: /dev/vgpu_stub<n>
 *
 * Opening the file makes a context. A context has buffers, and commands in flight that
 * name them. No other context can see or name them, and all of them are gone when the
 * last descriptor of the file is closed. Commands that are in flight then are waited for.
 *
 * Every structure starts with its size, which the caller sets to the sizeof() that it
 * was compiled with. The kernel takes a longer structure than it knows if the rest of it
 * is zero. Reserved fields and unknown flags must be zero. Output fields are written up
 * to the size that the kernel knows.
 *
 * Errors of all calls:
 *   ENODEV  the driver was unbound from the device, the device was removed, or it could
 *           not be started again after a reset; close the file
 *   ENOTTY  no such call
 *   EFAULT  a bad pointer
 *   EINVAL  a size below that of the structure's first version, a reserved field that is
 *           not zero, an unknown flag
 *   E2BIG   a structure that is longer than the kernel knows and not zero there, or longer
 *           than a page
 *   EINTR   a signal came while another thread's call was waited for
 *
 * A call fails with EINTR only if a handler of the signal ran, with SA_RESTART or without.
 * When a program is stopped and continues, or the machine sleeps, the call starts again.
 *
 * poll(): POLLIN when a completion can be read, POLLOUT when a command can be submitted,
 * POLLHUP | POLLERR when all calls fail with ENODEV.
 */
#ifndef VGPU_STUB_IOCTL_H
#define VGPU_STUB_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VGPU_STUB_IOC_MAGIC	0xb7

/* Limits of the device and of the context */
struct vgpu_stub_info {
	__u32 size;
	__u32 flags;		/* in: 0 */
	__u32 version;		/* interface version of the device: major << 16 | minor */
	__u32 command_sets;	/* bit n: command set n */
	__u32 depth;		/* commands in flight and unread completions, together */
	__u32 max_buffers;	/* of all contexts of the device, together */
	__u64 max_length;	/* bytes of one buffer or operand */
};

/*
 * Make a buffer.
 *
 * VGPU_STUB_BUFFER_USER: of the caller's pages from addr on; addr is a multiple of the
 *   page size. The pages are pinned.
 * otherwise: of pages that the driver allocates, zeroed; addr is 0. To access them, mmap()
 *   the file with MAP_SHARED at mmap_offset.
 *
 * Both kinds count towards RLIMIT_MEMLOCK of the process, until the buffer is destroyed.
 *
 * VGPU_STUB_BUFFER_DEVICE_READ, _DEVICE_WRITE: what the device may do, at least one of them.
 *
 * Errors:
 *   EINVAL      length is 0, above max_length or not a multiple of the page size; addr is
 *               not allowed; neither _DEVICE_READ nor _DEVICE_WRITE
 *   ENOMEM      RLIMIT_MEMLOCK would be exceeded, or there is no memory
 *   ENOSPC      max_buffers, or a limit of segments, would be exceeded
 *   EFAULT      the pages are not there, or are not writable and the device may write
 *   EOPNOTSUPP  the device cannot access the pages in place: the guest's memory is
 *               encrypted, or bounce buffers are forced
 *   EIO         the device refuses the buffer, or is being reset
 */
struct vgpu_stub_buffer {
	__u32 size;
	__u32 flags;		/* in: VGPU_STUB_BUFFER_* */
	__u64 addr;		/* in */
	__u64 length;		/* in: bytes */
	__u32 handle;		/* out: names the buffer in commands, never 0 */
	__u32 reserved;
	__u64 mmap_offset;	/* out: for mmap(), unless _USER */
};

#define VGPU_STUB_BUFFER_USER		0x0001
#define VGPU_STUB_BUFFER_DEVICE_READ	0x0002
#define VGPU_STUB_BUFFER_DEVICE_WRITE	0x0004

/*
 * Destroy a buffer when the commands that use it are complete. Existing mappings stay
 * usable and keep their pages.
 *
 * Errors:
 *   ENOENT  no such buffer
 *   EINTR   a signal came while commands were using it; the buffer is still there
 */
struct vgpu_stub_destroy {
	__u32 size;
	__u32 flags;		/* 0 */
	__u32 handle;
	__u32 reserved;
};

/* A part of a buffer. Handle 0 with offset and length 0: none */
struct vgpu_stub_operand {
	__u32 handle;
	__u32 reserved;
	__u64 offset;		/* bytes */
	__u64 length;		/* bytes */
};

/* A command. The device's specification defines opcodes, arguments and statuses */
struct vgpu_stub_command {
	__u16 opcode;
	__u16 flags;		/* VGPU_STUB_COMMAND_* */
	__u32 reserved;
	__u64 user_data;	/* returned in the completion */
	__u64 arg;
	struct vgpu_stub_operand out;	/* read by the device */
	struct vgpu_stub_operand in;	/* written by the device */
};

/* No completion if the command succeeds */
#define VGPU_STUB_COMMAND_QUIET		0x0001
/* Start after all earlier commands of this context */
#define VGPU_STUB_COMMAND_BARRIER	0x0002

struct vgpu_stub_completion {
	__u64 user_data;
	__u64 result;		/* by command; 0 unless status is 0 */
	__u32 status;		/* 0, an error of the device, or VGPU_STUB_STATUS_* */
	__u32 reserved;
};

/*
 * The device was reset, suspended or unbound, or the command's queue was restarted,
 * before the command was complete. It may have run, wholly or in part, or not.
 */
#define VGPU_STUB_STATUS_RESET		0x10000

/*
 * Submit commands, in their order. Fewer than count may be accepted; submitted says how
 * many. If that is not 0 the call succeeds, and the error of the next command comes with
 * the next call. The call waits while the device is being reset, or its queue is full
 * of other contexts' commands.
 *
 * Errors:
 *   EINVAL  count is 0; in a command, an unknown flag, a reserved field that is not zero, or
 *           an opcode that manages buffers; an operand without handle that is not all zero
 *   ENOENT  no such buffer in this context
 *   ERANGE  an operand reaches beyond its buffer
 *   EACCES  the buffer was not made for this direction
 *   EAGAIN  depth commands are in flight or unread: read completions first
 *   EINTR   a signal came before a command was accepted
 */
struct vgpu_stub_submit {
	__u32 size;
	__u32 flags;		/* 0 */
	__u64 commands;		/* in: pointer to struct vgpu_stub_command[count] */
	__u32 count;		/* in */
	__u32 submitted;	/* out */
};

/*
 * Wait for min completions, then read up to max of them. min 0 reads what is there.
 * timeout_ns is relative; -1 waits for ever. If the wait ends early, with an error other
 * than ENODATA, what is there is read, and if that is something the call succeeds.
 *
 * Another thread may read completions between the wait and the read. The call then
 * succeeds with a count below min, even 0: call again to wait for the next ones.
 *
 * Errors:
 *   EINVAL     max is 0, min is above max, max is above depth, timeout_ns is below -1
 *   ETIMEDOUT  nothing was there in time
 *   EINTR      a signal came, and nothing was there
 *   ENODATA    fewer than min commands are in flight or unread, so the wait would not
 *              end; nothing was read
 */
struct vgpu_stub_wait {
	__u32 size;
	__u32 flags;		/* 0 */
	__u64 completions;	/* in: pointer to struct vgpu_stub_completion[max] */
	__u32 min;		/* in */
	__u32 max;		/* in */
	__s64 timeout_ns;	/* in; out: after EINTR, what is left of it */
	__u32 count;		/* out: completions read */
	__u32 reserved;
};

/*
 * Signal an eventfd whenever a completion can be read, and when all calls begin to fail
 * with ENODEV. fd -1 ends that. A context has one eventfd; a new one replaces it.
 *
 * Errors:
 *   EBADF   fd is not open
 *   EINVAL  fd is not an eventfd, or below -1
 */
struct vgpu_stub_eventfd {
	__u32 size;
	__u32 flags;		/* 0 */
	__s32 fd;
	__u32 reserved;
};

#define VGPU_STUB_IOC_INFO	_IO(VGPU_STUB_IOC_MAGIC, 0)
#define VGPU_STUB_IOC_CREATE	_IO(VGPU_STUB_IOC_MAGIC, 1)
#define VGPU_STUB_IOC_DESTROY	_IO(VGPU_STUB_IOC_MAGIC, 2)
#define VGPU_STUB_IOC_SUBMIT	_IO(VGPU_STUB_IOC_MAGIC, 3)
#define VGPU_STUB_IOC_WAIT	_IO(VGPU_STUB_IOC_MAGIC, 4)
#define VGPU_STUB_IOC_EVENTFD	_IO(VGPU_STUB_IOC_MAGIC, 5)

/*
 * io_uring, from Linux 6.1 on: IORING_OP_URING_CMD with cmd_op VGPU_STUB_URING_SUBMIT and a
 * struct vgpu_stub_uring in the entry's command area runs one command. The command is
 * read at submission. At its end *completion is written, and the completion entry's res
 * is 0. VGPU_STUB_COMMAND_QUIET is not allowed.
 *
 * Errors, in res: those of VGPU_STUB_IOC_SUBMIT; EAGAIN also if the queue is full or is
 * being restarted; ENOMEM; EFAULT also if the command ran and *completion could not be
 * written, for instance because the task has ended.
 */
#define VGPU_STUB_URING_SUBMIT	_IO(VGPU_STUB_IOC_MAGIC, 16)

struct vgpu_stub_uring {
	__u64 command;		/* pointer to struct vgpu_stub_command */
	__u64 completion;	/* pointer to struct vgpu_stub_completion */
};

#endif /* VGPU_STUB_IOCTL_H */
