// SPDX-License-Identifier: GPL-2.0-or-later
#include <endian.h>
#include <string.h>
#include <unistd.h>
#include "queue.h"
#include "vgpu_engine.h"

/* How many completions the driver sees at a time */
#define BATCH 16

/* Shared memory: a store is visible after all earlier ones */

static uint32_t load(const vgpu_stub_le32 *at)
{
	return le32toh(__atomic_load_n(at, __ATOMIC_ACQUIRE));
}

static void store(vgpu_stub_le32 *at, uint32_t value)
{
	__atomic_store_n(at, htole32(value), __ATOMIC_RELEASE);
}

static struct vgpu_mediator_slot *slot_of(const struct queue *queue, uint32_t i)
{
	struct vgpu_mediator_slot *slots = (void *)(queue->record + 1);

	return &slots[i % queue->size];
}

static void set_state(struct queue *queue, uint32_t i, uint64_t state)
{
	__atomic_store_n(&slot_of(queue, i)->word, htole64(state << 32 | i), __ATOMIC_RELEASE);
}

/* The state of command @i; a slot that holds another one is free for it */
static uint32_t state_of(const struct queue *queue, uint32_t i)
{
	uint64_t word = le64toh(__atomic_load_n(&slot_of(queue, i)->word, __ATOMIC_ACQUIRE));

	return (uint32_t)word == i ? word >> 32 : VGPU_MEDIATOR_SLOT_FREE;
}

static bool is_complete(const struct queue *queue, uint32_t i)
{
	return state_of(queue, i) >= VGPU_MEDIATOR_SLOT_DONE;
}

/* Completing */

static void write_completion(struct queue *queue, const struct vgpu_mediator_slot *slot)
{
	struct vgpu_stub_cqe *cqe = &queue->cq[le32toh(slot->cq_index) % queue->size];

	cqe->id = slot->entry.id;
	cqe->status = slot->status;
	cqe->reserved = 0;
	cqe->result = slot->result;
}

static void signal_driver(struct queue *queue)
{
	uint64_t one = 1;

	/* if the counter is full, the device has a signal to see anyway */
	if (write(queue->call, &one, sizeof(one)) < 0)
		return;
}

static void publish(struct queue *queue, bool always_signal)
{
	uint32_t old = queue->published;

	store(&queue->record->cq_tail, queue->tail);
	store(&queue->index->cq_tail, queue->tail);
	queue->published = queue->tail;
	while (queue->head != queue->next && is_complete(queue, queue->head))
		queue->head++;
	store(&queue->record->sq_head, queue->head);
	store(&queue->index->sq_head, queue->head);
	/* pairs with the driver's barrier between CQ_EVENT and CQ_TAIL */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (always_signal ||
	    queue->tail - load(&queue->index->cq_event) - 1 < queue->tail - old)
		signal_driver(queue);
	meter_publish(&queue->meter, queue->busy);
}

/* Setting the state completes the command; after that it is not executed again */
static void finish(struct queue *queue, uint32_t i, unsigned int status, uint64_t result)
{
	struct vgpu_mediator_slot *slot = slot_of(queue, i);

	meter_end(&queue->meter, !status,
		  (uint64_t)le32toh(slot->entry.out.len) + le32toh(slot->entry.in.len));
	slot->status = htole16(status);
	slot->result = htole64(status ? 0 : result);
	if (!status && le16toh(slot->entry.flags) & VGPU_STUB_SQE_QUIET) {
		set_state(queue, i, VGPU_MEDIATOR_SLOT_QUIET);
		return;
	}
	slot->cq_index = htole32(queue->tail);
	set_state(queue, i, VGPU_MEDIATOR_SLOT_DONE);
	queue->tail++;
	write_completion(queue, slot);
}

/* Executing */

