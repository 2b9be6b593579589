// SPDX-License-Identifier: GPL-2.0-or-later
/* A device with two queues, of which one always has long commands */
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include "channel.h"
#include "daemon.h"
#include "peer.h"
#include "ring.h"

#define SQ_2 0x40000
#define CQ_2 0x50000
#define INDEX_2 0x60000
#define LONG_COMMANDS 4

static int kick_2;

/* The second queue only executes null commands */
static void start_second_queue(void)
{
	const size_t size = sizeof(struct vgpu_mediator_record) +
			    SIZE * sizeof(struct vgpu_mediator_slot);
	const struct vgpu_mediator_record record = { .version = 1, .size = SIZE };
	union message message = { .queue_start = { .queue = 1, .size = SIZE, .sq = BASE + SQ_2,
						   .cq = BASE + CQ_2, .index = BASE + INDEX_2 } };
	int fds[3] = { eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
		       memfd_create("record", MFD_CLOEXEC | MFD_ALLOW_SEALING) };

	if (ftruncate(fds[2], size) || fcntl(fds[2], F_ADD_SEALS, F_SEAL_SHRINK) ||
	    pwrite(fds[2], &record, sizeof(record), 0) != sizeof(record) ||
	    request(message, VGPU_MEDIATOR_QUEUE_START, sizeof(message.queue_start), fds, 3))
		stop("QUEUE_START of the second queue");
	kick_2 = fds[0];
}

static struct vgpu_stub_index *second_rings(void)
{
	return (void *)(memory + INDEX_2);
}

static bool run_on_second_queue(uint32_t number)
{
	int64_t end = channel_now() + 60000;
	uint64_t one = 1;

	__atomic_store_n(&second_rings()->sq_tail, number, __ATOMIC_SEQ_CST);
	if (write(kick_2, &one, sizeof(one)) < 0)
		stop("cannot kick");
	while (__atomic_load_n(&second_rings()->cq_tail, __ATOMIC_ACQUIRE) != number) {
		if (channel_now() >= end)
			return false;
		usleep(100);
	}
	return true;
}

/* One after the other, @count null commands of the second queue */
void test_queues(uint32_t count, int milliseconds)
{
	bool good = true;
	uint32_t complete;
	int64_t start;
	int took;

	connect_all();
	start_second_queue();
	for (int i = 0; i < LONG_COMMANDS; i++)
		submit(long_command());
	while (state_of(0) == VGPU_MEDIATOR_SLOT_FREE)
		usleep(100);
	start = channel_now();
	for (uint32_t i = 1; i <= count; i++)
		good = good && run_on_second_queue(i);
	took = channel_now() - start;
	complete = __atomic_load_n(&rings()->cq_tail, __ATOMIC_ACQUIRE);
	ok(good, "commands of the second queue");
	printf("# in %d ms; the first queue completed %u\n", took, complete);
	ok(took < milliseconds, "... are executed in time");
	ok(complete <= 1, "... and do not wait for all of the first queue");
	ok(disconnect(), "the lifeline ends");
}
