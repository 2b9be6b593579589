// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-run: keep DEPTH commands in flight until COUNT are done
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "run.h"

/* No command of this tool takes as long */
#define TIMEOUT_S	60
#define TIMEOUT_NS	(TIMEOUT_S * 1000000000LL)

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static bool fail_call(const char *what, int ret)
{
	if (ret == -ENODEV)
		return fail(EXIT_BAD, "%s: the device was removed, or its driver unbound",
			    what);
	if (ret == -ETIMEDOUT)
		return fail(EXIT_BAD, "%s: no completion in %u s; dmesg | grep vgpu may say why",
			    what, TIMEOUT_S);
	return fail(EXIT_BAD, "%s: %s", what, strerror(-ret));
}

/*** Memory ***/

static bool fail_memory(uint64_t length, int ret)
{
	struct rlimit limit;

	if (ret != -ENOMEM)
		return fail_call("cannot allocate memory for the device", ret);
	if (!getrlimit(RLIMIT_MEMLOCK, &limit) && limit.rlim_cur != RLIM_INFINITY)
		return fail(EXIT_USAGE,
			    "cannot allocate %llu KiB for the device: no memory, or above the limit of locked memory, %llu KiB (ulimit -l); try a smaller --size or --depth",
			    (unsigned long long)length >> 10,
			    (unsigned long long)limit.rlim_cur >> 10);
	return fail(EXIT_USAGE,
		    "cannot allocate %llu KiB for the device: no memory; try a smaller --size or --depth",
		    (unsigned long long)length >> 10);
}

static bool get_part(struct run *run, uint32_t access,
		     struct vgpu_stub_memory *memory)
{
	uint64_t length = run->options->size * run->options->depth;
	int ret;

	if (length > run->info.max_length)
		return fail(EXIT_USAGE,
			    "--size %llu with --depth %u needs buffers of %llu bytes; the device accepts up to %llu",
			    (unsigned long long)run->options->size,
			    run->options->depth, (unsigned long long)length,
			    (unsigned long long)run->info.max_length);
	do {
		ret = vgpu_stub_alloc(run->vgpu, length, access, memory);
	} while (ret == -EINTR);
	return ret ? fail_memory(length, ret) : true;
}

static bool get_memory(struct run *run)
{
	enum operation operation = run->options->operation;

	if ((operation == OP_COPY || operation == OP_CRC) &&
	    !get_part(run, VGPU_STUB_READ, &run->from))
		return false;
	return (operation != OP_COPY && operation != OP_FILL) ||
	       get_part(run, VGPU_STUB_WRITE, &run->to);
}

/*** Commands ***/

static void make_command(struct run *run, unsigned int slot,
			 struct vgpu_stub_command *command)
{
	uint64_t size = run->options->size, offset = slot * size;

	switch (run->options->operation) {
	case OP_NOP:
		return vgpu_stub_nop(command, slot);
	case OP_COPY:
		return vgpu_stub_copy(command, slot, &run->to, offset,
				      &run->from, offset, size);
	case OP_FILL:
		return vgpu_stub_fill(command, slot, &run->to, offset, size,
				      pattern_of(run, slot));
	case OP_CRC:
		return vgpu_stub_crc32c(command, slot, &run->from, offset, size,
					0);
	}
}

static bool submit_all(struct run *run, const struct vgpu_stub_command *commands,
		       unsigned int count)
{
	unsigned int done = 0;
	int ret;

	while (done < count) {
		ret = vgpu_stub_submit(run->vgpu, commands + done, count - done);
		if (ret < 0 && ret != -EINTR)
			return fail_call("cannot submit a command", ret);
		if (ret > 0)
			done += ret;
	}
	return true;
}

/* Submit a command in each of these slots */
static bool submit(struct run *run, const unsigned int *slots,
		   unsigned int count)
{
	struct vgpu_stub_command commands[MAX_DEPTH];
	uint64_t start_ns;

	for (unsigned int i = 0; i < count; i++) {
		run->slots[slots[i]].number = run->submitted++;
		prepare_slot(run, slots[i]);
		make_command(run, slots[i], &commands[i]);
	}
	start_ns = now_ns();
	for (unsigned int i = 0; i < count; i++)
		run->slots[slots[i]].started_ns = start_ns;
	return submit_all(run, commands, count);
}

static bool check_completion(struct run *run,
			     const struct vgpu_stub_completion *completion)
{
	unsigned int slot = completion->user_data;

	if (completion->status)
		return fail(EXIT_BAD, "%s, command %llu: %s (status 0x%x)",
			    operation_names[run->options->operation],
			    (unsigned long long)run->slots[slot].number,
			    vgpu_stub_strstatus(completion->status),
			    completion->status);
	if (!run->options->verify)
		return true;
	if (!verify_slot(run, slot, completion->result))
		return false;
	run->result->verified++;
	return true;
}

/* Returns how many completions were read, 0 after an error */
static unsigned int wait_for_some(struct run *run,
				  struct vgpu_stub_completion *completions)
{
	int ret;

	do {
		ret = vgpu_stub_wait(run->vgpu, completions, 1,
				     run->options->depth, TIMEOUT_NS);
	} while (ret == -EINTR);
	if (ret < 0)
		fail_call("cannot wait for the device", ret);
	return ret < 0 ? 0 : ret;
}

/* Take the completions that are there, and submit as many commands again */
static bool turn(struct run *run)
{
	struct vgpu_stub_completion completions[MAX_DEPTH];
	struct result *result = run->result;
	unsigned int slots[MAX_DEPTH], again = 0;
	unsigned int count = wait_for_some(run, completions);
	uint64_t end_ns = now_ns();

	for (unsigned int i = 0; i < count; i++) {
		unsigned int slot = completions[i].user_data;

		if (!check_completion(run, &completions[i]))
			return false;
		result->done++;
		add_latency(&result->latency, end_ns - run->slots[slot].started_ns);
		if (run->submitted + again < run->options->count)
			slots[again++] = slot;
	}
	return count && submit(run, slots, again);
}

static void work(struct run *run)
{
	const struct options *options = run->options;
	struct result *result = run->result;
	unsigned int slots[MAX_DEPTH];
	unsigned int first = options->count < options->depth ? options->count :
							       options->depth;
	uint64_t start_ns = now_ns();
	bool good;

	for (unsigned int i = 0; i < first; i++)
		slots[i] = i;
	good = submit(run, slots, first);
	while (good && result->done < options->count) {
		good = turn(run);
		result->seconds = (now_ns() - start_ns) / 1e9;
		show_progress(options, result);
	}
	end_progress();
}

/* Closing the device waits for the commands that an error left in flight */
void do_work(const struct options *options, struct result *result)
{
	struct run run = { .options = options, .result = result };

	if (open_device(&run) && get_memory(&run))
		work(&run);
	vgpu_stub_close(run.vgpu);
}
