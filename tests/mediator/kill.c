// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kill workers that serve a queue, and check that each command is completed exactly once:
 *
 *   kill instruction    a worker dies at each instruction, and sometimes the next one,
 *                       which recovers the queue, too
 *   kill load COUNT     COUNT workers are killed at random times while the driver submits
 *   kill nobody         the driver's indices and the record are wrong
 *
 * This process is the driver. Workers are children that share its memory.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include "kill-driver.h"

static unsigned long died;

/* The worker */

static unsigned int execute(void *opaque, const struct vgpu_stub_sqe *entry, uint64_t *result)
{
	(void)opaque;
	shared->executions[entry->id]++;
	*result = 2 * entry->arg;
	return entry->opcode == OP_BAD ? VGPU_STUB_ERR_OPCODE : VGPU_STUB_OK;
}

static const struct executor executor = { can_replay, execute, NULL };

static void work(bool once)
{
	struct queue queue = { .index = &shared->index, .sq = shared->sq, .cq = shared->cq,
			       .record = &shared->record, .size = size, .call = call };

	if (queue_recover(&queue))
		_exit(2);
	do {
		while (queue_serve(&queue, &executor, 8))
			;
	} while (!once && !queue.error);
	_exit(queue.error ? 3 : 0);
}

static pid_t fork_worker(bool once, bool traced)
{
	pid_t pid = fork();

	if (pid < 0)
		exit(4);
	if (pid)
		return pid;
	if (traced) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
	}
	work(once);
	return 0;
}

/* Kill a worker after some instructions, if it has not ended by itself */
static void run_steps(unsigned long steps)
{
	pid_t pid = fork_worker(true, true);
	int status;

	waitpid(pid, &status, 0);
	while (steps-- && WIFSTOPPED(status)) {
		ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
		waitpid(pid, &status, 0);
	}
	if (!WIFSTOPPED(status)) {
		CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "status %x", status);
		return;
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	died++;
}

static void run_to_the_end(void)
{
	int status;

	waitpid(fork_worker(true, false), &status, 0);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "status %x", status);
}

/* Some commands have used slots already, and others wait */
static void prepare(void)
{
	reset(4);
	while (submit(3))
		;
	run_to_the_end();
	consume();
	while (submit(7))
		;
}

/* What follows on the death of a worker; each time in four the next one dies too */
static void recover_and_check(unsigned long steps)
{
	consume();
	while (submit(8))
		;
	if (steps % 4 == 0)
		run_steps(steps * 7919 % 1500);
	consume();
	while (submit(9))
		;
	run_to_the_end();
	consume();
	run_to_the_end();
	check_end();
}

/*
 * A killed worker leaves the memory as it is at that instruction. So one worker is stopped
 * at each, the others recover in its place, and then the memory is what it was.
 */
static void kill_at_each_instruction(void)
{
	const size_t used = offsetof(struct shared, executions) + 16;
	struct shared *saved = malloc(used);
	uint32_t before[2];
	unsigned char completed[16];
	unsigned long steps = 0;
	int status;
	pid_t pid;

	prepare();
	pid = fork_worker(true, true);
	for (waitpid(pid, &status, 0); WIFSTOPPED(status) && faults < 20; steps++) {
		memcpy(saved, shared, used);
		memcpy(completed, completions, sizeof(completed));
		before[0] = submitted;
		before[1] = consumed;
		recover_and_check(steps);
		memcpy(shared, saved, used);
		memcpy(completions, completed, sizeof(completed));
		submitted = before[0];
		consumed = before[1];
		ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
		waitpid(pid, &status, 0);
	}
	kill(pid, SIGKILL);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "status %x", status);
	free(saved);
	printf("%lu instructions\n", steps);
}

