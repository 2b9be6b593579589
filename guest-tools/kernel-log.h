/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: the lines of the kernel log that speak of the device
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <stdbool.h>

/*
 * Calls take() for each line that holds one of the words (the last is NULL), in
 * any case of letters. False where the kernel does not let this user read it.
 */
bool read_kernel_log(const char *const *words,
		     void (*take)(const char *line, void *data), void *data);

#endif /* KERNEL_LOG_H */
