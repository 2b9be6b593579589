// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the table's rows, run over a device
 */
#include <stdarg.h>
#include <string.h>

#include "../error.h"
#include "../options.h"
#include "check.h"

const char *const result_words[RESULT_COUNT] = {
	[RESULT_PASS] = "pass",
	[RESULT_FAIL] = "fail",
	[RESULT_UNKNOWN] = "unknown",
};

const char *const severity_words[SEVERITY_COUNT] = {
	[SEVERITY_ERROR] = "error",
	[SEVERITY_WARNING] = "warning",
};

const char *const space_words[SPACE_COUNT] = {
	[SPACE_CONFIG] = "config",
	[SPACE_KERNEL] = "kernel",
	[SPACE_BAR0] = "bar0",
	[SPACE_HOST] = "host",
};

void found(struct finding *finding, enum result result, const char *fmt, ...)
{
	va_list args;

	finding->result = result;
	va_start(args, fmt);
	vsnprintf(finding->found, sizeof(finding->found), fmt, args);
	va_end(args);
}

/*** Which devices a row concerns ***/

bool is_live(const struct device *device)
{
	return device->is_live;
}

bool is_driven(const struct device *device)
{
	return device->kernel.driver[0];
}

bool has_express(const struct device *device)
{
	return find_cap(&device->chain, PCI_CAP_ID_EXP);
}

/* A dump need not have it, and a bus may hide it from the kernel */
bool has_ext_space(const struct device *device)
{
	return has_express(device) && device->config.len > CONFIG_SIZE;
}

/* The row "pm" fails where it is missing, and that says it all */
bool may_have_pm(const struct device *device)
{
	return find_cap(&device->chain, PCI_CAP_ID_PM) ||
	       !is_complete(&device->chain);
}

/* Linux 5.11 and later */
bool tells_power_state(const struct device *device)
{
	return device->kernel.power_state[0] && may_have_pm(device);
}

/* Linux 5.15 and later, and only of a device that can be reset */
bool tells_reset_method(const struct device *device)
{
	return device->kernel.present && has_express(device) &&
	       (device->kernel.reset_method[0] || !device->kernel.resettable);
}

bool wants_registers(const struct device *device)
{
	return is_live(device) && opt.mmio;
}

/*** Rows ***/

static void check_field(const struct device *device, const struct check *check,
			struct finding *finding)
{
	uint32_t value;

	if (!config_has(&device->config, finding->offset, check->width))
		return found(finding, RESULT_UNKNOWN, "not readable");
	value = config_get(&device->config, finding->offset, check->width) &
		check->mask;
	found(finding, value == check->expected ? RESULT_PASS : RESULT_FAIL,
	      "0x%0*x", 2 * check->width, value);
}

/* What nobody answers reads as all ones; no vendor has that ID */
CHECK_FUNCTION(check_answers)
{
	uint32_t value;

	if (!config_has(&device->config, check->offset, check->width))
		return found(finding, RESULT_UNKNOWN, "not readable");
	value = config_get(&device->config, check->offset, check->width);
	found(finding, value != 0xffffffff ? RESULT_PASS : RESULT_FAIL,
	      "0x%08x", value);
}

static void check_cap_field(const struct device *device,
			    const struct check *check, struct finding *finding)
{
	if (finding->offset == NO_OFFSET)
		found(finding, RESULT_UNKNOWN, "capability not reached");
	else
		check_field(device, check, finding);
}

static int find_offset(const struct check *check, const struct device *device)
{
	const struct cap *cap;

	if (check->space == SPACE_KERNEL || check->space == SPACE_HOST)
		return NO_OFFSET;
	if (!check->cap)
		return check->offset;
	cap = find_cap(&device->chain, check->cap);
	return cap ? (int)(cap->offset + check->offset) : NO_OFFSET;
}

static void run_check(const struct check *check, const struct device *device,
		      struct finding *finding)
{
	finding->check = check;
	finding->offset = find_offset(check, device);
	if (check->want)
		snprintf(finding->expected, sizeof(finding->expected), "%s",
			 check->want);
	else
		snprintf(finding->expected, sizeof(finding->expected), "0x%0*x",
			 2 * check->width, check->expected);
	if (check->run)
		check->run(check, device, finding);
	else if (check->cap)
		check_cap_field(device, check, finding);
	else
		check_field(device, check, finding);
}

void run_checks(const struct device *device, const struct check *table,
		unsigned int count, struct findings *findings)
{
	*findings = (struct findings){ .device = device };
	for (unsigned int i = 0; i < count; i++) {
		struct finding *finding;

		if (table[i].applies && !table[i].applies(device))
			continue;
		finding = &findings->list[findings->count++];
		run_check(&table[i], device, finding);
		findings->totals[finding->result]++;
	}
}

/*** What follows from the findings ***/

static const char *unknown_advice(const struct device *device,
				  const struct finding *finding)
{
	if (finding->check->space == SPACE_HOST)
		return finding->check->advice;
	if (finding->check->space == SPACE_KERNEL)
		return "the kernel has no such file in sysfs";
	if (finding->check->space == SPACE_BAR0)
		return "run as root, with the driver loaded; the kernel's "
		       "lockdown or iomem=strict may forbid BAR0";
	if (device->chain.fault > CHAIN_UNREADABLE)
		return "mend the list of capabilities first";
	if (!device->is_live)
		return "take the dump as root, with lspci -xxxx";
	return "run as root: the kernel shows others 64 bytes only";
}

const char *finding_advice(const struct device *device,
			   const struct finding *finding)
{
	if (finding->result == RESULT_PASS)
		return NULL;
	if (finding->result == RESULT_UNKNOWN)
		return unknown_advice(device, finding);
	return finding->check->advice;
}

/* A failure outweighs what could not be read */
int worst_status(int status, const struct findings *findings)
{
	if (findings->totals[RESULT_FAIL] || status == EXIT_FAILED)
		return EXIT_FAILED;
	return findings->totals[RESULT_UNKNOWN] ? EXIT_INCOMPLETE : status;
}
