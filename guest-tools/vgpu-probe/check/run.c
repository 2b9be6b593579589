// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: checks, run over a device
 */
#include <string.h>

#include "../error.h"
#include "../options.h"
#include "check.h"
#include "vgpu_stub_config.h"

/*** One check ***/

CHECK_FUNCTION(check_answers)
{
	const char *silence = silence_of(&device->config);

	(void)check;
	if (silence)
		found(finding, RESULT_FAIL, "%s: it does not respond", silence);
	else if (device->config.len < 4)
		found(finding, RESULT_UNKNOWN, "not readable");
	else
		found(finding, RESULT_PASS, "0x%08x",
		      config_get(&device->config, PCI_VENDOR_ID, 4));
}

static int find_offset(const struct check *check, const struct device *device)
{
	if (check->space == SPACE_KERNEL || check->space == SPACE_HOST)
		return NO_OFFSET;
	return check->space == SPACE_CONFIG ? place(device, check->offset) :
					      check->offset;
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
	check->run(check, device, finding);
}

static bool concerns(const struct check *check, const struct device *device)
{
	if (check->forms && !(check->forms & form_of(device)))
		return false;
	if (check->kinds && !(check->kinds & kind_of(device)))
		return false;
	/* cap-id reports this fault */
	if ((check->in_contract && check->offset >= HEADER_SIZE) ||
	    check->run == check_unused)
		if (is_silent_behind_header(&device->config))
			return false;
	return !check->applies || check->applies(device);
}

void run_checks(const struct device *device, const struct check *checks,
		unsigned int count, struct findings *findings)
{
	*findings = (struct findings){ .device = device };
	for (unsigned int i = 0; i < count; i++) {
		struct finding *finding;

		if (!concerns(&checks[i], device))
			continue;
		finding = &findings->list[findings->count++];
		run_check(&checks[i], device, finding);
		findings->totals[finding->result]++;
		/* it does not respond, so the other checks would show nothing new */
		if (checks[i].run == check_answers &&
		    finding->result == RESULT_FAIL)
			return;
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
	if (!finding->check->in_contract &&
	    (device->chain.fault > CHAIN_UNREADABLE ||
	     device->ext_chain.fault > CHAIN_UNREADABLE))
		return "repair the list of capabilities first";
	if (device->config.len >= CONFIG_SIZE)
		return finding->check->advice;
	if (device->source->name)
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

/* A failure takes precedence over what could not be read */
int worst_status(int status, const struct findings *findings)
{
	if (findings->totals[RESULT_FAIL] || status == EXIT_FAILED)
		return EXIT_FAILED;
	return findings->totals[RESULT_UNKNOWN] ? EXIT_INCOMPLETE : status;
}
