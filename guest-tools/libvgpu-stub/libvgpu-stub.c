// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libvgpu-stub: the driver's ioctls as functions
 *
 * The functions are described in libvgpu-stub.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "libvgpu-stub.h"
#include "vgpu_stub_queue.h"

struct vgpu_stub {
	int fd;
};

static int call(struct vgpu_stub *vgpu, unsigned long request, void *data)
{
	return ioctl(vgpu->fd, request, data) < 0 ? -errno : 0;
}

/*** The context ***/

static int open_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The first is a link that udev makes */
static int open_device(const char *path)
{
	int fd = open_file(path ? path : "/dev/vgpu_stub");

	if (!path && fd == -ENOENT)
		fd = open_file("/dev/vgpu_stub0");
	return fd;
}

/* Whatever file it is, its driver gets this one call and must know it */
static int check_device(struct vgpu_stub *vgpu)
{
	struct vgpu_stub_info info = { .size = sizeof(info) };
	int ret = vgpu_stub_get_info(vgpu, &info);

	return ret == -EINVAL ? -ENOTTY : ret;
}

int vgpu_stub_open(const char *path, struct vgpu_stub **vgpu)
{
	struct vgpu_stub *new = malloc(sizeof(*new));
	int ret;

	if (!new)
		return -ENOMEM;
	new->fd = open_device(path);
	if (new->fd < 0) {
		ret = new->fd;
		free(new);
		return ret;
	}
	ret = check_device(new);
	if (ret) {
		vgpu_stub_close(new);
		return ret;
	}
	*vgpu = new;
	return 0;
}

void vgpu_stub_close(struct vgpu_stub *vgpu)
{
	if (!vgpu)
		return;
	close(vgpu->fd);
	free(vgpu);
}

int vgpu_stub_fd(const struct vgpu_stub *vgpu)
{
	return vgpu->fd;
}

int vgpu_stub_get_info(struct vgpu_stub *vgpu, struct vgpu_stub_info *info)
{
	return call(vgpu, VGPU_STUB_IOC_INFO, info);
}

int vgpu_stub_set_eventfd(struct vgpu_stub *vgpu, int fd)
{
	struct vgpu_stub_eventfd args = { .size = sizeof(args), .fd = fd };

	return call(vgpu, VGPU_STUB_IOC_EVENTFD, &args);
}

/*** Memory ***/

static int create(struct vgpu_stub *vgpu, struct vgpu_stub_buffer *args,
		  struct vgpu_stub_memory *memory)
{
	int ret = call(vgpu, VGPU_STUB_IOC_CREATE, args);

	memset(memory, 0, sizeof(*memory));
	if (ret)
		return ret;
	memory->handle = args->handle;
	memory->flags = args->flags;
	memory->length = args->length;
	return 0;
}

static int destroy(struct vgpu_stub *vgpu, uint32_t handle)
{
	struct vgpu_stub_destroy args = {
		.size = sizeof(args),
		.handle = handle,
	};

	return call(vgpu, VGPU_STUB_IOC_DESTROY, &args);
}

/* Gives 0 for 0, and for what has no multiple; the driver refuses both */
static size_t round_to_pages(size_t length)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (length + page - 1) / page * page;
}

static int map(struct vgpu_stub *vgpu, uint64_t offset,
	       struct vgpu_stub_memory *memory)
{
	void *addr = mmap(NULL, memory->length, PROT_READ | PROT_WRITE,
			  MAP_SHARED, vgpu->fd, offset);

	if (addr == MAP_FAILED)
		return -errno;
	memory->addr = addr;
	return 0;
}

int vgpu_stub_alloc(struct vgpu_stub *vgpu, size_t length, uint32_t access,
		    struct vgpu_stub_memory *memory)
{
	struct vgpu_stub_buffer args = {
		.size = sizeof(args),
		.flags = access,
		.length = round_to_pages(length),
	};
	int ret;

	if (access & ~VGPU_STUB_READ_WRITE)
		return -EINVAL;
	ret = create(vgpu, &args, memory);
	if (ret)
		return ret;
	ret = map(vgpu, args.mmap_offset, memory);
	if (ret) {
		destroy(vgpu, memory->handle);
		memset(memory, 0, sizeof(*memory));
	}
	return ret;
}

int vgpu_stub_register(struct vgpu_stub *vgpu, void *addr, size_t length,
		       uint32_t access, struct vgpu_stub_memory *memory)
{
	struct vgpu_stub_buffer args = {
		.size = sizeof(args),
		.flags = access | VGPU_STUB_BUFFER_USER,
		.addr = (uintptr_t)addr,
		.length = length,
	};
	int ret = create(vgpu, &args, memory);

	if (!ret)
		memory->addr = addr;
	return ret;
}

int vgpu_stub_free(struct vgpu_stub *vgpu, struct vgpu_stub_memory *memory)
{
	int ret = destroy(vgpu, memory->handle);

	if (ret && ret != -ENODEV)
		return ret;
	if (memory->addr && !(memory->flags & VGPU_STUB_BUFFER_USER))
		munmap(memory->addr, memory->length);
	memset(memory, 0, sizeof(*memory));
	return ret;
}

/*** Commands ***/

