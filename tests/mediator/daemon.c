// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device that tests a running vgpu-mediator. It prints TAP.
 *
 *   daemon SOCKET SUPERVISOR work|faults|framed|long|kill|peers
 *   daemon SOCKET SUPERVISOR vector STATE FDS AT <BYTES
 *                 send a test vector, and print the fault that the mediator reports
 *   daemon SOCKET SUPERVISOR load START END
 *                 keep the queue full, and print how many commands were completed from
 *                 START to END, milliseconds of the monotonic clock
 *   daemon SOCKET SUPERVISOR queues COUNT MILLISECONDS
 *                 one queue has long commands, and COUNT commands of another one take less
 *
 * SUPERVISOR is the process ID of the mediator.
 */
#include <stdlib.h>
#include <string.h>
#include "daemon.h"
#include "peer.h"
#include "processes.h"
#include "ring.h"

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	peer.path = argv[1];
	supervisor = atoi(argv[2]);
	make_state();
	if (!strcmp(argv[3], "vector"))
		send_vector(argv[4], atoi(argv[5]), atoi(argv[6]));
	else if (!strcmp(argv[3], "limits"))
		test_limits();
	else if (!strcmp(argv[3], "memory-limit"))
		test_memory_limit();
	else if (!strcmp(argv[3], "framed-memory"))
		test_framed_memory();
	else if (!strcmp(argv[3], "blocked-turn"))
		test_blocked_turn();
	else if (!strcmp(argv[3], "queues"))
		test_queues(atoi(argv[4]), atoi(argv[5]));
	else if (!strcmp(argv[3], "load"))
		test_load(argv[4], argv[5]);
	else if (!strcmp(argv[3], "work"))
		test_work();
	else if (!strcmp(argv[3], "long"))
		test_long();
	else if (!strcmp(argv[3], "faults"))
		test_faults();
	else if (!strcmp(argv[3], "framed"))
		test_framed();
	else if (!strcmp(argv[3], "kill"))
		test_kill();
	else
		test_peers();
	return done_testing();
}
