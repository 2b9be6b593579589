/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: the virtual machines that QEMU runs on this host
 */
#ifndef QEMU_H
#define QEMU_H

#include "read.h"

#define DEVICE_TYPE	"vgpu-stub"	/* as QEMU's -device takes it */

/* Whether a machine was started with the device */
enum presence {
	PRESENCE_NO,
	PRESENCE_YES,
	PRESENCE_UNKNOWN,	/* a file that says so cannot be read */
};

struct machine {
	unsigned int pid;
	enum presence device;
	char name[128];		/* "" if it has none */
	char program[256];	/* what QEMU is called on this host */
};

struct machines {
	struct machine *list;	/* by process ID */
	unsigned int count;
	unsigned int hidden;	/* processes that this user may not look at */
	bool no_proc;
};

/*
 * qemu.c: find_machines() is false if an error was recorded. Nothing that is found
 * is run: it may belong to somebody else than whoever runs this.
 */
extern struct machines machines;
bool find_machines(void);
unsigned int count_machines(enum presence device);

/* qemu-arguments.c: takes the device and the name from the arguments of a process */
bool read_arguments(const struct bytes *arguments, const char *process,
		    struct machine *machine);

/* qemu-device.c: what QEMU's options were given */
bool is_device_option(const char *text);
bool find_option(const char *text, const char *key, char *value, size_t size);

#endif /* QEMU_H */
