/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other side of a worker that is fuzzed: a hostile guest, and a device that can be
 * hostile, too. What they do is decided by the bytes of an input.
 */
#ifndef GUEST_H
#define GUEST_H

#include "message.h"
#include "turn.h"

#define QUEUES 3 /* of the device */
#define ENTRIES 16 /* of a queue */

struct input {
	const uint8_t *data;
	size_t size;
};

/* The next bytes as a number; zeros after the end */
uint64_t take(struct input *in, unsigned int bytes);

/* Once */
void guest_init(void);
/* A new connection: its descriptor for the worker */
int guest_connect(struct turn *turn);
void guest_disconnect(void);
/* Most devices begin as they should */
void guest_start(struct input *in);
/* Take one action of the input */
void guest_act(struct input *in);
/* Receive what the worker has sent, and answer EXECUTE as the input says */
void guest_receive(struct input *in);
/* Give the worker a turn if it asked for one */
void guest_schedule(void);
/* Nothing outside the regions was written, nor in one that is read-only */
void guest_check_memory(void);

/* A device and guest that keep to the rules. Returns false until all has worked. */
void witness_start(void);
bool witness_works(void);

extern uint64_t guest_entries;

#define check(condition) \
	do { \
		if (!(condition)) \
			guest_fail(#condition, __FILE__, __LINE__); \
	} while (0)
__attribute__((noreturn)) void guest_fail(const char *what, const char *file, int line);

#endif
