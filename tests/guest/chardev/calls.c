// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>

#include "calls.h"

bool check(bool good, const char *what, ...)
{
	int error = errno;
	va_list args;

	printf("%sok - ", good ? "" : "not ");
	va_start(args, what);
	vprintf(what, args);
	va_end(args);
	printf(good ? "\n" : " (errno %d, %s)\n", error, strerror(error));
	fflush(stdout);
	return good;
}

bool check_errno(int ret, int expected, const char *what)
{
	if (ret >= 0)
		errno = 0;
	return check(errno == expected, "%s: %s", what,
		     expected ? strerror(expected) : "no error");
}

void must(bool good, const char *what)
{
	if (good)
		return;
	check(false, "%s", what);
	exit(1);
}

int open_device(void)
{
	int fd = open(device, O_RDWR | O_CLOEXEC);

	must(fd >= 0, device);
	return fd;
}

int create(int fd, struct vgpu_stub_buffer *args)
{
	args->size = sizeof(*args);
	return ioctl(fd, VGPU_STUB_IOC_CREATE, args);
}

struct buffer make_buffer(int fd, __u64 length)
{
	struct vgpu_stub_buffer args = { .flags = READ_WRITE, .length = length };
	struct buffer buffer = { .length = length };

	must(!create(fd, &args), "create a buffer");
	buffer.handle = args.handle;
	buffer.data = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   args.mmap_offset);
	must(buffer.data != MAP_FAILED, "map a buffer");
	return buffer;
}

int destroy(int fd, __u32 handle)
{
	struct vgpu_stub_destroy args = { .size = sizeof(args), .handle = handle };

	return ioctl(fd, VGPU_STUB_IOC_DESTROY, &args);
}

int submit(int fd, struct vgpu_stub_command *commands, __u32 count, __u32 *submitted)
{
	struct vgpu_stub_submit args = {
		.size = sizeof(args), .commands = (uintptr_t)commands, .count = count,
	};
	int ret = ioctl(fd, VGPU_STUB_IOC_SUBMIT, &args);

	if (submitted)
		*submitted = args.submitted;
	return ret;
}

int submit_one(int fd, struct vgpu_stub_command command)
{
	return submit(fd, &command, 1, NULL);
}

int wait_for(int fd, struct vgpu_stub_completion *done, __u32 min, __u32 max, __s64 timeout)
{
	struct vgpu_stub_wait args = {
		.size = sizeof(args), .completions = (uintptr_t)done,
		.min = min, .max = max, .timeout_ns = timeout,
	};

	return ioctl(fd, VGPU_STUB_IOC_WAIT, &args) ? -1 : (int)args.count;
}

int set_eventfd(int fd, int event)
{
	struct vgpu_stub_eventfd args = { .size = sizeof(args), .fd = event };

	return ioctl(fd, VGPU_STUB_IOC_EVENTFD, &args);
}

struct vgpu_stub_operand part(struct buffer buffer, __u64 offset, __u64 length)
{
	return (struct vgpu_stub_operand) {
		.handle = buffer.handle, .offset = offset, .length = length,
	};
}

int run(int fd, struct vgpu_stub_command command, __u64 *result)
{
	struct vgpu_stub_completion done;

	if (submit_one(fd, command) || wait_for(fd, &done, 1, 1, 10 * SECOND) != 1)
		return -1;
	if (result)
		*result = done.result;
	return done.status;
}

__u64 now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	__u64 left = *(const __u64 *)a, right = *(const __u64 *)b;

	return left < right ? -1 : left > right;
}

void sort_times(__u64 *times, size_t count)
{
	qsort(times, count, sizeof(*times), by_size);
}
