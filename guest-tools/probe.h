/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: what its parts share
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <pci/pci.h>

#include "options.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define CONFIG_SIZE	256	/* conventional configuration space */
#define CONFIG_SIZE_EXP	4096	/* PCI Express */
#define HEADER_SIZE	64	/* what the kernel shows to everybody */

#define DRIVER_NAME	"vgpu_stub"	/* and its sysfs folder: guest-driver/ */

/* Exit status, as the manual page lists them */
enum {
	EXIT_PASSED = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,		/* or unreadable input */
	EXIT_NO_DEVICE = 3,
	EXIT_INCOMPLETE = 4,
};

/*** Configuration space ***/

/* As far as it could be read: the first len bytes */
struct config {
	uint8_t data[CONFIG_SIZE_EXP];
	unsigned int len;
};

enum chain_fault {
	CHAIN_SOUND,		/* walked to its end */
	CHAIN_UNREADABLE,	/* goes on where nothing could be read */
	CHAIN_BOUNDS,
	CHAIN_ALIGNMENT,
	CHAIN_LOOP,
	CHAIN_ID,		/* a capability that reads as all ones */
};

struct cap {
	uint16_t id;
	uint16_t offset;
	uint8_t version;	/* of an extended capability */
};

/* No chain holds more, for each offset is met once */
#define MAX_CAPS	((CONFIG_SIZE - HEADER_SIZE) / 4)
#define MAX_EXT_CAPS	((CONFIG_SIZE_EXP - CONFIG_SIZE) / 4)

struct chain {
	enum chain_fault fault;
	unsigned int where;	/* offset of the pointer or ID at fault */
	unsigned int value;	/* what stands there */
	unsigned int count;
	struct cap caps[MAX_EXT_CAPS];
};

/*** What the kernel knows ***/

struct kernel {
	bool present;		/* sysfs has the device */
	char dir[320];
	char driver[64];	/* "" where none is bound */
	char power_state[16];	/* these are "" where the kernel has no such file */
	char reset_method[64];
	bool resettable;
	long long enable;	/* these are -1 where it has none */
	long long irq;
	long long msi;
	long long vendor, device, class, revision;
	long long subsystem_vendor, subsystem_device;
	bool resource_known;
	uint64_t start, size, flags;
};

/*** BAR0 ***/

enum {
	REG_MAGIC, REG_VERSION, REG_FEATURES, REG_STATUS, REG_BAD_ACCESS,
	REG_COUNT
};

struct registers {
	const char *source;	/* "driver" or "bar0", NULL where not read */
	char why[128];		/* why not */
	bool known[REG_COUNT];
	uint32_t value[REG_COUNT];
};

/*** Checks ***/

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
	SPACE_HOST,		/* where the machine is run */
	SPACE_COUNT,
};

struct device;
struct finding;

struct check {
	const char *id;		/* stable, for scripts */
	const char *name;
	const char *want;	/* what is expected, where it is no number */
	const char *advice;	/* one line, for when it fails */
	enum severity severity;
	enum space space;
	unsigned int offset;	/* from the capability where cap is set */
	unsigned int width;	/* bytes, 0 where there is no field */
	uint32_t mask;
	uint32_t expected;
	uint8_t cap;		/* capability that holds the field, or 0 */
	int detail;		/* for the function of the row */
	/* what is no plain field has a function of its own */
	void (*run)(const struct check *check, const struct device *device,
		    struct finding *finding);
	/* rows that do not concern a device are left out, not passed */
	bool (*applies)(const struct device *device);
};

#define NO_OFFSET	(-1)

struct finding {
	const struct check *check;
	enum result result;
	int offset;		/* NO_OFFSET where there is none */
	char expected[64];
	char found[128];
};

#define MAX_FINDINGS	80

struct device {
	struct device *next;
	struct pci_dev *pci;	/* NULL for the host, which has only findings */
	const struct source *source;
	struct config config;
	struct chain chain;
	struct chain ext_chain;
	struct kernel kernel;
	struct registers registers;
	struct finding findings[MAX_FINDINGS];
	unsigned int finding_count;
	unsigned int totals[RESULT_COUNT];
};

/* Where devices come from: this machine, or a dump */
struct source {
	struct pci_access *pacc;
	const char *name;	/* of the dump; NULL for this machine */
	struct device *devices;
	bool domains;		/* some device has one, so all are shown */
};

#define MAX_HINTS	12

/*
 * What a run has to tell: the devices that matched, or the error that ended it.
 * "error" is NULL where none did.
 */
struct report {
	struct source source;
	const char *error;
	char hints[MAX_HINTS][256];	/* what to look at where nothing matched */
	unsigned int hint_count;
	int status;
};

/*** Endings: the report so far is shown, in every form ***/

void finish(int status) __attribute__((noreturn));
void finish_report(void) __attribute__((noreturn));
void finish_error(int status, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
extern struct report report;

/* config.c: all of these take any offset and any content */
void read_config(struct pci_dev *pci, struct config *config);
bool config_has(const struct config *config, unsigned int offset,
		unsigned int width);
uint32_t config_get(const struct config *config, unsigned int offset,
		    unsigned int width);

/* chain.c */
void walk_chain(const struct config *config, struct chain *chain);
void walk_ext_chain(const struct config *config, struct chain *chain);
bool is_complete(const struct chain *chain);
const struct cap *find_cap(const struct chain *chain, uint16_t id);
const char *cap_name(uint16_t id);
const char *ext_cap_name(uint16_t id);

/* fields.c */
struct flag {
	unsigned int mask;
	const char *name;
};

struct field {
	const char *name;
	unsigned int offset;	/* from the capability where cap is set */
	unsigned int width;
	uint8_t cap;
	const struct flag *flags;	/* ends with a mask of 0 */
};

extern const struct field fields[];
extern const unsigned int field_count;
int field_offset(const struct field *field, const struct device *device);
void format_flags(char *text, size_t size, const struct flag *flags,
		  unsigned int value, unsigned int mask);

/* dump.c */
const char *stage_dump(const char *name);

/* source.c */
void open_source(struct source *source);
void collect_devices(struct source *source);
int compare_slots(const struct pci_dev *a, const struct pci_dev *b);
const char *selection_text(void);

/* kernel.c */
void read_kernel(struct source *source, struct device *device);
bool read_text(const char *path, char *text, size_t size);

/* registers.c */
void read_registers(struct device *device);
extern const char *const register_names[REG_COUNT];

/* table.c, checks.c */
extern const struct check checks[];
extern const unsigned int check_count;
void run_checks(struct device *device);
void run_table(struct device *device, const struct check *table,
	       unsigned int count);
void found(struct finding *finding, enum result result, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const char *finding_advice(const struct device *device,
			   const struct finding *finding);
int worst_status(const struct source *source);
extern const char *const result_words[RESULT_COUNT];
extern const char *const severity_words[SEVERITY_COUNT];
extern const char *const space_words[SPACE_COUNT];

/* nothing.c */
void look_for_causes(struct report *r);

/* title.c */
void format_slot(char *text, size_t size, const struct pci_dev *pci,
		 bool domain);
void format_title(char *text, size_t size, const struct device *device);
void show_subsystem(const struct device *device);
void show_driver(const struct device *device);

/* The forms of a report */
void show_text(const struct report *r);
void show_json(const struct report *r);
void show_tap(const struct report *r);
void show_quiet(const struct report *r);
void show_checks(void);

/* Subcommands */
void run_diff(void) __attribute__((noreturn));
void run_report(void) __attribute__((noreturn));
void run_host(void) __attribute__((noreturn));

#endif /* PROBE_H */
