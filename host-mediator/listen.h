/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LISTEN_H
#define LISTEN_H

#include "options.h"

/* Create the socket of --socket-path and listen. Returns -1 after logging why it failed. */
int listen_on(const struct options *options);

#endif
