/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: the error that ends a run
 *
 * The function that fails records it and returns; main() shows it.
 */
#ifndef ERROR_H
#define ERROR_H

#include <stdbool.h>

/* Exit status, as the manual page lists them */
enum {
	EXIT_PASSED = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,		/* or unreadable input, or lost output */
	EXIT_NO_DEVICE = 3,
	EXIT_INCOMPLETE = 4,
};

#define MAX_HINTS	12

struct error {
	int status;		/* EXIT_PASSED while there is none */
	bool is_memory;		/* there was none, so other outputs may lack it */
	char text[512];
	char hints[MAX_HINTS][256];	/* what to check, in this order */
	unsigned int hint_count;
};

extern struct error error;

/* Record an error, unless there is one already; always false */
bool fail(int status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
bool out_of_memory(void);
bool has_failed(void);
/* Replaces characters that would control a terminal or end the line */
void make_printable(char *text);
void add_hint(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* ERROR_H */