/* Give the command @i, which is started, to the executor */
static void begin(struct queue *queue, uint32_t i)
{
	struct vgpu_stub_sqe *entry = &queue->entry;

	*entry = slot_of(queue, i)->entry;
	vgpu_sqe_to_host(entry);
	queue->running = i;
	queue->busy = true;
	meter_begin(&queue->meter);
}

static unsigned int execute(struct queue *queue, const struct executor *executor)
{
	uint64_t result = 0;
	unsigned int status = executor->execute(executor->opaque, &queue->entry, &result);

	queue->busy = status >= EXECUTOR_BUSY;
	if (!queue->busy)
		finish(queue, queue->running, status, result);
	return status;
}

/* Copy the entry once; the driver can change the one in the ring */
static void start(struct queue *queue, uint32_t i)
{
	struct vgpu_mediator_slot *slot = slot_of(queue, i);

	memcpy(&slot->entry, &queue->sq[i % queue->size], sizeof(slot->entry));
	slot->attempts = htole16(1);
	set_state(queue, i, VGPU_MEDIATOR_SLOT_STARTED);
	begin(queue, i);
	/* the earlier ones are complete, as one is executed at a time */
	if (queue->entry.flags & VGPU_STUB_SQE_BARRIER)
		publish(queue, false);
}

/* Recovery */

static void replay(struct queue *queue, const struct executor *executor, uint32_t i)
{
	struct vgpu_mediator_slot *slot = slot_of(queue, i);
	unsigned int attempts = le16toh(slot->attempts);

	if (attempts >= VGPU_MEDIATOR_ATTEMPTS_MAX ||
	    !executor->can_replay(le16toh(slot->entry.opcode))) {
		finish(queue, i, VGPU_STUB_ERR_BACKEND, 0);
		return;
	}
	slot->attempts = htole16(attempts + 1);
	/* the attempt is counted before it can kill this worker too */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	begin(queue, i);
}

/* A completion from CQ_TAIL of the record on was perhaps not written */
static void recover_completion(struct queue *queue, uint32_t i, uint32_t written)
{
	struct vgpu_mediator_slot *slot = slot_of(queue, i);
	uint32_t index = le32toh(slot->cq_index);

	if (index - written >= queue->size)
		return;
	write_completion(queue, slot);
	if (index - written >= queue->tail - written)
		queue->tail = index + 1;
}

static bool read_record(struct queue *queue)
{
	uint32_t written = load(&queue->record->cq_tail);
	uint32_t state;

	queue->head = queue->next = load(&queue->record->sq_head);
	queue->tail = queue->published = written;
	while (queue->next - queue->head < queue->size &&
	       (state = state_of(queue, queue->next)) != VGPU_MEDIATOR_SLOT_FREE) {
		if (state > VGPU_MEDIATOR_SLOT_QUIET)
			return false;
		if (state == VGPU_MEDIATOR_SLOT_DONE)
			recover_completion(queue, queue->next, written);
		queue->next++;
	}
	return true;
}

unsigned int queue_recover(struct queue *queue)
{
	if (load(&queue->record->version) != VGPU_MEDIATOR_VERSION ||
	    load(&queue->record->size) != queue->size || !read_record(queue))
		return VGPU_MEDIATOR_FAIL_RECORD;
	queue->sq_tail = queue->next;
	queue->cq_head = queue->tail - queue->size;
	queue->full = true;
	queue->busy = false;
	queue->error = VGPU_STUB_QERR_NONE;
	queue->replay = queue->head;
	queue->replay_end = queue->next;
	publish(queue, true);
	return VGPU_MEDIATOR_OK;
}

/* Fetching */

static bool read_sq_tail(struct queue *queue)
{
	queue->sq_tail = load(&queue->index->sq_tail);
	/* the second holds if the driver has taken back a command that was fetched */
	if (queue->sq_tail - queue->head > queue->size ||
	    queue->sq_tail - queue->next > queue->size)
		queue->error = VGPU_STUB_QERR_SQ_TAIL;
	return !queue->error;
}

