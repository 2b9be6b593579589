// SPDX-License-Identifier: GPL-2.0-or-later
/* A device whose guest works as much as it can */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "channel.h"
#include "daemon.h"
#include "peer.h"
#include "ring.h"

#define IN_FLIGHT 32
#define BYTES 0x40000

/* The number of commands that were completed until then */
static unsigned int work_until(int64_t end)
{
	uint32_t before = consumed;

	while (channel_now() < end) {
		struct pollfd wait = { call, POLLIN, 0 };
		uint64_t count;

		while (submitted - consumed < IN_FLIGHT)
			submit((struct vgpu_stub_sqe){ .opcode = VGPU_STUB_OP_FILL,
						       .in = direct(DATA, BYTES) });
		if (next_completion())
			continue;
		if (poll(&wait, 1, LATE_MS) != 1 || read(call, &count, sizeof(count)) < 0)
			stop("no completion");
	}
	return consumed - before;
}

/* Work from now on, and count between two times in milliseconds */
void test_load(const char *start, const char *end)
{
	connect_all();
	work_until(atoll(start));
	printf("# completed %u\n", work_until(atoll(end)));
	ok(disconnect(), "the lifeline ends");
}
