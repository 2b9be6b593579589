/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sandbox of a worker. A worker runs what a guest asks for, so it is treated as
 * hostile: it can compute on the memory that it was given, use its connection, and write
 * to the log. Each layer refuses the same things in another way:
 *
 *   limits      no core file, no more processes, few descriptors, no rights by exec; it
 *               ends with the supervisor, and other processes of its user cannot trace it
 *   namespaces  an empty root directory, no network, no System V IPC, no capabilities
 *   Landlock    no file, no TCP, no abstract socket, no signal to a process outside
 *   seccomp     only the system calls that a worker makes; another one kills it
 *
 * Limits and seccomp are always there. Namespaces and Landlock are used as far as the
 * host offers them.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>

enum sandbox_layer {
	SANDBOX_LIMITS = 1 << 0,
	SANDBOX_NAMESPACES = 1 << 1,
	SANDBOX_LANDLOCK = 1 << 2,
	SANDBOX_SECCOMP = 1 << 3,
	SANDBOX_ALL = (1 << 4) - 1,
};

/* What the host offers */
struct sandbox_level {
	bool user, mount, net, ipc; /* namespaces; mount: with an empty root directory */
	bool seccomp;
	int landlock; /* the version of Landlock's interface, 0: none */
};

/*
 * Put this process, which has one thread, into the sandbox. @layers are those to be used.
 * Returns false if one that is required failed; then the process has to end. A worker
 * enters SANDBOX_NAMESPACES before it closes the descriptors that it has inherited.
 */
bool sandbox_enter(unsigned int layers, struct sandbox_level *level);

/*
 * Prepare the sandbox for all workers, and log the level that they will reach; false if they
 * could not start
 */
bool sandbox_prepare(void);

/*
 * --self-test-sandbox: try what a worker must not do, each in a process of its own: in the
 * sandbox, in the sandbox without seccomp, and without a sandbox. Print a line for each.
 * Returns the exit status: 0 if all was refused in the sandbox.
 */
int sandbox_test(void);

#endif
