// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: what the checks found, as text
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../options.h"
#include "show.h"

/*** Colour, only on a terminal ***/

static const char *colour(const char *code)
{
	static int wanted = -1;

	if (wanted < 0) {
		const char *no_color = getenv("NO_COLOR");

		wanted = isatty(STDOUT_FILENO) && !(no_color && *no_color);
	}
	return wanted ? code : "";
}

static const char *finding_colour(const struct finding *finding)
{
	if (finding->result == RESULT_PASS)
		return colour("\033[32m");
	if (finding->result == RESULT_FAIL &&
	    finding->check->severity == SEVERITY_ERROR)
		return colour("\033[31m");
	return colour("\033[33m");
}

/*** The checks ***/

static const char *label(const struct finding *finding)
{
	if (finding->result == RESULT_PASS)
		return "PASS";
	if (finding->result == RESULT_UNKNOWN)
		return "unknown";
	return finding->check->severity == SEVERITY_ERROR ? "FAIL" : "WARN";
}

/* One line for a run of findings that are unknown for the same reason */
static unsigned int count_alike(const struct findings *findings, unsigned int i)
{
	const struct finding *first = &findings->list[i];
	unsigned int count = 1;

	if (first->result != RESULT_UNKNOWN || opt.verbose)
		return 1;
	while (i + count < findings->count &&
	       first[count].result == RESULT_UNKNOWN &&
	       !strcmp(first[count].found, first->found))
		count++;
	return count;
}

static void show_finding(const struct device *device,
			 const struct finding *finding, unsigned int alike)
{
	const char *advice = finding_advice(device, finding);

	printf("\t%s%-8s%s", finding_colour(finding), label(finding),
	       colour("\033[0m"));
	if (finding->offset == NO_OFFSET)
		printf("%-6s", "-");
	else
		printf("0x%-4.2x", finding->offset);
	printf("%-34s", finding->check->name);
	if (finding->result == RESULT_PASS)
		printf("%s\n", finding->found);
	else if (alike > 1)
		printf("and %u more: %s\n", alike - 1, finding->found);
	else
		printf("expected %s, found %s\n", finding->expected,
		       finding->found);
	if (advice)
		printf("\t%14s%s\n", "", advice);
}

static void show_totals(const struct findings *findings)
{
	const unsigned int *totals = findings->totals;

	if (totals[RESULT_PASS] == findings->count)
		printf("\t%sall %u checks passed%s\n", colour("\033[32m"),
		       findings->count, colour("\033[0m"));
	else
		printf("\t%u %s: %u passed, %u failed, %u unknown\n",
		       findings->count, findings->count == 1 ? "check" :
		       "checks", totals[RESULT_PASS],
		       totals[RESULT_FAIL], totals[RESULT_UNKNOWN]);
}

/* Passed checks are shown with -v, and for a host, which has nothing else to show */
void list_findings(const struct findings *findings)
{
	bool all = opt.verbose || !findings->device;

	for (unsigned int i = 0; i < findings->count;) {
		const struct finding *finding = &findings->list[i];
		unsigned int alike = count_alike(findings, i);

		if (all || finding->result != RESULT_PASS)
			show_finding(findings->device, finding, alike);
		i += alike;
	}
	show_totals(findings);
}

/* A line for each finding that did not pass */
void show_quiet(const struct findings *findings)
{
	char place[64];

	format_where(place, sizeof(place), findings->device);
	for (unsigned int i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->list[i];

		if (f->result != RESULT_PASS)
			printf("%s %s %s: expected %s, found %s\n", place,
			       label(f), f->check->id, f->expected, f->found);
	}
}
