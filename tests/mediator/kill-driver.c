// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The driver of a queue whose workers are killed: it submits commands, and checks that each
 * has its one completion.
 */
#include <string.h>
#include <unistd.h>
#include "kill-driver.h"

struct shared *shared;
uint32_t size, submitted, consumed;
unsigned char completions[IDS];
int call;
unsigned long faults;

bool can_replay(unsigned int opcode)
{
	return opcode != OP_ONCE;
}

void reset(uint32_t entries)
{
	memset(shared, 0, sizeof(*shared) - sizeof(shared->executions));
	memset(shared->executions, 0, submitted);
	memset(completions, 0, submitted);
	size = entries;
	shared->record.version = VGPU_MEDIATOR_VERSION;
	shared->record.size = size;
	submitted = consumed = 0;
}

static unsigned int opcode_of(uint32_t id)
{
	return id % 7 == 5 ? OP_ONCE : id % 7 == 4 ? OP_BAD : OP_TWICE;
}

static bool is_quiet(uint32_t id)
{
	return id % 5 == 1;
}

bool submit(uint32_t limit)
{
	struct vgpu_stub_sqe entry = { .id = submitted, .arg = submitted * 3ULL,
				       .opcode = opcode_of(submitted),
				       .flags = is_quiet(submitted) ? VGPU_STUB_SQE_QUIET : 0 };

	if (submitted == limit || submitted - __atomic_load_n(&shared->index.sq_head,
							       __ATOMIC_ACQUIRE) >= size)
		return false;
	shared->sq[submitted % size] = entry;
	__atomic_store_n(&shared->index.sq_tail, ++submitted, __ATOMIC_SEQ_CST);
	return true;
}

static void check_completion(const struct vgpu_stub_cqe *cqe)
{
	uint32_t id = cqe->id;
	unsigned int opcode;

	CHECK(id < submitted, "id %u", id);
	if (id >= submitted)
		return;
	opcode = opcode_of(id);
	completions[id]++;
	CHECK(completions[id] == 1, "id %u", id);
	if (cqe->status == VGPU_STUB_ERR_BACKEND) {
		CHECK(cqe->result == 0, "id %u", id);
		CHECK(!can_replay(opcode), "id %u was started %u times", id,
		      shared->executions[id]);
		return;
	}
	CHECK(cqe->status == (opcode == OP_BAD ? VGPU_STUB_ERR_OPCODE : 0), "id %u", id);
	CHECK(cqe->result == (cqe->status ? 0 : id * 6ULL), "id %u", id);
	CHECK(shared->executions[id], "id %u", id);
	CHECK(!is_quiet(id) || cqe->status, "id %u is quiet", id);
}

bool consume(void)
{
	uint32_t tail = __atomic_load_n(&shared->index.cq_tail, __ATOMIC_ACQUIRE);

	CHECK(tail - consumed <= size, "CQ_TAIL %u, CQ_HEAD %u", tail, consumed);
	if (tail == consumed || tail - consumed > size)
		return false;
	while (consumed != tail) {
		check_completion(&shared->cq[consumed % size]);
		consumed++;
	}
	__atomic_store_n(&shared->index.cq_head, consumed, __ATOMIC_SEQ_CST);
	return true;
}

void check_end(void)
{
	uint64_t count = 0;

	CHECK(shared->index.sq_head == submitted, "SQ_HEAD %u of %u",
	      shared->index.sq_head, submitted);
	for (uint32_t id = 0; id < submitted; id++) {
		bool none = is_quiet(id) && opcode_of(id) != OP_BAD;

		/* a quiet command that was not replayed has failed, so it has one */
		if (none && opcode_of(id) == OP_ONCE)
			none = !completions[id];
		CHECK(completions[id] == !none, "id %u", id);
		CHECK(can_replay(opcode_of(id)) || shared->executions[id] <= 1, "id %u",
		      id);
	}
	CHECK(read(call, &count, sizeof(count)) == sizeof(count), "a signal");
}
