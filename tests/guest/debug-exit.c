// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * End the guest with an exit status: debug-exit N, or debug-exit - where N comes
 * later, from standard input.
 *
 * QEMU's isa-debug-exit turns a byte V written to its port into the exit
 * status 2 * V + 1. Sixteen is added, because QEMU's own failures are 1. Cloud
 * kernels have no /dev/port, hence this program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <sys/reboot.h>

#define PORT	0xf4
#define OFFSET	16

int main(int argc, char **argv)
{
	int status = argc > 1 ? atoi(argv[1]) : 1;

	if (ioperm(PORT, 1, 1)) {
		perror("debug-exit");
		return 1;
	}
	/* for a kernel that will be locked down until the status is known */
	if (argc > 1 && argv[1][0] == '-' && scanf("%d", &status) != 1)
		status = 1;
	outb(status + OFFSET, PORT);
	/* with no such port, as under Xen, the transcript alone has the status */
	reboot(RB_POWER_OFF);
	return 1;
}
