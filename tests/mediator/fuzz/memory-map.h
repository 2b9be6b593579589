/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is where in the memory of the guest that a worker is fuzzed with */
#ifndef MEMORY_MAP_H
#define MEMORY_MAP_H

#include "guest.h"

/* The file: canaries, the writable regions, and one that is read-only */
#define FILE_SIZE 0x60000
#define CANARY 0x5a
#define WRITABLE_AT 0x10000
#define WRITABLE_SIZE 0x30000
#define READ_ONLY_AT 0x40000
#define READ_ONLY_SIZE 0x10000

/* On the bus, the writable memory is two regions, and the read-only one follows them */
#define BASE 0x100000000ULL
#define HALF 0x20000

/* In the writable memory: queues, then lists, then data */
#define QUEUE_SPACE 0x3000
#define QUEUE_AT(queue) ((queue) * QUEUE_SPACE)
#define CQ_AT 0x1000
#define INDEX_AT 0x2000
#define LISTS_AT 0xa000
#define DATA_AT 0x10000

#define RECORD_SIZE (sizeof(struct vgpu_mediator_record) + \
		     ENTRIES * sizeof(struct vgpu_mediator_slot))
#define SEGMENTS 4
#define SEGMENTS_SIZE (SEGMENTS * sizeof(struct vgpu_stub_segment))

struct guest {
	int fd; /* of the connection, -1: closed */
	uint32_t serial;
	int memory_fd, segments_fd, turn_fd, call, kicks[QUEUES], record_fds[QUEUES];
	unsigned char *memory, *segments, *records[QUEUES];
	uint32_t tails[QUEUES]; /* SQ_TAIL */
	size_t rest; /* of the message that is received, behind its header */
	bool complete;
	/* unanswered EXECUTE */
	uint32_t execute_serials[QUEUES];
	unsigned int executes;
};

extern struct guest guest;

void guest_clear_queue(unsigned int queue);
void guest_want_turn(bool wanted);
void guest_send(const void *bytes, size_t length, const int *fds, size_t count);
/* Sets the header, and converts the message */
void guest_send_message(union message *message, unsigned int type, size_t length,
			const int *fds, size_t count);
const union message *guest_next_message(void);

/* As a device sends them */
void send_hello(unsigned int features);
void send_memory(void);
void send_queue_start(unsigned int queue);
void send_buffer(unsigned int handle);

void submit(unsigned int queue, const struct vgpu_stub_sqe *entry);
void submit_any(struct input *in, unsigned int queue, bool bad);
struct vgpu_stub_index *index_of(unsigned int queue);

#endif
