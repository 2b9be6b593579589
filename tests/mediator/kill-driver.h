/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver and its queue, for tests in which workers are killed
 */
#ifndef KILL_DRIVER_H
#define KILL_DRIVER_H

#include <stdio.h>
#include "queue.h"

#define ENTRIES 64
#define IDS 1000000 /* what a test submits at most */

/* Commands of this test */
#define OP_TWICE 0x0001 /* result: 2 * arg; harmless to repeat */
#define OP_ONCE 0x0002 /* must not be repeated */
#define OP_BAD 0x0003 /* ERR_OPCODE */

struct shared {
	struct vgpu_stub_index index;
	struct vgpu_stub_sqe sq[ENTRIES];
	struct vgpu_stub_cqe cq[ENTRIES];
	struct vgpu_mediator_record record;
	struct vgpu_mediator_slot slots[ENTRIES];
	unsigned char executions[IDS];
};

extern struct shared *shared;
extern uint32_t size, submitted, consumed;
extern unsigned char completions[IDS];
extern int call; /* an eventfd */
extern unsigned long faults;

#define CHECK(condition, ...) \
	do { \
		if (!(condition) && faults++ < 20) \
			printf("# line %d: ", __LINE__), printf(__VA_ARGS__), printf(": %s\n", #condition); \
	} while (0)

/* Begin with an empty queue */
void reset(uint32_t entries);
bool can_replay(unsigned int opcode);
/* Submit the next command if there is room and it is below @limit */
bool submit(uint32_t limit);
/* Check the completions that are new; false if there are none */
bool consume(void);
/* Each command must be complete now */
void check_end(void);

#endif
