/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LOG_H
#define LOG_H

#include <syslog.h>

/*
 * Write a line to standard error, in one call. @priority is one of syslog(3); systemd's
 * journal gets it as a prefix. Control characters are replaced.
 */
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
