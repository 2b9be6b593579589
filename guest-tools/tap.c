// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the report as TAP, which kselftest's and prove's readers take
 *
 * What could not be read is "not ok": as SKIP it would count as passed.
 */
#include "probe.h"

static unsigned int count_findings(const struct source *source)
{
	unsigned int count = 0;

	for (struct device *d = source->devices; d; d = d->next)
		count += d->finding_count;
	return count;
}

static void show_point(unsigned int number, const struct device *device,
		       const struct finding *finding)
{
	const char *advice = finding_advice(device, finding);
	char slot[32];

	format_slot(slot, sizeof(slot), device->pci, true);
	printf("%s %u - %s %s%s\n",
	       finding->result == RESULT_PASS ? "ok" : "not ok", number, slot,
	       finding->check->id,
	       finding->result == RESULT_UNKNOWN ? ": unknown" : "");
	if (finding->result == RESULT_PASS)
		return;
	printf("# expected %s, found %s\n", finding->expected, finding->found);
	if (advice)
		printf("# %s\n", advice);
}

void show_tap(const struct report *r)
{
	unsigned int number = 0;

	puts("TAP version 13");
	if (r->error) {
		for (unsigned int i = 0; i < r->hint_count; i++)
			printf("# %s\n", r->hints[i]);
		printf("Bail out! %s\n", r->error);
		return;
	}
	printf("1..%u\n", count_findings(&r->source));
	for (struct device *d = r->source.devices; d; d = d->next)
		for (unsigned int i = 0; i < d->finding_count; i++)
			show_point(++number, d, &d->findings[i]);
}
