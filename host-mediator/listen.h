/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LISTEN_H
#define LISTEN_H

#include "config.h"

/* Create a socket and listen. Returns -1 after logging why it failed. */
int listen_on(const struct socket_config *config);

#endif