static void kill_under_load(unsigned long count)
{
	unsigned int seed = 1;
	int status;

	reset(ENTRIES);
	while (died < count && submitted < IDS && faults < 20) {
		pid_t pid = fork_worker(false, false);

		for (int turns = rand_r(&seed) % 200; turns >= 0; turns--) {
			for (int n = rand_r(&seed) % 8; n && submit(IDS); n--)
				;
			consume();
			if (rand_r(&seed) % 4 == 0)
				usleep(rand_r(&seed) % 50);
		}
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		CHECK(WIFSIGNALED(status), "status %x", status);
		died++;
	}
	for (int n = 0; n < 8; n++) {
		run_to_the_end();
		consume();
	}
	check_end();
	printf("%u commands, %lu workers killed\n", submitted, died);
}

/* A queue of 4, of which a worker has executed 3 commands and published 2 */
static struct queue open_queue(void)
{
	struct queue queue = { .index = &shared->index, .sq = shared->sq, .cq = shared->cq,
			       .record = &shared->record, .size = 4, .call = call };

	reset(4);
	while (submit(3))
		;
	CHECK(!queue_recover(&queue), "a good record");
	while (queue_serve(&queue, &executor, 8))
		;
	CHECK(!queue.error && shared->index.cq_tail == 2, "CQ_TAIL %u", shared->index.cq_tail);
	return queue;
}

static void try_indices(uint32_t sq_tail, uint32_t cq_head, unsigned int error)
{
	struct queue queue = open_queue();

	shared->index.sq_tail = sq_tail;
	shared->index.cq_head = cq_head;
	while (queue_serve(&queue, &executor, 8))
		;
	CHECK(queue.error == error, "SQ_TAIL %u, CQ_HEAD %u: error %u", sq_tail, cq_head,
	      queue.error);
	CHECK(!queue_serve(&queue, &executor, 8), "a queue with an error is not served");
}

static void try_record(uint32_t version, uint32_t entries, uint64_t word, unsigned int status)
{
	struct queue queue = open_queue();

	shared->record.version = version;
	shared->record.size = entries;
	shared->slots[3].word = word;
	CHECK(queue_recover(&queue) == status, "version %u, size %u, word %llx", version, entries,
	      (unsigned long long)word);
}

/* The driver takes back a command while it is executed, before it is published */
static unsigned int take_back(void *opaque, const struct vgpu_stub_sqe *entry, uint64_t *result)
{
	(void)opaque;
	(void)result;
	shared->index.sq_tail = entry->id;
	return VGPU_STUB_OK;
}

static void try_taking_back(void)
{
	const struct executor taking_back = { can_replay, take_back, NULL };
	struct queue queue = open_queue();

	consume();
	while (submit(6))
		;
	queue_serve(&queue, &taking_back, 8);
	CHECK(queue.error == VGPU_STUB_QERR_SQ_TAIL, "error %u", queue.error);
}

static void try_what_is_wrong(void)
{
	try_taking_back();
	try_indices(3, 0, 0);
	try_indices(7, 2, 0);
	try_indices(8, 2, VGPU_STUB_QERR_SQ_TAIL);
	try_indices(2, 0, VGPU_STUB_QERR_SQ_TAIL);
	try_indices(UINT32_MAX, 0, VGPU_STUB_QERR_SQ_TAIL);
	try_indices(7, 100, VGPU_STUB_QERR_CQ_HEAD);
	try_indices(7, (uint32_t)-3, VGPU_STUB_QERR_CQ_HEAD);
	try_record(1, 4, 0, VGPU_MEDIATOR_OK);
	try_record(2, 4, 0, VGPU_MEDIATOR_FAIL_RECORD);
	try_record(1, 8, 0, VGPU_MEDIATOR_FAIL_RECORD);
	try_record(1, 4, 4ULL << 32 | 3, VGPU_MEDIATOR_FAIL_RECORD);
	try_record(1, 4, 4ULL << 32 | 7, VGPU_MEDIATOR_OK);
}

int main(int argc, char **argv)
{
	call = eventfd(0, EFD_NONBLOCK);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED || argc < 2)
		return 2;
	if (!strcmp(argv[1], "instruction"))
		kill_at_each_instruction();
	else if (!strcmp(argv[1], "nobody"))
		try_what_is_wrong();
	else
		kill_under_load(strtoul(argv[2], NULL, 0));
	printf("%lu faults\n", faults);
	return faults != 0;
}
