// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the contract as one table, and how its rows are checked
 */
#include <stdio.h>
#include <string.h>

#include "probe.h"
#include "vgpu_stub.h"

const char *const result_names[RESULT_COUNT] = {
	[RESULT_PASS] = "PASS",
	[RESULT_FAIL] = "FAIL",
	[RESULT_UNKNOWN] = "unknown",
};

struct check {
	const char *id;		/* stable, for scripts */
	const char *name;
	unsigned int offset;	/* from the capability where cap is set */
	unsigned int width;	/* bytes */
	uint32_t mask;
	uint32_t expected;
	uint8_t cap;		/* capability that holds the field, or 0 */
	/* what is no plain field has a function of its own */
	void (*run)(const struct device *device, struct finding *finding);
	/* rows that do not concern a device are left out, not passed */
	bool (*applies)(const struct device *device);
};

static void check_chain(const struct device *device, struct finding *finding);
static void check_pm(const struct device *device, struct finding *finding);
static void check_express(const struct device *device,
			  struct finding *finding);
static void check_bar0_size(const struct device *device,
			    struct finding *finding);
static bool is_live(const struct device *device);
static bool has_express(const struct device *device);

#define FIELD(_id, _name, _offset, _width, _mask, _expected) \
	{ .id = _id, .name = _name, .offset = _offset, .width = _width, \
	  .mask = _mask, .expected = _expected }
#define UNUSED_BAR(_n) \
	FIELD("bar" #_n, "BAR" #_n " unused", PCI_BASE_ADDRESS_##_n, 4, \
	      0xffffffff, 0)
#define PM_FIELD(_id, _name, _offset, _mask, _expected) \
	{ .id = _id, .name = _name, .cap = PCI_CAP_ID_PM, .offset = _offset, \
	  .width = 2, .mask = _mask, .expected = (_expected) & (_mask) }

static const struct check checks[] = {
	FIELD("vendor-id", "vendor ID", PCI_VENDOR_ID, 2, 0xffff,
	      VGPU_STUB_VENDOR_ID),
	FIELD("device-id", "device ID", PCI_DEVICE_ID, 2, 0xffff,
	      VGPU_STUB_DEVICE_ID),
	FIELD("status-cap-list", "status: capability list", PCI_STATUS, 2,
	      PCI_STATUS_CAP_LIST, PCI_STATUS_CAP_LIST),
	FIELD("revision", "revision", PCI_REVISION_ID, 1, 0xff,
	      VGPU_STUB_REVISION),
	FIELD("prog-if", "programming interface", PCI_CLASS_PROG, 1, 0xff,
	      VGPU_STUB_PROG_IF),
	FIELD("subclass", "subclass", PCI_CLASS_DEVICE, 1, 0xff,
	      VGPU_STUB_CLASS & 0xff),
	FIELD("base-class", "base class", PCI_CLASS_DEVICE + 1, 1, 0xff,
	      VGPU_STUB_CLASS >> 8),
	FIELD("header-type", "header type", PCI_HEADER_TYPE, 1, 0x7f,
	      VGPU_STUB_HEADER_TYPE),
	FIELD("bar0-kind", "BAR0 kind", PCI_BASE_ADDRESS_0, 4, 0xf,
	      VGPU_STUB_BAR0_FLAGS),
	FIELD("bar0-alignment", "BAR0 alignment", PCI_BASE_ADDRESS_0, 4,
	      (VGPU_STUB_BAR0_SIZE - 1) & ~0xfU, 0),
	{ .id = "bar0-size", .name = "BAR0 size", .offset = PCI_BASE_ADDRESS_0,
	  .width = 4, .run = check_bar0_size, .applies = is_live },
	UNUSED_BAR(1),
	UNUSED_BAR(2),
	UNUSED_BAR(3),
	UNUSED_BAR(4),
	UNUSED_BAR(5),
	FIELD("subsystem-vendor-id", "subsystem vendor ID",
	      PCI_SUBSYSTEM_VENDOR_ID, 2, 0xffff,
	      VGPU_STUB_SUBSYSTEM_VENDOR_ID),
	FIELD("subsystem-id", "subsystem ID", PCI_SUBSYSTEM_ID, 2, 0xffff,
	      VGPU_STUB_SUBSYSTEM_ID),
	{ .id = "cap-chain", .name = "capability chain",
	  .offset = PCI_CAPABILITY_LIST, .width = 1, .run = check_chain },
	{ .id = "pm", .name = "Power Management", .cap = PCI_CAP_ID_PM,
	  .width = 1, .run = check_pm },
	PM_FIELD("pm-version", "PM version", PCI_CAP_FLAGS, PCI_PM_CAP_VER_MASK,
		 VGPU_STUB_PMC),
	PM_FIELD("pm-d1-d2", "PM without D1, D2", PCI_CAP_FLAGS,
		 PCI_PM_CAP_D1 | PCI_PM_CAP_D2, VGPU_STUB_PMC),
	PM_FIELD("pm-no-soft-reset", "PM NoSoftRst", PCI_PM_CTRL,
		 PCI_PM_CTRL_NO_SOFT_RST, VGPU_STUB_PMCSR),
	{ .id = "express-type", .name = "Express endpoint",
	  .cap = PCI_CAP_ID_EXP, .offset = PCI_EXP_FLAGS, .width = 2,
	  .mask = PCI_EXP_FLAGS_TYPE, .run = check_express,
	  .applies = has_express },
};

_Static_assert(ARRAY_SIZE(checks) <= MAX_FINDINGS, "every check has a place");

