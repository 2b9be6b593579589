// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A driver that vgpu-run is told of through LD_PRELOAD: it runs the commands of
 * /dev/fake, and does one of them wrong.
 *
 * Environment:
 *   FAULT    what is wrong: data, result, status, reset, gone, timeout, refuse, memory,
 *            depth; or what a driver may do: interrupt (every other call), one (accepts a
 *            command a call), reverse (completes the last command first), slow (takes
 *            10 ms a call), taken (another thread reads the completions that the first
 *            calls wait for), all-taken (all of them); or what the library for JSON may
 *            do: json (no memory for the result)
 *   COMMAND  the number of the command that is wrong, from 0
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vgpu_stub_ioctl.h"
#include "vgpu_stub_queue.h"

#define DEPTH	256
#define SPACE	(1ULL << 30)	/* of all buffers */

static int fake = -1;
static uint8_t *memory;
static uint64_t used, buffers[16];
static unsigned int buffer_count;
static struct vgpu_stub_completion done[DEPTH];
static unsigned int done_count;
static unsigned long command_count, call_count;

static bool fault(const char *name)
{
	const char *wanted = getenv("FAULT");

	return wanted && !strcmp(wanted, name);
}

static bool fault_now(const char *name)
{
	return fault(name) && command_count == strtoul(getenv("COMMAND"), NULL, 10);
}

int open(const char *path, int flags, ...)
{
	int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");

	if (strcmp(path, "/dev/fake"))
		return next(path, flags);
	fake = memfd_create("fake", 0);
	if (fake < 0 || ftruncate(fake, SPACE))
		abort();
	memory = mmap(NULL, SPACE, PROT_READ | PROT_WRITE, MAP_SHARED, fake, 0);
	return fake;
}

static int get_info(struct vgpu_stub_info *info)
{
	info->depth = fault("depth") ? 4 : DEPTH;
	info->max_length = SPACE / 4;
	return 0;
}

static int create(struct vgpu_stub_buffer *buffer)
{
	if (fault("memory"))
		return ENOMEM;
	buffers[++buffer_count] = used;
	buffer->handle = buffer_count;
	buffer->mmap_offset = used;
	used += buffer->length;
	return 0;
}

static uint8_t *data_of(const struct vgpu_stub_operand *operand)
{
	return memory + buffers[operand->handle] + operand->offset;
}

static uint32_t crc32c(uint32_t crc, const uint8_t *data, uint64_t length)
{
	for (crc = ~crc; length--; data++)
		for (int bit = 0; bit < 8; bit++) {
			uint32_t differs = (crc ^ *data >> bit) & 1;

			crc = crc >> 1 ^ (differs ? 0x82f63b78 : 0);
		}
	return ~crc;
}

static uint64_t execute(const struct vgpu_stub_command *command)
{
	uint8_t *in = data_of(&command->in);
	uint64_t length = command->in.length;

	switch (command->opcode) {
	case VGPU_STUB_OP_COPY:
		memcpy(in, data_of(&command->out), length);
		break;
	case VGPU_STUB_OP_FILL:
		for (uint64_t i = 0; i < length; i++)
			in[i] = command->arg >> 8 * (i % 8);
		break;
	case VGPU_STUB_OP_CRC32C:
		return crc32c(command->arg, data_of(&command->out),
			      command->out.length);
	}
	if (fault_now("data"))
		in[length - 1] ^= 1;
	return length;
}

static void run(const struct vgpu_stub_command *command)
{
	struct vgpu_stub_completion *completion = &done[done_count++];

	*completion = (struct vgpu_stub_completion) {
		.user_data = command->user_data,
		.result = execute(command),
	};
	if (fault_now("result"))
		completion->result++;
	if (fault_now("status"))
		completion->status = VGPU_STUB_ERR_DMA;
	if (fault_now("reset"))
		completion->status = VGPU_STUB_STATUS_RESET;
	command_count++;
}

static int submit(struct vgpu_stub_submit *args)
{
	const struct vgpu_stub_command *commands =
		(const void *)(uintptr_t)args->commands;
	unsigned int count = fault("one") ? 1 : args->count;

	if (fault("refuse"))
		return EACCES;
	while (args->submitted < count)
		run(&commands[args->submitted++]);
	return 0;
}

static void reverse(void)
{
	for (unsigned int i = 0; i < done_count / 2; i++) {
		struct vgpu_stub_completion other = done[i];

		done[i] = done[done_count - 1 - i];
		done[done_count - 1 - i] = other;
	}
}

/* As if another thread had read every completion before this one could */
static int find_none(struct vgpu_stub_wait *args)
{
	int64_t ns = 10000000;

	if (args->timeout_ns >= 0 && args->timeout_ns < ns)
		ns = args->timeout_ns;
	usleep(ns / 1000);
	return args->timeout_ns == ns ? ETIMEDOUT : 0;
}

static int wait_for(struct vgpu_stub_wait *args)
{
	args->count = 0;
	if (fault("all-taken") || (fault("taken") && ++call_count <= 10))
		return find_none(args);
	if (fault("gone"))
		return ENODEV;
	if (fault("timeout"))
		return ETIMEDOUT;
	if (fault("reverse"))
		reverse();
	if (fault("slow"))
		usleep(10000);
	memcpy((void *)(uintptr_t)args->completions, done,
	       done_count * sizeof(*done));
	args->count = done_count;
	done_count = 0;
	return 0;
}

static int answer(unsigned long request, void *args)
{
	if (fault("interrupt") && request != VGPU_STUB_IOC_INFO && ++call_count & 1)
		return EINTR;
	switch (request) {
	case VGPU_STUB_IOC_INFO:
		return get_info(args);
	case VGPU_STUB_IOC_CREATE:
		return create(args);
	case VGPU_STUB_IOC_SUBMIT:
		return submit(args);
	case VGPU_STUB_IOC_WAIT:
		return wait_for(args);
	}
	return ENOTTY;
}

int json_object_update(void *object, void *other)
{
	int (*next)(void *, void *) = dlsym(RTLD_NEXT, "json_object_update");

	return fault("json") ? -1 : next(object, other);
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*next)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
	va_list args;
	void *data;

	va_start(args, request);
	data = va_arg(args, void *);
	va_end(args);
	if (fd != fake)
		return next(fd, request, data);
	errno = answer(request, data);
	return errno ? -1 : 0;
}
