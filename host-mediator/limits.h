/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VM may use of the mediator; the configuration file defines it */
#ifndef LIMITS_H
#define LIMITS_H

#include <stdint.h>

#define WEIGHT_MAX 1000

/* 0 is no limit */
struct limits {
	uint64_t weight; /* share of the VM while others work too; 1 to WEIGHT_MAX */
	uint64_t commands; /* in flight */
	uint64_t bytes; /* of commands in flight */
	uint64_t memory; /* bytes that a worker may map of the guest */
	uint64_t time_ms; /* that a command may take */
};

#endif
