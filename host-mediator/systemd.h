/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two things that systemd and its services tell each other: sockets and state */
#ifndef SYSTEMD_H
#define SYSTEMD_H

#include "config.h"

/* Use the sockets that systemd passed, as in sd_listen_fds(3). False if one is of no use. */
bool systemd_take_sockets(const struct config *config);
/* Send a state to a service manager that waits for it, as in sd_notify(3) */
void systemd_notify(const char *state);

#endif
