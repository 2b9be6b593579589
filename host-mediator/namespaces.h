/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The namespaces of the workers: no network, no System V IPC, and a root directory that is
 * empty. They are created once and outlive each worker. If each had its own, the kernel would
 * tear down file systems when a worker starts and ends, which takes up to seconds on a
 * machine that is busy, and the device would wait for it.
 */
#ifndef NAMESPACES_H
#define NAMESPACES_H

#include <stdbool.h>

enum namespace {
	NAMESPACE_USER,
	NAMESPACE_MOUNT,
	NAMESPACE_NET,
	NAMESPACE_IPC,
	NAMESPACES,
};

/* Create those that the host allows, in a process that ends */
void namespaces_create(void);

/* Let this process, which has one thread, join them. Returns a bit for each that it is in. */
unsigned int namespaces_join(void);

#endif
