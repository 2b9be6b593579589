/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-run: what its files share
 */
#ifndef RUN_H
#define RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "latency.h"
#include "libvgpu-stub.h"

#define MAX_DEPTH	256
#define MAX_SIZE	(1ULL << 30)
#define MAX_COUNT	1000000000000ULL

enum exit_code {
	EXIT_GOOD = 0,
	EXIT_BAD = 1,		/* a command failed, or its result is wrong */
	EXIT_USAGE = 2,		/* or no memory, or output was lost */
	EXIT_NO_DEVICE = 3,
};

enum operation { OP_NOP, OP_COPY, OP_FILL, OP_CRC };

/* What is asked for instead of a run */
enum request { REQUEST_RUN, REQUEST_HELP, REQUEST_VERSION };

struct options {
	enum request request;
	enum operation operation;
	const char *device;	/* NULL: the library's default */
	uint64_t size;		/* bytes of a command */
	unsigned int depth;	/* commands in flight */
	uint64_t count;		/* commands in all */
	bool verify;
	bool json;
	bool quiet;
};

struct result {
	uint64_t done;
	uint64_t verified;
	double seconds;
	struct latency latency;
};

/* A command in flight has a part of both buffers to itself */
struct slot {
	uint64_t started_ns;
	uint64_t number;	/* of the command */
};

struct run {
	const struct options *options;
	struct result *result;
	struct vgpu_stub *vgpu;
	struct vgpu_stub_info info;
	struct vgpu_stub_memory from, to;
	struct slot slots[MAX_DEPTH];
	uint64_t submitted;
};

/* error.c: the first error ends the run; returns false for the caller to return */
bool fail(enum exit_code status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
enum exit_code error_status(void);
const char *error_text(void);

/* options.c: false after an error */
bool parse_options(struct options *options, int argc, char **argv);
extern const char help_text[];
extern const char *const operation_names[];

/* device.c */
bool open_device(struct run *run);

/* work.c */
void do_work(const struct options *options, struct result *result);

/* verify.c */
void prepare_slot(struct run *run, unsigned int slot);
bool verify_slot(struct run *run, unsigned int slot, uint64_t result);
uint64_t pattern_of(const struct run *run, unsigned int slot);

/* progress.c */
void show_progress(const struct options *options, const struct result *result);
void end_progress(void);

/* report.c */
void show_text(const struct options *options, const struct result *result);
void show_json(const struct options *options, const struct result *result);

#endif /* RUN_H */
