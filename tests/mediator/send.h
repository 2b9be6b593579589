// SPDX-License-Identifier: GPL-2.0-or-later
/* Send bytes and descriptors as no well-behaved peer would */
#ifndef SEND_H
#define SEND_H

#include <stddef.h>

#define SEND_FDS_MAX 16

void send_bytes(int fd, const void *bytes, size_t length, const int *fds, size_t count);

#endif
