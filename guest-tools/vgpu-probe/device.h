/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: what is known about a PCI function
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <pci/pci.h>

#include "vgpu_stub_queue.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define CONFIG_SIZE	256	/* conventional configuration space */
#define CONFIG_SIZE_EXP	4096	/* PCI Express */
#define HEADER_SIZE	64	/* the kernel lets every user read this much */

#define DRIVER_NAME	"vgpu_stub"	/* also its sysfs folder, see guest-driver/ */

#define NO_OFFSET	(-1)

/*** Configuration space ***/

/* As far as it could be read: the first len bytes */
struct config {
	uint8_t data[CONFIG_SIZE_EXP];
	unsigned int len;
};

enum chain_fault {
	CHAIN_SOUND,		/* walked to its end */
	CHAIN_UNREADABLE,	/* continues where reading was not possible */
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

/* No chain holds more, because each offset is visited once */
#define MAX_CAPS	((CONFIG_SIZE - HEADER_SIZE) / 4)
#define MAX_EXT_CAPS	((CONFIG_SIZE_EXP - CONFIG_SIZE) / 4)

struct chain {
	enum chain_fault fault;
	unsigned int where;	/* offset of the faulty pointer or ID */
	unsigned int value;	/* what was read there */
	unsigned int count;
	struct cap caps[MAX_EXT_CAPS];
};

/*** What the kernel knows, from sysfs ***/

struct kernel {
	bool present;		/* sysfs has the device */
	char dir[320];
	char driver[64];	/* "" if none is bound */
	char power_state[16];	/* these are "" if the kernel has no such file */
	char reset_method[64];
	bool resettable;
	long long enable;	/* these are -1 if it has none */
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
	/* the others come with queues */
	REG_CONTROL, REG_QUEUES, REG_QUEUE_SIZE_MAX, REG_VECTORS,
	REG_COMMAND_SETS, REG_EVENT_VECTOR, REG_EVENTS, REG_LIST_MAX,
	REG_BUFFERS_MAX, REG_BUFFER_SEGMENTS_MAX, REG_SEGMENTS_MAX,
	REG_TRANSFER_MAX,
	REG_COUNT
};
#define REG_COUNT_NO_QUEUES	REG_CONTROL

struct queue {
	uint32_t control, status, size, vector;
	uint64_t sq, cq, index;		/* bus addresses */
};

struct registers {
	const char *source;	/* "driver" or "bar0", NULL if not read */
	char why[128];		/* why not read */
	char queues_why[128];	/* why those of queues were not; "" if there are none */
	bool known[REG_COUNT];
	uint32_t value[REG_COUNT];
	unsigned int queue_count;
	struct queue queues[VGPU_STUB_QUEUES_MAX];
};

/*** Functions, of this machine or of a dump ***/

struct slot {
	unsigned int domain, bus, dev, func;
};

struct function {
	struct slot slot;
	uint16_t vendor, device, class;
	uint8_t prog_if;
	bool is_selected;
	bool is_again;		/* the dump has this slot more than once */
	bool is_bridge_read;	/* these two are known; -1 if it has none */
	int port;		/* Express port type */
	int secondary;		/* bus below */
	unsigned int line;	/* of its title in the dump */
	unsigned int len;
	const uint8_t *data;	/* its bytes in the dump */
	struct pci_dev *pci;	/* NULL for a dump */
};

/* name is NULL for this machine; this alone decides where bytes come from */
struct source {
	const char *name;
	struct function *functions;	/* sorted by slot */
	unsigned int function_count;
	unsigned int selected;
	bool domains;			/* some function has a domain, so show all */
	char *text;			/* of the dump; holds the bytes */
};

/* The bus that a function is on, as far as the other functions show it */
enum bus {
	BUS_UNKNOWN,
	BUS_CONVENTIONAL,
	BUS_EXPRESS_ROOT,
	BUS_EXPRESS_PORT,	/* below a port */
};

/*** A function that was read; there is one at a time ***/

struct device {
	const struct source *source;
	const struct function *function;
	enum bus bus;
	struct config config;
	struct chain chain;
	struct chain ext_chain;
	struct kernel kernel;
	struct registers registers;
};

#endif /* DEVICE_H */
