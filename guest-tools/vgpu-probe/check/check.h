/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: the checks and their findings
 */
#ifndef CHECK_H
#define CHECK_H

#include "../read/qemu.h"

enum result {
	RESULT_PASS,
	RESULT_FAIL,
	RESULT_UNKNOWN,		/* could not be read; never a pass */
	RESULT_COUNT,
};

enum severity {
	SEVERITY_ERROR,		/* the device breaks its contract */
	SEVERITY_WARNING,	/* the device works, but recorded an error */
	SEVERITY_COUNT,
};

enum space {
	SPACE_CONFIG,
	SPACE_KERNEL,
	SPACE_BAR0,
	SPACE_HOST,		/* the host of the virtual machine */
	SPACE_COUNT,
};

/* Of devices: whether they have queues */
enum { KIND_NO_QUEUES = 1, KIND_QUEUES = 2, KIND_ALL = 3 };

/* A number of the interface, in a text */
#define TEXT(_macro)	TEXT_OF(_macro)
#define TEXT_OF(_value)	#_value

struct finding;

struct check {
	const char *id;		/* stable, for scripts */
	const char *name;
	const char *want;	/* what is expected, if it is not a number */
	const char *advice;	/* what to do if it fails, one line */
	enum severity severity;
	enum space space;
	unsigned int forms;	/* that have it, VGPU_STUB_FORM_*; 0: all */
	int kinds;		/* the same; 0: all */
	bool in_contract;	/* a row of include/vgpu_stub_config.h */
	unsigned int offset;
	unsigned int width;	/* bytes, 0 if there is no field */
	uint32_t mask;
	uint32_t expected;
	int detail;		/* for the function */
	void (*run)(const struct check *check, const struct device *device,
		    struct finding *finding);
	/* a check that does not apply to a device is omitted, not passed */
	bool (*applies)(const struct device *device);
};

struct finding {
	const struct check *check;
	enum result result;
	int offset;		/* NO_OFFSET if there is none */
	char expected[64];
	char found[128];
};

#define MAX_ROWS	160	/* of include/vgpu_stub_config.h */
#define MAX_CHECKS	224

struct findings {
	const struct device *device;	/* NULL: the host's */
	struct finding list[MAX_CHECKS];
	unsigned int count;
	unsigned int totals[RESULT_COUNT];
};

/* table.c: all checks of a device */
const struct check *device_checks(unsigned int *count);

/* finding.c */
void found(struct finding *finding, enum result result, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Gets the value at the finding's offset; if it cannot be read, sets the finding */
bool get_value(const struct check *check, const struct device *device,
	       struct finding *finding, uint32_t *value);
extern const char *const result_words[RESULT_COUNT];
extern const char *const severity_words[SEVERITY_COUNT];
extern const char *const space_words[SPACE_COUNT];

/* run.c */
void run_checks(const struct device *device, const struct check *checks,
		unsigned int count, struct findings *findings);
/* What to do, in one line; NULL if nothing */
const char *finding_advice(const struct device *device,
			   const struct finding *finding);
/* The exit status so far, combined with that of these findings */
int worst_status(int status, const struct findings *findings);

/* form.c */
unsigned int form_of(const struct device *device);
int kind_of(const struct device *device);
int msix_control(const struct device *device);
const char *form_name(unsigned int forms);
uint8_t home_of(unsigned int offset);
unsigned int home_offset(uint8_t id);
unsigned int place(const struct device *device, unsigned int offset);

/* contract.c */
unsigned int add_contract(struct check *checks);
/* Sets all bits that have a row, in 4096 bytes */
void cover_rows(const struct device *device, uint8_t *covered);

/* A register: the rows of one offset and width */
struct field {
	const char *name;
	unsigned int offset, width;
	unsigned int first_row;
};

#define MAX_FIELDS	80

unsigned int list_fields(struct field *fields);
int field_offset(const struct field *field, const struct device *device);
void format_flags(char *text, size_t size, const struct field *field,
		  uint32_t value, uint32_t mask);

/* texts.c */
struct text {
	const char *row;
	const char *field;	/* name of the register, at its first row */
	const char *name;	/* of the check */
	const char *flag;	/* as lspci calls a single bit */
	const char *advice;
};

const struct text *row_text(const char *row);

/*** Functions of the other checks ***/

/* "detail" of checks of chains: which of the two */
enum { DETAIL_CHAIN, DETAIL_EXT_CHAIN };

#define CHECK_FUNCTION(name) \
	void name(const struct check *check, const struct device *device, \
		  struct finding *finding)

/* run.c */
CHECK_FUNCTION(check_answers);

/*
 * capabilities.c; check_walk() gets the fault as its mask. found_none() sets the
 * finding if a search had no result, as far as the list could be followed.
 */
void found_none(const struct chain *chain, struct finding *finding);
CHECK_FUNCTION(check_walk);
CHECK_FUNCTION(check_place);
CHECK_FUNCTION(check_duplicates);
CHECK_FUNCTION(check_unlisted);

/* lengths.c */
CHECK_FUNCTION(check_overlaps);

/* unused.c */
CHECK_FUNCTION(check_unused);

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
CHECK_FUNCTION(check_vectors);
CHECK_FUNCTION(check_reset_method);
CHECK_FUNCTION(check_register);

/* queues.c: registers that only a device with queues has */
const char *queue_state_name(uint32_t status);
const char *queue_error_name(uint32_t status);
CHECK_FUNCTION(check_queue_version);
CHECK_FUNCTION(check_queue_count);
CHECK_FUNCTION(check_vector_count);
CHECK_FUNCTION(check_queue_states);
CHECK_FUNCTION(check_queue_errors);

/* applies.c: the devices to which a check applies */
bool is_live(const struct device *device);
bool is_driven(const struct device *device);
bool is_express(const struct device *device);
bool has_ext_space(const struct device *device);
bool knows_queues(const struct device *device);
bool tells_power_state(const struct device *device);
bool tells_reset_method(const struct device *device);
bool wants_registers(const struct device *device);
bool has_mediator(const struct device *device);
bool lacks_mediator(const struct device *device);

#endif /* CHECK_H */
