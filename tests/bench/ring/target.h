/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A way to give work to the host, for the benchmark of the ring.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stddef.h>

#define MAX_DEPTH	256

/*
 * All functions end the program with a message on an error. Slots are numbers below
 * the depth; each names one request in flight.
 */
struct target {
	const char *name;
	unsigned int max_depth;
	/* path: what to open; size: bytes of a request, 0 for the smallest */
	void (*open)(const char *path, unsigned int depth, size_t size);
	void (*submit)(const unsigned int *slots, unsigned int count);
	/* Wait for at least one request, and return how many are done */
	unsigned int (*reap)(unsigned int *slots);
};

extern const struct target target_vgpu;		/* NOP or COPY, through the library */
extern const struct target target_uring;	/* NOP, through io_uring */
extern const struct target target_block;	/* direct reads, through io_uring */
extern const struct target target_echo;		/* messages that the host sends back */
extern const struct target target_ivshmem;	/* doorbell and MSI-X, through VFIO */
extern const struct target target_edu;		/* edu's factorial, polled all the time */
extern const struct target target_edu_sleep;	/* the same, polled every 2 ms */
extern const struct target target_memcpy;	/* the guest's own processor */
extern const struct target target_wake;		/* another thread of the program */

void die(const char *what) __attribute__((noreturn));	/* prints errno */
void *zeroed_memory(size_t size);	/* page-aligned, and every page is present */

#endif /* TARGET_H */
