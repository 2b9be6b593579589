/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: the lines that another program prints
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdio.h>

/*
 * Runs a program, without a shell, and calls take() for each line that it writes
 * to its standard output or error. argv ends with NULL; begin it with timeout(1).
 * Returns the exit status, 127 where the program could not be run.
 */
int read_program(const char *const *argv,
		 void (*take)(const char *line, void *data), void *data);

#endif /* PROGRAM_H */
