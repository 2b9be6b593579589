/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: what its parts share
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pci/pci.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define CONFIG_SIZE	256	/* conventional configuration space */
#define CONFIG_SIZE_EXP	4096	/* PCI Express */

/* Exit status, as the manual page lists them */
enum {
	EXIT_PASSED = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,		/* or unreadable input */
	EXIT_NO_DEVICE = 3,
	EXIT_INCOMPLETE = 4,
};

/* Configuration space as far as it could be read: the first len bytes */
struct config {
	uint8_t data[CONFIG_SIZE_EXP];
	unsigned int len;
};

/* A chain cannot hold more capabilities than fit between 0x40 and 0xff */
#define MAX_CAPS	((CONFIG_SIZE - 0x40) / 4)

struct cap {
	uint8_t id;
	uint8_t offset;
};

enum chain_state {
	CHAIN_GOOD,		/* walked to its end */
	CHAIN_BROKEN,		/* "why" says what is wrong, at "where" */
	CHAIN_UNREADABLE,	/* goes on where nothing could be read */
};

struct chain {
	enum chain_state state;
	const char *why;
	unsigned int where;	/* offset of the pointer or header at fault */
	struct cap caps[MAX_CAPS];
	unsigned int count;
};

enum result {
	RESULT_PASS,
	RESULT_FAIL,
	RESULT_UNKNOWN,		/* could not be read; never a pass */
	RESULT_COUNT,
};

#define NO_OFFSET	(-1)

struct finding {
	const char *id;
	const char *name;
	enum result result;
	int offset;		/* in configuration space, or NO_OFFSET */
	char expected[48];
	char found[80];
};

#define MAX_FINDINGS	32

struct device {
	struct device *next;
	struct pci_dev *pci;
	bool live;		/* the kernel's device, not a dump's */
	struct config config;
	struct chain chain;
	struct finding findings[MAX_FINDINGS];
	unsigned int finding_count;
	unsigned int totals[RESULT_COUNT];
};

/*
 * What a run has to tell: the devices that matched, or the error that ended it.
 * "error" is NULL where none did.
 */
struct report {
	struct pci_access *pacc;
	const char *source;	/* name of the dump, NULL for this machine */
	struct device *devices;
	const char *error;
	int status;
};

/* config.c: all of these take any offset and any content */
void read_config(struct pci_dev *pci, struct config *config);
bool config_has(const struct config *config, unsigned int offset,
		unsigned int width);
uint32_t config_get(const struct config *config, unsigned int offset,
		    unsigned int width);
void walk_chain(const struct config *config, struct chain *chain);
const struct cap *find_cap(const struct chain *chain, uint8_t id);

/* checks.c */
void run_checks(struct device *device);
extern const char *const result_names[RESULT_COUNT];

/* text.c */
void show_text(const struct report *report);

/* json.c */
void show_json(const struct report *report);

#endif /* PROBE_H */
