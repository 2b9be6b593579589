/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvgpu-stub: submit commands to a vgpu-stub device, see libvgpu-stub(3)
 *
 * A struct vgpu_stub is a context: an open device, its memory, and the commands that
 * are in flight. Unless a comment says otherwise, functions return 0 or a count, or a
 * negative errno; vgpu_stub_ioctl.h lists the errors of each call of the driver.
 *
 * Threads: any number of threads may use one context at the same time. Each
 * completion is returned once, to one of the threads that wait. No thread may use a
 * context that vgpu_stub_close() was called for. The library creates no threads and
 * has no global state.
 */
#ifndef LIBVGPU_STUB_H
#define LIBVGPU_STUB_H

#include <stddef.h>
#include <stdint.h>

#include "vgpu_stub_ioctl.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vgpu_stub;

/* Memory that the device may access */
struct vgpu_stub_memory {
	void *addr;
	size_t length;		/* bytes, a multiple of the page size */
	uint32_t handle;	/* its name in commands, 0 for no memory */
	uint32_t flags;		/* VGPU_STUB_BUFFER_* */
};

/* What the device may do with it */
#define VGPU_STUB_READ		VGPU_STUB_BUFFER_DEVICE_READ
#define VGPU_STUB_WRITE		VGPU_STUB_BUFFER_DEVICE_WRITE
#define VGPU_STUB_READ_WRITE	(VGPU_STUB_READ | VGPU_STUB_WRITE)

/*
 * Open a device. If path is NULL, open /dev/vgpu_stub, or /dev/vgpu_stub0 if there is
 * no /dev/vgpu_stub.
 *
 * Errors: those of open(2); -ENOMEM; -ENOTTY the file is no vgpu-stub device.
 */
int vgpu_stub_open(const char *path, struct vgpu_stub **vgpu);

/*
 * Close the device. Waits for the commands in flight. Memory of vgpu_stub_alloc()
 * that was not freed stays mapped until munmap(2).
 */
void vgpu_stub_close(struct vgpu_stub *vgpu);

/* The file descriptor, for poll(2): POLLIN if there is a completion to read */
int vgpu_stub_fd(const struct vgpu_stub *vgpu);

/* Limits of the device and the context. Set info->size to sizeof(*info) first */
int vgpu_stub_get_info(struct vgpu_stub *vgpu, struct vgpu_stub_info *info);

/*
 * Allocate zeroed memory. length is rounded up to whole pages; access is
 * VGPU_STUB_READ, _WRITE or _READ_WRITE.
 */
int vgpu_stub_alloc(struct vgpu_stub *vgpu, size_t length, uint32_t access,
		    struct vgpu_stub_memory *memory);

/* Use the caller's own pages: addr and length are multiples of the page size */
int vgpu_stub_register(struct vgpu_stub *vgpu, void *addr, size_t length,
		       uint32_t access, struct vgpu_stub_memory *memory);

/*
 * Free memory. Waits for the commands that use it. Memory of vgpu_stub_alloc() is
 * unmapped, also if the device is gone (-ENODEV). After any other error the memory
 * is still there.
 */
int vgpu_stub_free(struct vgpu_stub *vgpu, struct vgpu_stub_memory *memory);

/*
 * Each of these fills in a whole command. Offsets and lengths are in bytes; a length
 * of 0 is an error of the command. user_data is returned in the completion.
 */
void vgpu_stub_nop(struct vgpu_stub_command *command, uint64_t user_data);
void vgpu_stub_copy(struct vgpu_stub_command *command, uint64_t user_data,
		    const struct vgpu_stub_memory *to, uint64_t to_offset,
		    const struct vgpu_stub_memory *from, uint64_t from_offset,
		    uint64_t length);
/* pattern: the eight bytes of a little-endian number, repeated */
void vgpu_stub_fill(struct vgpu_stub_command *command, uint64_t user_data,
		    const struct vgpu_stub_memory *memory, uint64_t offset,
		    uint64_t length, uint64_t pattern);
/* The completion's result is the checksum; before is that of preceding data, or 0 */
void vgpu_stub_crc32c(struct vgpu_stub_command *command, uint64_t user_data,
		      const struct vgpu_stub_memory *memory, uint64_t offset,
		      uint64_t length, uint32_t before);

/*
 * Submit commands in their order. Returns how many were accepted, at least 1; if
 * fewer than count, call again for the rest. -EAGAIN: read completions first.
 */
int vgpu_stub_submit(struct vgpu_stub *vgpu,
		     const struct vgpu_stub_command *commands, unsigned int count);

/*
 * Wait until min completions are there, but no longer than timeout_ns nanoseconds
 * (-1 for no limit), then read up to max. Returns how many were read, at least 1 unless
 * min is 0; fewer than min if the time is up, a signal arrives or another thread reads
 * some of them.
 */
int vgpu_stub_wait(struct vgpu_stub *vgpu,
		   struct vgpu_stub_completion *completions, unsigned int min,
		   unsigned int max, int64_t timeout_ns);

/* Signal this eventfd whenever completions arrive; -1 for none */
int vgpu_stub_set_eventfd(struct vgpu_stub *vgpu, int fd);

/* The status of a completion in a few words; never NULL, not to be freed */
const char *vgpu_stub_strstatus(uint32_t status);

#ifdef __cplusplus
}
#endif

#endif /* LIBVGPU_STUB_H */
