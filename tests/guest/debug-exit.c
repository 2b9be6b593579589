// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * End the guest with an exit status: debug-exit N, or debug-exit - to read N from
 * standard input.
 *
 * On x86, writing V to the port of isa-debug-exit makes QEMU exit with 2 * V + 1. V is
 * N + 16, because QEMU exits with 1 on its own errors. Cloud kernels have no /dev/port,
 * hence this program. arm64's virt machine has no such device, so use semihosting,
 * which can exit with any status.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/reboot.h>

#define OFFSET	16

#ifdef __aarch64__

#define SYS_EXIT			0x18
#define ADP_STOPPED_APPLICATION_EXIT	0x20026

static int may_exit(void)
{
	return 1;
}

static void exit_qemu(unsigned int value)
{
	uint64_t block[2] = { ADP_STOPPED_APPLICATION_EXIT, 2 * value + 1 };
	register uint64_t operation asm("x0") = SYS_EXIT;
	register uint64_t *arguments asm("x1") = block;

	asm volatile("hlt #0xf000" : "+r"(operation) : "r"(arguments) : "memory");
}

#else

#include <sys/io.h>

#define PORT	0xf4

static int may_exit(void)
{
	return !ioperm(PORT, 1, 1);
}

static void exit_qemu(unsigned int value)
{
	outb(value, PORT);
}

#endif

int main(int argc, char **argv)
{
	int status = argc > 1 ? atoi(argv[1]) : 1;

	if (!may_exit()) {
		perror("debug-exit");
		return 1;
	}
	/* a caller may lock down the kernel, which forbids ioperm(), before it knows N */
	if (argc > 1 && argv[1][0] == '-' && scanf("%d", &status) != 1)
		status = 1;
	exit_qemu(status + OFFSET);
	/* without the port, as under Xen, only the transcript has the status */
	reboot(RB_POWER_OFF);
	return 1;
}
