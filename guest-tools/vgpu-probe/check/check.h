/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: the checks, and what they find
 */
#ifndef CHECK_H
#define CHECK_H

#include "../read/read.h"

enum result {
	RESULT_PASS,
	RESULT_FAIL,
	RESULT_UNKNOWN,		/* could not be read; never a pass */
	RESULT_COUNT,
};

enum severity {
	SEVERITY_ERROR,		/* the device breaks its contract */
	SEVERITY_WARNING,	/* something went wrong with it */
	SEVERITY_COUNT,
};

enum space {
	SPACE_CONFIG,
	SPACE_KERNEL,
	SPACE_BAR0,
	SPACE_HOST,		/* where the virtual machine runs */
	SPACE_COUNT,
};

struct finding;

struct check {
	const char *id;		/* stable, for scripts */
	const char *name;
	const char *want;	/* what is expected, if it is no number */
	const char *advice;	/* one line, for when it fails */
	enum severity severity;
	enum space space;
	unsigned int offset;	/* from the capability if cap is set */
	unsigned int width;	/* bytes, 0 if there is no field */
	uint32_t mask;
	uint32_t expected;
	uint8_t cap;		/* capability that holds the field, or 0 */
	int detail;		/* for the function of the row */
	/* what is more than a field has a function of its own */
	void (*run)(const struct check *check, const struct device *device,
		    struct finding *finding);
	/* rows that do not concern a device are left out, not passed */
	bool (*applies)(const struct device *device);
};

struct finding {
	const struct check *check;
	enum result result;
	int offset;		/* NO_OFFSET if there is none */
	char expected[64];
	char found[128];
};

#define MAX_FINDINGS	80

struct findings {
	const struct device *device;	/* NULL: the host's */
	struct finding list[MAX_FINDINGS];
	unsigned int count;
	unsigned int totals[RESULT_COUNT];
};

/* table.c */
extern const struct check checks[];
extern const unsigned int check_count;

/* run.c */
void run_checks(const struct device *device, const struct check *table,
		unsigned int count, struct findings *findings);
void found(struct finding *finding, enum result result, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* One line on what to do, NULL if nothing is to be done */
const char *finding_advice(const struct device *device,
			   const struct finding *finding);
/* Exit status of all that was checked so far, and of these findings */
int worst_status(int status, const struct findings *findings);
extern const char *const result_words[RESULT_COUNT];
extern const char *const severity_words[SEVERITY_COUNT];
extern const char *const space_words[SPACE_COUNT];

/*** The functions of the table's rows ***/

/* "detail" of the rows about chains: which of the two */
enum { DETAIL_CHAIN, DETAIL_EXT_CHAIN };

#define CHECK_FUNCTION(name) \
	void name(const struct check *check, const struct device *device, \
		  struct finding *finding)

/* run.c */
CHECK_FUNCTION(check_answers);

/* capabilities.c; the rows of the walk have the fault as their mask */
CHECK_FUNCTION(check_pointer);
CHECK_FUNCTION(check_walk);
CHECK_FUNCTION(check_duplicates);
CHECK_FUNCTION(check_overlaps);
CHECK_FUNCTION(check_present);
CHECK_FUNCTION(check_pm_state);
CHECK_FUNCTION(check_express_type);
CHECK_FUNCTION(check_express_version);
CHECK_FUNCTION(check_ext_versions);

/* live.c */
CHECK_FUNCTION(check_kernel_ids);
CHECK_FUNCTION(check_bar0_size);
CHECK_FUNCTION(check_bar0_assigned);
CHECK_FUNCTION(check_bar0_resource);
CHECK_FUNCTION(check_driver);
CHECK_FUNCTION(check_enabled);
CHECK_FUNCTION(check_decoded);
CHECK_FUNCTION(check_power_state);
CHECK_FUNCTION(check_interrupts);
CHECK_FUNCTION(check_reset_method);
CHECK_FUNCTION(check_register);

/* Which devices a row concerns */
bool is_live(const struct device *device);
bool is_driven(const struct device *device);
bool has_express(const struct device *device);
bool has_ext_space(const struct device *device);
bool may_have_pm(const struct device *device);
bool tells_power_state(const struct device *device);
bool tells_reset_method(const struct device *device);
bool wants_registers(const struct device *device);

#endif /* CHECK_H */
