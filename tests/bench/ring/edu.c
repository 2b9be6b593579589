// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QEMU's edu computes a factorial in a thread of its own; the guest looks at a register
 * until it is done (QEMU's docs/specs/edu.rst).
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

#define FACTORIAL	(0x08 / 4)
#define STATUS		(0x20 / 4)
#define COMPUTING	0x01

static volatile uint32_t *regs;

static void open_edu(const char *path, unsigned int depth, size_t size)
{
	int fd = open(path, O_RDWR | O_SYNC);

	(void)depth;
	(void)size;
	if (fd < 0)
		die(path);
	regs = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (regs == MAP_FAILED)
		die(path);
}

static void submit(const unsigned int *slots, unsigned int count)
{
	(void)slots;
	(void)count;
	regs[FACTORIAL] = 3;
}

static unsigned int reap(unsigned int *slots)
{
	while (regs[STATUS] & COMPUTING)
		;
	slots[0] = 0;
	return 1;
}

static unsigned int reap_sleeping(unsigned int *slots)
{
	do
		usleep(2000);
	while (regs[STATUS] & COMPUTING);
	slots[0] = 0;
	return 1;
}

const struct target target_edu = {
	.name = "edu", .max_depth = 1,
	.open = open_edu, .submit = submit, .reap = reap,
};

const struct target target_edu_sleep = {
	.name = "edu-sleep", .max_depth = 1,
	.open = open_edu, .submit = submit, .reap = reap_sleeping,
};