static void init(struct vgpu_stub_command *command, uint16_t opcode,
		 uint64_t user_data)
{
	memset(command, 0, sizeof(*command));
	command->opcode = opcode;
	command->user_data = user_data;
}

static void set_operand(struct vgpu_stub_operand *operand,
			const struct vgpu_stub_memory *memory, uint64_t offset,
			uint64_t length)
{
	operand->handle = memory->handle;
	operand->offset = offset;
	operand->length = length;
}

void vgpu_stub_nop(struct vgpu_stub_command *command, uint64_t user_data)
{
	init(command, VGPU_STUB_OP_NOP, user_data);
}

void vgpu_stub_copy(struct vgpu_stub_command *command, uint64_t user_data,
		    const struct vgpu_stub_memory *to, uint64_t to_offset,
		    const struct vgpu_stub_memory *from, uint64_t from_offset,
		    uint64_t length)
{
	init(command, VGPU_STUB_OP_COPY, user_data);
	set_operand(&command->out, from, from_offset, length);
	set_operand(&command->in, to, to_offset, length);
}

void vgpu_stub_fill(struct vgpu_stub_command *command, uint64_t user_data,
		    const struct vgpu_stub_memory *memory, uint64_t offset,
		    uint64_t length, uint64_t pattern)
{
	init(command, VGPU_STUB_OP_FILL, user_data);
	set_operand(&command->in, memory, offset, length);
	command->arg = pattern;
}

void vgpu_stub_crc32c(struct vgpu_stub_command *command, uint64_t user_data,
		      const struct vgpu_stub_memory *memory, uint64_t offset,
		      uint64_t length, uint32_t before)
{
	init(command, VGPU_STUB_OP_CRC32C, user_data);
	set_operand(&command->out, memory, offset, length);
	command->arg = before;
}

int vgpu_stub_submit(struct vgpu_stub *vgpu,
		     const struct vgpu_stub_command *commands, unsigned int count)
{
	struct vgpu_stub_submit args = {
		.size = sizeof(args),
		.commands = (uintptr_t)commands,
		.count = count,
	};
	int ret = call(vgpu, VGPU_STUB_IOC_SUBMIT, &args);

	return ret ? ret : (int)args.submitted;
}

static int wait_once(struct vgpu_stub *vgpu,
		     struct vgpu_stub_completion *completions, unsigned int min,
		     unsigned int max, int64_t timeout_ns)
{
	struct vgpu_stub_wait args = {
		.size = sizeof(args),
		.completions = (uintptr_t)completions,
		.min = min,
		.max = max,
		.timeout_ns = timeout_ns,
	};
	int ret = call(vgpu, VGPU_STUB_IOC_WAIT, &args);

	return ret ? ret : (int)args.count;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Of a timeout, which may be 0, or -1 for no limit */
static int64_t time_left(int64_t timeout_ns, int64_t start_ns)
{
	int64_t passed_ns;

	if (timeout_ns <= 0)
		return timeout_ns;
	passed_ns = now_ns() - start_ns;
	return passed_ns < timeout_ns ? timeout_ns - passed_ns : 0;
}

int vgpu_stub_wait(struct vgpu_stub *vgpu,
		   struct vgpu_stub_completion *completions, unsigned int min,
		   unsigned int max, int64_t timeout_ns)
{
	int64_t start_ns = timeout_ns > 0 ? now_ns() : 0;
	int ret = wait_once(vgpu, completions, min, max, timeout_ns);

	/* another thread may have read what this one has waited for */
	while (!ret && min)
		ret = wait_once(vgpu, completions, min, max,
				time_left(timeout_ns, start_ns));
	return ret;
}

const char *vgpu_stub_strstatus(uint32_t status)
{
	static const char *const texts[] = {
		[VGPU_STUB_OK] = "success",
		[VGPU_STUB_ERR_OPCODE] = "unknown opcode",
		[VGPU_STUB_ERR_FLAGS] = "unknown flag",
		[VGPU_STUB_ERR_RESERVED] = "reserved field not zero",
		[VGPU_STUB_ERR_ARG] = "invalid argument",
		[VGPU_STUB_ERR_DESC] = "operand missing or not allowed",
		[VGPU_STUB_ERR_LENGTH] = "invalid length",
		[VGPU_STUB_ERR_LIST] = "invalid segment list",
		[VGPU_STUB_ERR_HANDLE] = "no such buffer",
		[VGPU_STUB_ERR_BOUNDS] = "beyond the end of the buffer",
		[VGPU_STUB_ERR_ACCESS] = "access not allowed by the buffer",
		[VGPU_STUB_ERR_OVERLAP] = "operands overlap",
		[VGPU_STUB_ERR_SPACE] = "too many buffers or segments",
		[VGPU_STUB_ERR_DMA] = "DMA failed",
		[VGPU_STUB_ERR_NO_BACKEND] = "the host's mediator is away",
		[VGPU_STUB_ERR_BACKEND] = "the host's mediator failed",
	};

	if (status == VGPU_STUB_STATUS_RESET)
		return "device was reset, suspended or removed";
	if (status >= sizeof(texts) / sizeof(texts[0]) || !texts[status])
		return "unknown status";
	return texts[status];
}
