/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One io_uring, for the targets that use it. Errors end the program with a message */
#ifndef IOURING_H
#define IOURING_H

#include <liburing.h>

void open_ring(unsigned int depth);
struct io_uring_sqe *next_entry(void);	/* its user data is the slot */
void submit_entries(unsigned int count);
/* Wait for at least one; fills slots, and returns how many. Each must end with result */
unsigned int reap_entries(unsigned int *slots, int result);

#endif /* IOURING_H */
