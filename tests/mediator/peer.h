// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device's end of a connection to vgpu-mediator. A test has one connection at a time;
 * what a function cannot do ends the test.
 */
#ifndef PEER_H
#define PEER_H

#include "message.h"

#define BASE 0x100000000ULL /* bus address of the memory */
#define MEMORY 0x800000
#define SQ 0
#define CQ 0x10000
#define INDEX 0x20000
#define LIST 0x30000
#define DATA 0x100000
#define SIZE 64 /* entries of the queue */
#define HANDLE 5
#define LATE_MS 5000

struct peer {
	const char *path;	/* of the socket */
	unsigned int features;	/* that HELLO offers */
	bool answer_executes;
	unsigned int executes;
	int fd, lifeline;
	uint32_t serial;	/* of the last request */
	union message in;
};

extern struct peer peer;

/* TAP */
void ok(bool good, const char *name);
__attribute__((noreturn)) void stop(const char *why);
int done_testing(void);

/* The serial of the request */
uint32_t send_request(union message message, unsigned int type, size_t length,
		      const int *fds, size_t count);
/* The next message, in peer.in; false at the end of the connection */
bool receive(void);
/*
 * This and what else returns unsigned int: STATUS of the answer, 100 + the fault, or 99 if
 * the connection ended
 */
unsigned int wait_for(uint32_t serial);
unsigned int request(union message message, unsigned int type, size_t length,
		     const int *fds, size_t count);
unsigned int add_buffer(void);
unsigned int remove_buffer(void);
void answer_execute(uint32_t serial, unsigned int status, unsigned int command_status,
		    uint64_t result);
/* Answer EXECUTE as the device does */
void execute(void);
int connect_to(void);
unsigned int hello(void);
unsigned int simple(unsigned int type);
unsigned int add_memory(void);
unsigned int start_queue(void);
uint32_t send_stop(void);
void connect_all(void);
/* Whether the worker has ended */
bool lifeline_ends(int milliseconds);
bool disconnect(void);

#endif