static bool is_live(const struct device *device)
{
	return device->live;
}

static bool has_express(const struct device *device)
{
	return find_cap(&device->chain, PCI_CAP_ID_EXP);
}

static void found(struct finding *finding, enum result result, const char *text)
{
	finding->result = result;
	snprintf(finding->found, sizeof(finding->found), "%s", text);
}

/* The chain did not lead to the capability: is it missing, or out of sight? */
static void found_no_cap(const struct device *device, struct finding *finding)
{
	if (device->chain.state == CHAIN_GOOD)
		found(finding, RESULT_FAIL, "no such capability");
	else
		found(finding, RESULT_UNKNOWN, "capability not reached");
}

static void check_chain(const struct device *device, struct finding *finding)
{
	const struct chain *chain = &device->chain;

	snprintf(finding->expected, sizeof(finding->expected), "a sound list");
	if (chain->state == CHAIN_UNREADABLE) {
		finding->offset = chain->where;
		return found(finding, RESULT_UNKNOWN, "not readable");
	}
	if (chain->state == CHAIN_BROKEN) {
		finding->offset = chain->where;
		finding->result = RESULT_FAIL;
		snprintf(finding->found, sizeof(finding->found), "0x%02x %s",
			 config_get(&device->config, chain->where, 1),
			 chain->why);
		return;
	}
	if (!chain->count)
		return found(finding, RESULT_FAIL, "an empty list");
	finding->result = RESULT_PASS;
	snprintf(finding->found, sizeof(finding->found), "%u %s", chain->count,
		 chain->count == 1 ? "capability" : "capabilities");
}

static void check_pm(const struct device *device, struct finding *finding)
{
	const struct cap *cap = find_cap(&device->chain, PCI_CAP_ID_PM);

	snprintf(finding->expected, sizeof(finding->expected), "present");
	if (!cap)
		return found_no_cap(device, finding);
	finding->offset = cap->offset;
	found(finding, RESULT_PASS, "present");
}

/* PCI Express 4.0, section 7.5.3.2: an endpoint, or one of the root complex */
static void check_express(const struct device *device, struct finding *finding)
{
	const struct cap *cap = find_cap(&device->chain, PCI_CAP_ID_EXP);
	unsigned int type;

	snprintf(finding->expected, sizeof(finding->expected),
		 "endpoint or integrated endpoint");
	finding->offset = cap->offset + PCI_EXP_FLAGS;
	if (!config_has(&device->config, finding->offset, 2))
		return found(finding, RESULT_UNKNOWN, "not readable");
	type = (config_get(&device->config, finding->offset, 2) &
		PCI_EXP_FLAGS_TYPE) >> 4;
	if (type == PCI_EXP_TYPE_ENDPOINT)
		return found(finding, RESULT_PASS, "endpoint");
	if (type == PCI_EXP_TYPE_ROOT_INT_EP)
		return found(finding, RESULT_PASS, "integrated endpoint");
	finding->result = RESULT_FAIL;
	snprintf(finding->found, sizeof(finding->found), "type %u", type);
}

static void check_bar0_size(const struct device *device,
			    struct finding *finding)
{
	snprintf(finding->expected, sizeof(finding->expected), "0x%x",
		 VGPU_STUB_BAR0_SIZE);
	if (!(pci_fill_info(device->pci, PCI_FILL_SIZES) & PCI_FILL_SIZES))
		return found(finding, RESULT_UNKNOWN, "not readable");
	finding->result = device->pci->size[0] == VGPU_STUB_BAR0_SIZE ?
			  RESULT_PASS : RESULT_FAIL;
	snprintf(finding->found, sizeof(finding->found), "0x%llx",
		 (unsigned long long)device->pci->size[0]);
}

static void check_field(const struct device *device, const struct check *check,
			struct finding *finding)
{
	int digits = 2 * check->width;
	uint32_t value;

	snprintf(finding->expected, sizeof(finding->expected), "0x%0*x", digits,
		 check->expected);
	if (!config_has(&device->config, finding->offset, check->width))
		return found(finding, RESULT_UNKNOWN, "not readable");
	value = config_get(&device->config, finding->offset, check->width) &
		check->mask;
	finding->result = value == check->expected ? RESULT_PASS : RESULT_FAIL;
	snprintf(finding->found, sizeof(finding->found), "0x%0*x", digits,
		 value);
}

static void check_cap_field(const struct device *device,
			    const struct check *check, struct finding *finding)
{
	const struct cap *cap = find_cap(&device->chain, check->cap);

	if (cap) {
		finding->offset = cap->offset + check->offset;
		return check_field(device, check, finding);
	}
	finding->offset = NO_OFFSET;
	snprintf(finding->expected, sizeof(finding->expected), "0x%0*x",
		 2 * check->width, check->expected);
	found_no_cap(device, finding);
}

static void run_check(const struct device *device, const struct check *check,
		      struct finding *finding)
{
	finding->id = check->id;
	finding->name = check->name;
	finding->offset = check->cap ? NO_OFFSET : (int)check->offset;
	if (check->run)
		check->run(device, finding);
	else if (check->cap)
		check_cap_field(device, check, finding);
	else
		check_field(device, check, finding);
}

void run_checks(struct device *device)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		const struct check *check = &checks[i];
		struct finding *finding;

		if (check->applies && !check->applies(device))
			continue;
		finding = &device->findings[device->finding_count++];
		run_check(device, check, finding);
		device->totals[finding->result]++;
	}
}
