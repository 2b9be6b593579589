// SPDX-License-Identifier: GPL-2.0-or-later
/* Workers that are killed */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "daemon.h"
#include "peer.h"
#include "processes.h"
#include "ring.h"

/* Each command has one completion, whenever its worker dies */
void test_kill(void)
{
	enum { KILLS = 100 };
	static unsigned char completions[1000000];
	unsigned int seed = 1, wrong = 0, killed = 0;

	connect_all();
	while (killed < KILLS || consumed != submitted) {
		const struct vgpu_stub_cqe *cqe;

		while (killed < KILLS && submitted - consumed < SIZE && rand_r(&seed) % 8)
			submit((struct vgpu_stub_sqe){
				.opcode = VGPU_STUB_OP_FILL, .arg = submitted,
				.in = direct(DATA + submitted % 1000 * 4096, 1 + submitted % 4096) });
		while ((cqe = next_completion()))
			wrong += cqe->status || cqe->result != 1 + cqe->id % 4096 ||
				 completions[cqe->id]++;
		if (killed == KILLS || rand_r(&seed) % 64)
			continue;
		kill(only_worker(), SIGKILL);
		killed++;
		if (!lifeline_ends(LATE_MS))
			stop("a killed worker's lifeline ends");
		close(peer.fd);
		if (!workers_end())
			stop("the supervisor notices");
		connect_all();
	}
	printf("# %u commands, %u workers killed\n", submitted, killed);
	for (uint32_t i = 0; i < submitted; i++)
		wrong += completions[i] != 1;
	ok(wrong == 0 && submitted > 100, "each command is completed once, with its result");
	ok(disconnect(), "the lifeline ends");
}
