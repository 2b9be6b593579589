// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the report as TAP, for kselftest, prove and the like
 *
 * A check that could not be made is "not ok", because SKIP would count as passed.
 */
#include "../error.h"
#include "show.h"

static unsigned int count;

static void begin(const struct source *source)
{
	(void)source;
	puts("TAP version 13");
}

static void show_point(const char *place, const struct device *device,
		       const struct finding *finding)
{
	const char *advice = finding_advice(device, finding);

	printf("%s %u - %s %s%s\n",
	       finding->result == RESULT_PASS ? "ok" : "not ok", ++count, place,
	       finding->check->id,
	       finding->result == RESULT_UNKNOWN ? ": unknown" : "");
	if (finding->result == RESULT_PASS)
		return;
	printf("# expected %s, found %s\n", finding->expected, finding->found);
	if (advice)
		printf("# %s\n", advice);
}

static void show_points(const struct findings *findings)
{
	char place[64];

	if (!findings->device)
		show_machines("# ");
	format_where(place, sizeof(place), findings->device);
	for (unsigned int i = 0; i < findings->count; i++)
		show_point(place, findings->device, &findings->list[i]);
}

/* The plan comes last, when the number of tests is known */
static void end(int status)
{
	(void)status;
	if (!has_failed()) {
		printf("1..%u\n", count);
		return;
	}
	for (unsigned int i = 0; i < error.hint_count; i++)
		printf("# %s\n", error.hints[i]);
	printf("Bail out! %s\n", error.text);
	if (error.is_memory)
		show_error();
}

const struct form tap_form = { begin, show_points, end };
