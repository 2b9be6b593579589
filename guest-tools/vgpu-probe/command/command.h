/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: the commands
 *
 * Each prints its output and returns the exit status. If it records an error
 * (error.h), main() shows it.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "../show/show.h"

int run_validate(void);
int run_diff(void);
int run_report(void);
int run_host(void);
int run_list_checks(void);
int run_list_methods(void);
int run_list_params(void);

/* validate.c */
int check_devices(const struct source *source);

/* host.c: every check of a host */
const struct check *host_checks(unsigned int *count);

/* nothing.c: hints on where to look for a device that was not found */
void look_for_causes(const struct source *source);

#endif /* COMMAND_H */
