/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: the virtual machines that QEMU runs on this host
 */
#ifndef QEMU_H
#define QEMU_H

#include "read.h"

#define DEVICE_TYPE	"vgpu-stub"	/* in QEMU's -device */

/* Whether a machine was started with the device */
enum presence {
	PRESENCE_NO,
	PRESENCE_YES,
	PRESENCE_UNKNOWN,	/* its -readconfig file cannot be read */
};

struct machine {
	unsigned int pid;
	enum presence device;
	char name[128];		/* "" if it has none */
	char program[256];	/* QEMU's path on this host */
};

struct machines {
	struct machine *list;	/* by process ID */
	unsigned int count;
	unsigned int hidden;	/* processes that this user may not inspect */
	bool no_proc;
};

/*
 * qemu.c: find_machines() is false if an error was recorded. Executables that are
 * found are not run, because they may belong to another user.
 */
extern struct machines machines;
bool find_machines(void);
unsigned int count_machines(enum presence device);

/* qemu-arguments.c: gets the device and the name from a process's arguments */
bool read_arguments(const struct bytes *arguments, const char *process,
		    struct machine *machine);

/* qemu-device.c: parses the arguments of QEMU's options */
bool is_device_option(const char *text);
bool find_option(const char *text, const char *key, char *value, size_t size);

#endif /* QEMU_H */
