// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Verified work that goes on until SIGTERM, while what executes it is killed: every
 * command must end exactly once, well, and with the right data
 */
#include <signal.h>

#include "calls.h"

#define DEPTH		16
#define PART		(512 << 10)	/* of the buffers, for each slot */
#define CRC_LENGTH	(DEPTH / 4 * PART)	/* takes so long that kills come in the middle */
#define GAPS_MAX	100000
#define GAP_NS		(5 * SECOND / 1000)	/* shorter ones are of no interest */

static volatile sig_atomic_t stop;
static struct buffer from, to;
static __u64 crc;	/* of CRC_LENGTH bytes that stay as they are */
static bool in_flight[DEPTH];
static __u64 pattern[DEPTH], submitted, ended, failed, wrong, twice;
static __u32 first_failure;
static __u32 gap_us[GAPS_MAX];
static unsigned int gaps;

static void end(int number)
{
	(void)number;
	stop = 1;
}

/* 4 KiB to 512 KiB; a slot keeps its size */
static __u64 size_of(unsigned int slot)
{
	return 4096ULL << slot % 8;
}

static void set(struct buffer buffer, unsigned int slot, __u64 value)
{
	__u64 *words = (__u64 *)(buffer.data + slot * PART);

	for (__u64 i = 0; i < size_of(slot) / 8; i++)
		words[i] = value + i;
}

static bool is_copied(unsigned int slot)
{
	return !memcmp(from.data + slot * PART, to.data + slot * PART, size_of(slot));
}

static bool is_filled(unsigned int slot)
{
	const __u64 *words = (const __u64 *)(to.data + slot * PART);

	for (__u64 i = 0; i < size_of(slot) / 8; i++)
		if (words[i] != pattern[slot])
			return false;
	return true;
}

/* Slots 0 to 7 copy, 8 to 13 fill, the others compute a checksum */
static __u32 opcode_of(unsigned int slot)
{
	if (slot < 8)
		return VGPU_STUB_OP_COPY;
	return slot < 14 ? VGPU_STUB_OP_FILL : VGPU_STUB_OP_CRC32C;
}

/* What is in "to" before is always wrong */
static void prepare(unsigned int slot, struct vgpu_stub_command *command)
{
	pattern[slot] = ++submitted * 0x9e3779b97f4a7c15ULL;
	if (command->opcode == VGPU_STUB_OP_CRC32C) {
		command->out = part(from, DEPTH / 2 * PART, CRC_LENGTH);
		return;
	}
	set(to, slot, ~pattern[slot]);
	command->in = part(to, slot * PART, size_of(slot));
	if (command->opcode == VGPU_STUB_OP_FILL) {
		command->arg = pattern[slot];
		return;
	}
	set(from, slot, pattern[slot]);
	command->out = part(from, slot * PART, size_of(slot));
}

static void start(int fd, unsigned int slot)
{
	struct vgpu_stub_command command = { .opcode = opcode_of(slot), .user_data = slot };

	prepare(slot, &command);
	in_flight[slot] = true;
	must(!submit_one(fd, command), "submit");
}

static bool is_right(unsigned int slot, __u64 result)
{
	switch (opcode_of(slot)) {
	case VGPU_STUB_OP_COPY:
		return is_copied(slot);
	case VGPU_STUB_OP_FILL:
		return is_filled(slot);
	default:
		return result == crc;
	}
}

static void finish(const struct vgpu_stub_completion *done)
{
	unsigned int slot = done->user_data;

	if (slot >= DEPTH || !in_flight[slot]) {
		twice++;
		return;
	}
	in_flight[slot] = false;
	ended++;
	if (done->status) {
		first_failure = failed++ ? first_failure : done->status;
		return;
	}
	if (!is_right(slot, done->result))
		wrong++;
}

/*
 * If a worker is killed while the program looks at completions, the next call may still
 * return some of before. So what is noted begins at the last call but one: it is not
 * shorter than the time from the worker's death to the first completion after it. A long
 * time is noted once.
 */
static void note_gap(void)
{
	static __u64 last, before;
	__u64 time = now(), gap = last ? time - last : 0;

	last = time;
	if (gap >= GAP_NS && gaps < GAPS_MAX)
		gap_us[gaps++] = (gap >= before ? gap + before : gap) / 1000;
	before = gap;
}

static int wait_for_some(int fd, struct vgpu_stub_completion *done)
{
	int count;

	do
		count = wait_for(fd, done, 1, DEPTH, 60 * SECOND);
	while (count < 0 && errno == EINTR);
	note_gap();
	return count;
}

static unsigned int count_in_flight(void)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < DEPTH; i++)
		count += in_flight[i];
	return count;
}

static void work(int fd)
{
	struct vgpu_stub_completion done[DEPTH];

	for (unsigned int i = 0; i < DEPTH; i++)
		start(fd, i);
	while (count_in_flight()) {
		int count = wait_for_some(fd, done);

		if (count < 0)
			break;
		for (int i = 0; i < count; i++) {
			finish(&done[i]);
			if (!stop && done[i].user_data < DEPTH)
				start(fd, done[i].user_data);
		}
	}
	/* one more than were submitted */
	if (wait_for(fd, done, 1, DEPTH, SECOND / 10) > 0)
		twice++;
}

void outlive(void)
{
	struct sigaction action = { .sa_handler = end };
	struct vgpu_stub_command checksum = { .opcode = VGPU_STUB_OP_CRC32C };
	int fd = open_device();

	sigaction(SIGTERM, &action, NULL);
	from = make_buffer(fd, DEPTH * PART);
	to = make_buffer(fd, DEPTH * PART);
	for (unsigned int i = DEPTH / 2; i < DEPTH; i++)
		set(from, i, i);
	checksum.out = part(from, DEPTH / 2 * PART, CRC_LENGTH);
	must(run(fd, checksum, &crc) == VGPU_STUB_OK, "a checksum");
	work(fd);
	printf("submitted %llu, ended %llu, failed %llu, first status 0x%x, wrong %llu, twice %llu, lost %u\n",
	       submitted, ended, failed, first_failure, wrong, twice, count_in_flight());
	printf("gaps");
	for (unsigned int i = 0; i < gaps; i++)
		printf(" %u", gap_us[i]);
	printf("\n");
}
