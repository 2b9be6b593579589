/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe host: checks of the host that runs the virtual machine
 */
#ifndef HOST_H
#define HOST_H

#include "../read/qemu.h"
#include "command.h"

#define TIME_LIMIT	"10"	/* seconds, for each program that is run */

/* host-logs.c */
CHECK_FUNCTION(check_logs);

/* host-emulator.c */
CHECK_FUNCTION(check_compiled);

#endif /* HOST_H */
