/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of options and of the configuration file. False: the text is not such a value. */
#ifndef PARSE_H
#define PARSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Digits, which K, M or G may follow if @units are allowed */
bool parse_number(const char *text, bool units, uint64_t *number);
/* A name that the host knows, or a number */
bool parse_user(const char *text, uid_t *user);
bool parse_group(const char *text, gid_t *group);

#endif