static bool read_cq_head(struct queue *queue)
{
	queue->cq_head = load(&queue->index->cq_head);
	if (queue->published - queue->cq_head > queue->size)
		queue->error = VGPU_STUB_QERR_CQ_HEAD;
	return !queue->error;
}

/* Whether there is an entry. If not, request a doorbell and look again. */
static bool has_entry(struct queue *queue)
{
	if (queue->next != queue->sq_tail)
		return true;
	if (!read_sq_tail(queue))
		return false;
	if (queue->next != queue->sq_tail)
		return true;
	publish(queue, false);
	store(&queue->index->sq_event, queue->next);
	/* pairs with the driver's barrier between SQ_TAIL and SQ_EVENT */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return read_sq_tail(queue) && queue->next != queue->sq_tail;
}

static void set_full(struct queue *queue, bool full)
{
	if (full != queue->full)
		store(&queue->index->flags, full ? VGPU_STUB_INDEX_CQ_FULL : 0);
	queue->full = full;
}

/* Whether there is room for a completion. If not, ask for a doorbell and look again. */
static bool has_room(struct queue *queue)
{
	if (queue->tail - queue->cq_head < queue->size)
		return true;
	publish(queue, false);
	if (!read_cq_head(queue))
		return false;
	if (queue->tail - queue->cq_head == queue->size) {
		set_full(queue, true);
		/* pairs with the driver's barrier between CQ_HEAD and FLAGS */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (!read_cq_head(queue) || queue->tail - queue->cq_head == queue->size)
			return false;
	}
	set_full(queue, false);
	return true;
}

/* Whether a command is left that an earlier worker has started */
static bool has_started(struct queue *queue)
{
	while (queue->replay != queue->replay_end &&
	       state_of(queue, queue->replay) != VGPU_MEDIATOR_SLOT_STARTED)
		queue->replay++;
	return queue->replay != queue->replay_end;
}

/* Returns whether there was a command. The executor does not get one that is not replayed. */
static bool begin_next(struct queue *queue, const struct executor *executor, bool must_publish)
{
	if (has_started(queue)) {
		replay(queue, executor, queue->replay++);
		return true;
	}
	if (!has_entry(queue) || !has_room(queue))
		return false;
	/* the slot is free when the command that had it is before SQ_HEAD */
	if (must_publish || queue->next - queue->head >= queue->size)
		publish(queue, false);
	start(queue, queue->next++);
	return true;
}

bool queue_serve(struct queue *queue, const struct executor *executor, unsigned int max)
{
	bool more = !queue->error;
	unsigned int status = VGPU_STUB_OK;

	for (unsigned int n = 0; more && status < EXECUTOR_BUSY && n < max; n++) {
		if (!queue->busy)
			more = begin_next(queue, executor, n % BATCH == BATCH - 1);
		if (queue->busy)
			status = execute(queue, executor);
	}
	publish(queue, false);
	return more && status != EXECUTOR_WAIT;
}

/* Stopping */

static bool can_cancel(const struct queue *queue, const struct executor *executor, uint32_t i)
{
	return state_of(queue, i) == VGPU_MEDIATOR_SLOT_STARTED &&
	       executor->can_replay(le16toh(slot_of(queue, i)->entry.opcode));
}

void queue_stop(struct queue *queue, const struct executor *executor)
{
	/* the last one first: a worker that recovers the queue stops at a free slot */
	while (queue->next != queue->head && can_cancel(queue, executor, queue->next - 1))
		set_state(queue, --queue->next, VGPU_MEDIATOR_SLOT_FREE);
	for (uint32_t i = queue->head; i != queue->next; i++) {
		if (state_of(queue, i) == VGPU_MEDIATOR_SLOT_STARTED)
			finish(queue, i, VGPU_STUB_ERR_BACKEND, 0);
	}
	queue->busy = false;
	publish(queue, false);
}
